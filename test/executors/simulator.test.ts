import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Json } from '../../domain/json.ts'
import { createSimulator } from '../../src/executors/simulator/simulator.ts'
import { digestOf } from '../../src/identity.ts'
import type { FailureKind, Plan } from '../../src/ports.ts'
import { describeExecutor } from '../conformance/executor.ts'
import { silentLog } from '../support/silent-log.ts'
import {
  ENDLESS,
  failureOf,
  type Given,
  MEMORY_BOMB,
  never,
  OPEN_LAMBDA,
  outputOf,
  outputting,
  planOf,
  type Simulator,
} from '../support/simulator.ts'

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

const STOCK: Given = { params: { take: 3 }, fixture: { stock: [4, 2] } }
const TAKE = `(
  $left := $sum(fixture.stock) - params.take;
  { "verdict": $left < 0 ? "would_fail" : "would_succeed", "output": { "left": $left } }
)`

const REFUSED: [name: string, expression: string, failure: FailureKind, code: string][] = [
  ['a clock', outputting('$now()'), 'threw', 'removed-now'],
  ['a stop-watch', outputting('$millis()'), 'threw', 'removed-millis'],
  ['chance', outputting('$random()'), 'threw', 'removed-random'],
  ['a random order', outputting('$shuffle([1, 2, 3])'), 'threw', 'removed-shuffle'],
  ['a program in a string', outputting('$eval("1")'), 'threw', 'removed-eval'],
  ['a function under another name', outputting('($f := $now; $f())'), 'threw', 'removed-now'],
  ['a time of today', outputting('$toMillis("13:45", "[H01]:[m01]")'), 'threw', 'clock'],
  ['what does not compile', '$x(', 'threw', 'S0203'],
  ['a function that is not there', outputting('$fetch("x")'), 'threw', 'T1006'],
  ['an error of the expression', '$error("on purpose")', 'threw', 'D3137'],
  ['a failed assertion', '$assert(false, "on purpose")', 'threw', 'D3141'],
  ['what can never settle', '($f := function($x) {{ "then": $x }}; $f($sum))', 'threw', 'stalled'],
  ['a bare value', '42', 'not-json', 'not-a-verdict'],
  ['another verdict', '{ "verdict": "fine", "output": 1 }', 'not-json', 'not-a-verdict'],
  [
    'a third member',
    '{ "verdict": "would_fail", "output": 1, "x": 1 }',
    'not-json',
    'not-a-verdict',
  ],
  ['nothing', 'params.nothing', 'not-json', 'no-output'],
  ['a missing output', outputting('params.nothing'), 'not-json', 'no-output'],
  ['a function', outputting('[1, $sum]'), 'not-json', 'function'],
  ['a lambda', outputting('{ "f": function($x) { $x } }'), 'not-json', 'function'],
  ['a regular expression', outputting('{ "re": /a/ }'), 'not-json', 'function'],
  ['a nested undefined', outputting('$match("a", /(a)|(b)/)'), 'not-json', 'undefined'],
  ['infinity', outputting('1 / 0'), 'not-json', 'number'],
  ['U+0000', outputting('"a\\u0000"'), 'not-json', 'nul-character'],
  ['half a surrogate pair', outputting('{ "\\ud800": 1 }'), 'not-json', 'lone-surrogate'],
  ['the key __proto__', outputting('{ "__proto__": 1 }'), 'not-json', 'forbidden-key'],
  ['33 levels', outputting(nested(33)), 'not-json', 'too-deep'],
  ['a cycle', outputting('($o := {}; {} ~> |$o|{ "o": $o }|; $o)'), 'not-json', 'too-deep'],
  ['endless recursion', '($f := function($n) { 1 + $f($n + 1) }; $f(0))', 'limit', 'depth'],
  ['an endless string', '($f := function($s) { $f($s & $s) }; $f("x"))', 'limit', 'memory'],
  ['a huge array', outputting('$pad("", 5000000000)'), 'limit', 'memory'],
  ['a memory bomb', MEMORY_BOMB, 'limit', 'memory'],
]

describeExecutor('simulator', {
  evidence: ['isolated'],
  open: async () => {
    const quick = planOf(TAKE, STOCK)
    const simulator = createSimulator({ log: silentLog })
    return {
      executor: simulator,
      quick,
      endless: (timeMs) => planOf(ENDLESS, { timeMs }),
      oversized: (outputBytes) => planOf(outputting('$pad("", 2000, "x")'), { outputBytes }),
      watched: async () => digestOf(quick),
      close: () => simulator.close(),
    }
  },
  negativeControls: REFUSED.map(([name, expression, failure, code]) => ({
    name,
    plan: () => planOf(expression),
    failure,
    code,
  })),
})

describe('an expression', () => {
  let simulator: Simulator
  beforeAll(() => {
    simulator = createSimulator({ processes: 1 })
  })
  afterAll(() => simulator.close())

  it('answers from params and fixture, either way', async () => {
    const report = await simulator.dryRun(planOf(TAKE, STOCK), never())
    expect(report).toMatchObject({ verdict: 'would_succeed', output: { left: 3 } })
    const tooMany = planOf(TAKE, { ...STOCK, params: { take: 7 } })
    const refusal = await simulator.dryRun(tooMany, never())
    expect(refusal).toMatchObject({ verdict: 'would_fail', output: { left: -1 } })
  })

  it('runs in a process that found out itself what is gone', async () => {
    const { evidence } = await simulator.dryRun(planOf(TAKE, STOCK), never())
    const removed = ['eval', 'millis', 'now', 'random', 'shuffle']
    expect(evidence).toEqual({
      isolated: { holds: true, seen: { engine: 'jsonata', version: '2.2.2', removed } },
    })
    const facts = { isolation: 'process', engine: 'jsonata', version: '2.2.2', removed }
    expect(await simulator.facts()).toEqual(facts)
  })

  it.each([
    ['null', null],
    ['[1..3].($ * 2)', [2, 4, 6]],
    ['[params.list[$ > 1]]', [2, 3]],
    ['{ "a": [params.list] }', { a: [1, 2, 3] }],
    ['-0', 0],
    [nested(32), JSON.parse(nested(32))],
    ['$toMillis("2026-01-02T03:04:05")', Date.UTC(2026, 0, 2, 3, 4, 5)],
    ['$toMillis("2026-01-02", "[Y0001]-[M01]-[D01]")', Date.UTC(2026, 0, 2)],
    ['$fromMillis(0)', '1970-01-01T00:00:00.000Z'],
    ['$base64decode($base64encode("ledger"))', 'ledger'],
    ['params ~> |$|{ "toString": 1 }, "list"|', { toString: 1 }],
    ['$map(params.list, $string)', ['1', '2', '3']],
  ] as [string, Json][])('outputs plain JSON for %s', async (expression, expected) => {
    const output = await outputOf(simulator, expression, { params: { list: [1, 2, 3] } })
    expect(output).toStrictEqual(expected)
  })

  it.each([
    'params.constructor',
    'params.__proto__',
    'params.a.toString',
    '$lookup(params, "constructor")',
    '$lookup(params, "__proto__")',
    'params.list.length',
  ])('sees nothing of JavaScript at %s', async (path) => {
    const exists = await outputOf(simulator, `$exists(${path})`, { params: { a: {}, list: [1] } })
    expect(exists).toBe(false)
  })

  it('finds no clock and no chance in the environment of a lambda', async () => {
    const time = `$string(${OPEN_LAMBDA}.environment.timestamp)`
    expect(await outputOf(simulator, time)).toBe('null')
    for (const name of ['random', 'now', 'eval', 'millis', 'shuffle']) {
      const looked = `($find := ${OPEN_LAMBDA}.environment.lookup; $find("${name}")())`
      expect(await failureOf(simulator, planOf(looked))).toBe(`threw removed-${name}`)
    }
  })

  it.each(['_jsonata_function', '_jsonata_lambda'])('takes no data for code: %s', async (key) => {
    const body = { type: 'string', value: 'injected' }
    const params = { callback: { [key]: true, arguments: [], body } }
    const plan = planOf('(params.callback(?))()', { params })
    expect(await failureOf(simulator, plan)).toBe('threw D1013')
  })

  it('needs a program', async () => {
    const plan: Plan = { ...planOf(''), program: { sql: 'select 1' } }
    expect(await failureOf(simulator, plan)).toBe('threw no-program')
  })

  it('keeps its output within the limit to the byte', async () => {
    const plan = (outputBytes: number) => planOf(outputting('"héé"'), { outputBytes })
    expect(await failureOf(simulator, plan(7))).toBe('reported')
    expect(await failureOf(simulator, plan(6))).toBe('limit output')
  })

  it('is not held up by an output that is small in memory and endless as text', async () => {
    const doubled = '$reduce([1..30], function($a, $n) {{ "left": $a, "right": $a }}, 0)'
    expect(await failureOf(simulator, planOf(outputting(doubled)))).toBe('limit output')
  })
})
