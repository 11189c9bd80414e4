import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSimulator } from '../../src/executors/simulator/simulator.ts'
import {
  ENDLESS,
  ENDLESS_REGEX,
  failureOf,
  longestTurnMs,
  OPEN_LAMBDA,
  outputOf,
  outputting,
  planOf,
  type Simulator,
} from '../support/simulator.ts'

let simulator: Simulator
beforeAll(async () => {
  simulator = createSimulator({ processes: 2 })
  await simulator.facts()
})
afterAll(() => simulator.close())

/** What an attack may take of our own loop, in one turn. */
const TURN_MS = 50
/** A run that only its time ends has this long; one that ends by itself has all it needs. */
const SHORT_MS = 100
const LONG_MS = 20_000

type Attack = readonly [name: string, expression: string]
type Ended = readonly [name: string, expression: string, failure: string]

const tree = (levels: number, of = '{ "l": $o, "r": $o }') =>
  `($f := function($o, $n) { $n = 0 ? $o : $f(${of}, $n - 1) }; $f({}, ${levels}))`

/** They never end, or not in the time of a plan. */
const ENDLESS_ONES: readonly Attack[] = [
  ['an endless loop', ENDLESS],
  ['a function that is given itself', '($y := function($f) { $f($f) }; $y($y))'],
  ['a comparator that never answers', `$sort([1, 2], function($a, $b) { ${ENDLESS} })`],
  [
    'partial applications without end',
    '($f := function($g, $x) { $g($g, $x) }; $h := $f(?, 1); $h($f))',
  ],
  ['comparing all with all', '$count($distinct([1..300000].{ "a": $ }))'],
  ['a group for every number', '[1..3000000]{ $string($): $ }'],
  ['descending into a tree of shared parts', `$count(${tree(26)}.**)`],
  ['the text of a tree of shared parts', `$length($string(${tree(30)}))`],
  ['a long picture of a number', '$formatNumber(1, $pad("", 100000000, "#") & "0")'],
  ['a long picture of a time', '$fromMillis(0, $pad("", 20000000, "[Y]"))'],
  ['a regular expression of nested repeats', ENDLESS_REGEX],
  ['one of equal branches', `$split("${'a'.repeat(64)}!", /(a|a)*$b/)`],
  ['one in a search', `$contains("${'x'.repeat(40)}y", /(x+x+)+z/)`],
  // The engine makes a regular expression of the picture: jsonata issue 833, open in 2.2.2.
  [
    'a picture of a time that makes one',
    '$toMillis($pad("", 4000, "1") & "x", "[f1][f1][f1][f1][f1][f1]")',
  ],
]

/** They end by themselves, or by a limit other than time. */
const ENDED_ONES: readonly Ended[] = [
  ['a range as long as the engine makes them', '[1..10000000]', 'limit memory'],
  ['a longer range', '[1..10000001]', 'threw D2014'],
  ['a string too long for any heap', '$pad("x", 600000000, "y")', 'limit memory'],
  ['a year of a billion digits', '$fromMillis(0, "[Y,1000000000]")', 'limit memory'],
  [
    'a picture of fifty million digits',
    '$formatInteger(1, $pad("", 50000000, "0"))',
    'limit memory',
  ],
  ['the base64 of a huge string', '$base64encode($pad("", 400000000, "x"))', 'limit memory'],
  ['a list of shared lists as text', `$string(${tree(30, '[$o, $o]')})`, 'limit memory'],
  [
    'functions that call each other',
    '($a := function($n) { 1 + $b($n) }; $b := function($n) { 1 + $a($n) }; $a(0))',
    'limit depth',
  ],
  ['a program of nested brackets', '['.repeat(50_000) + ']'.repeat(50_000), 'limit depth'],
  [
    'a program of nested functions',
    'function(){'.repeat(20_000) + '}'.repeat(20_000),
    'limit depth',
  ],
  ['a sum of thirty thousand', `1${'+1'.repeat(30_000)}`, 'limit depth'],
  ['an output of seventy thousand', '$pad("", 70000, "x")', 'limit output'],
  ['a replacement of nothing', '$replace("abc", /()/, "x")', 'threw D1004'],
  // CVE-2026-52746: the engine's own expression for a time was one of nested repeats.
  [
    'a time of sixty thousand digits',
    '$toMillis("2020-01-01T00:00:00." & $pad("", 60000, "1") & "x")',
    'threw D3110',
  ],
]

/** Each asks for something that would only be there if the walls had a hole. */
const REACHING_OUT: readonly Ended[] = [
  ['the process', '$process', 'not-json no-output'],
  ['a module', '$require("fs")', 'threw T1006'],
  ['a global', 'globalThis.process', 'not-json no-output'],
  ['the maker of functions', '$sum.constructor("return process")()', 'threw T1006'],
  [
    'it through an implementation',
    '$sum.implementation.constructor("return 1")()',
    'not-json no-output',
  ],
  ['it through a string', '"x".constructor.constructor', 'not-json no-output'],
  ['the environment', `${OPEN_LAMBDA}.environment.lookup("constructor")`, 'not-json no-output'],
  ['a program in a string', '$eval("$now()")', 'threw removed-eval'],
  ['a clock under another name', '($f := $now; $g := $f ~> $string; $g())', 'threw removed-now'],
  ['a promise of its own', '{ "then": function($r) { $r(1) } }', 'not-json function'],
  ['a writer of JSON', '{ "toJSON": function() { 1 } }', 'not-json function'],
]

/** CVE-2024-27307 and CVE-2026-12208: whatever an object inherits, one expression gave it to the next. */
const POLLUTING: readonly Attack[] = [
  ['a transform of the prototype', '{} ~> |__proto__|{ "polluted": true }|'],
  ['a transform into the prototype', '{} ~> |$|{ "__proto__": { "polluted": true } }|'],
  ['a transform of the constructor', '{} ~> |constructor.prototype|{ "polluted": true }|'],
  ['a transform of a list', '[1] ~> |constructor.prototype|{ "polluted": true }|'],
  ['a transform of a string', '{ "s": "x" } ~> |s.constructor|{ "polluted": true }|'],
  ['a merge', '$merge([{ "__proto__": { "polluted": true } }, { "a": 1 }])'],
  ['a group', '["__proto__"]{ $: { "polluted": true } }'],
  ['params', '$merge([$$.params, {}])'],
]

describe('an attack', () => {
  it.each(ENDLESS_ONES)('that does not end is ended in its time: %s', async (_, expression) => {
    await expectHarmless(expression, 'timeout time', SHORT_MS)
  })

  it.each(ENDED_ONES)(
    'that is too large is refused by its limit: %s',
    async (_, expression, ended) => {
      await expectHarmless(expression, ended, LONG_MS)
    },
  )

  it.each(REACHING_OUT)('that reaches out finds nothing: %s', async (_, expression, ended) => {
    await expectHarmless(expression, ended, LONG_MS)
  })

  it.each(POLLUTING)('that pollutes leaves nothing behind: %s', async (_, expression) => {
    const params = JSON.parse('{ "constructor": { "prototype": { "polluted": true } } }') as object
    const plan = planOf(outputting(`[${expression}]`), { params: { ...params } })
    await failureOf(simulator, plan)
    const left = '[{}, [], "x", 1, $sum, function() { 1 }].($exists(polluted))'
    const looks = Array.from({ length: 8 }, () => outputOf(simulator, left))
    for (const found of await Promise.all(looks)) expect(found).not.toContain(true)
  })
})

/** Refused exactly so, our own loop free all the while, and the next runs on both processes unharmed. */
async function expectHarmless(expression: string, ended: string, timeMs: number): Promise<void> {
  const plan = planOf(outputting(expression), { timeMs })
  const attack = failureOf(simulator, plan)
  const turnMs = await longestTurnMs(attack)
  // What the attack does it does again; a pause of our own garbage collector comes once.
  const again = turnMs < TURN_MS ? turnMs : await longestTurnMs(failureOf(simulator, plan))
  expect(again).toBeLessThan(TURN_MS)
  expect(await attack).toBe(ended)
  const next = [1, 2, 3, 4].map((n) => outputOf(simulator, 'params.n + 1', { params: { n } }))
  expect(await Promise.all(next)).toEqual([2, 3, 4, 5])
}
