import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../domain/json.ts'
import { SHARED_FUNCTIONS } from '../../src/executors/simulator/engine.ts'
import { createSimulator, type SimulatorOptions } from '../../src/executors/simulator/simulator.ts'
import { digestOf } from '../../src/identity.ts'
import type { ExecutorFailure, FailureKind, Log, Plan } from '../../src/ports.ts'
import { describeExecutor } from '../conformance/executor.ts'
import { silentLog } from '../support/silent-log.ts'
import { until } from '../support/until.ts'

type Given = { params?: JsonObject; fixture?: Json; timeMs?: number; outputBytes?: number }

const planOf = (jsonata: string, given: Given = {}): Plan => ({
  program: { jsonata },
  params: given.params ?? {},
  fixture: given.fixture ?? null,
  target: { kind: 'Target', id: 'test', version: 1, executor: 'simulator' },
  limits: { timeMs: given.timeMs ?? 10_000, outputBytes: given.outputBytes ?? 65_536 },
})
const outputting = (output: string) => `{ "verdict": "would_succeed", "output": ${output} }`

const ENDLESS = '($f := function() { $f() }; $f())'
const ENDLESS_REGEX = `$match("${'a'.repeat(64)}!", /^(a+)+$/)`
/** DESIGN section 5. */
const MEMORY_BOMB = '($f := function($s) { $f($append($s, $s)) }; $f([1..1000]))'
/** Takes a function for plain data: its environment and its syntax tree lie open. */
const OPEN_LAMBDA = '({} ~> |$| function($x){ $x + 1 }, "_jsonata_lambda"|)'
const GLOBAL = `${OPEN_LAMBDA}.environment.global`
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

const never = () => new AbortController().signal
type Simulator = ReturnType<typeof createSimulator>

const outputOf = async (simulator: Simulator, expression: string, given?: Given) =>
  (await simulator.dryRun(planOf(outputting(expression), given), never())).output

/** `failure code`, or `reported`. */
const failureOf = (simulator: Simulator, plan: Plan, signal = never()): Promise<string> =>
  simulator.dryRun(plan, signal).then(
    () => 'reported',
    ({ failure, code }: ExecutorFailure) => `${failure} ${code}`,
  )

/** The process ids that a simulator logs, as they come up. */
function watchedLog(): { log: Log; pids: number[] } {
  const pids: number[] = []
  const log: Log = { ...silentLog, info: ({ pid }) => void pids.push(Number(pid)) }
  return { log, pids }
}

/**
 * The most that our own loop computed in one turn while it waited. In CPU time: on a busy machine
 * the clock also counts the turns of others.
 */
async function longestTurnMs(work: Promise<unknown>): Promise<number> {
  let longest = 0
  let before = process.cpuUsage()
  const ticking = setInterval(() => {
    const { user, system } = process.cpuUsage(before)
    longest = Math.max(longest, (user + system) / 1_000)
    before = process.cpuUsage()
  }, 1)
  await work
  clearInterval(ticking)
  return longest
}

/** A dead process whose new parent has not noticed yet is dead. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return (
      process.platform !== 'linux' || !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
    )
  } catch {
    return false
  }
}

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

describe('one run and the next in the same process', () => {
  let simulator: Simulator
  beforeAll(() => {
    simulator = createSimulator({ processes: 1 })
  })
  afterAll(() => simulator.close())

  it('seals every function that the engine shares', () => {
    const source = readFileSync(createRequire(import.meta.url).resolve('jsonata'), 'utf8')
    const bound = [...source.matchAll(/staticFrame\.bind\('(\w+)'/g)].map(([, name]) => name)
    expect(new Set(bound)).toEqual(new Set(SHARED_FUNCTIONS))
  })

  it.each([
    ['a function', '{} ~> |$sum|{ "implementation": $count }|', '$sum([5, 6])'],
    ['the type of a function', '{} ~> |$sum|{}, "_jsonata_function"|', '$sum([5, 6])'],
    ['what makes copies', '{} ~> |$clone|{ "implementation": $sum }|', '{} ~> |$|{ "a": 1 }|'],
    ['the environment', `{} ~> |${GLOBAL}|{ "left": 1 }|`, `$keys(${GLOBAL})`],
    ['who called last', '$abs(1)', '$count($spread([$abs]))'],
    [
      'composition',
      `(
        $chain := $sum ~> $string;
        $body := ({} ~> |$|$chain, "_jsonata_lambda"|).body;
        {} ~> |$body|{ "type": "string", "value": "rewritten" }|
      )`,
      '($f := $sum ~> $string; $f([1, 2]))',
    ],
  ])('share nothing: %s', async (_, attack, victim) => {
    const before = digestOf(await outputOf(simulator, `[${victim}]`))
    await failureOf(simulator, planOf(outputting(attack)))
    expect(digestOf(await outputOf(simulator, `[${victim}]`))).toBe(before)
  })

  it('gives the same output though an expression rewrites its own syntax tree', async () => {
    const rewriting = `(
      $body := ${OPEN_LAMBDA}.body;
      $before := $string($body.type);
      {} ~> |$body|{ "type": "string", "value": "rewritten" }|;
      $before
    )`
    const outcomes: string[] = []
    for (let run = 0; run < 3; run++) {
      const plan = planOf(outputting(rewriting))
      outcomes.push(await failureOf(simulator, plan))
    }
    expect(outcomes).toEqual(['threw unknown', 'threw unknown', 'threw unknown'])
  })

  it('gives the same output though an expression writes to its fixture', async () => {
    const writing = '({} ~> |$$.fixture|{ "n": $$.fixture.n + 1 }|; $$.fixture.n)'
    const given = { fixture: { n: 1 } }
    const outputs = [1, 2, 3].map(() => outputOf(simulator, writing, given))
    expect(await Promise.all(outputs)).toEqual([2, 2, 2])
    expect(given.fixture.n).toBe(1)
  })

  it('ends a run with all its branches, so none computes on in the time of the next', async () => {
    const branches = planOf(`[$error("first"), ${ENDLESS}]`, { timeMs: 300 })
    const [failed, next] = await Promise.all([
      failureOf(simulator, branches),
      outputOf(simulator, '"next"'),
    ])
    expect([failed, next]).toEqual(['timeout time', 'next'])
  })
})

describe('a process that is not sealed', () => {
  it('says so', async () => {
    const entry = new URL('../../src/executors/simulator/child.ts', import.meta.url)
    const open = fork(fileURLToPath(entry), [], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc', 'pipe'],
    })
    const [ready] = (await once(open, 'message')) as [unknown]
    open.kill('SIGKILL')
    expect(ready).toMatchObject({ kind: 'ready', isolation: { holds: false } })
  })
})

describe('many runs at once', () => {
  let simulator: Simulator
  beforeAll(async () => {
    simulator = createSimulator({ processes: 2 })
    await simulator.facts()
  })
  afterAll(() => simulator.close())

  it.each([
    ['a memory bomb', MEMORY_BOMB, 'limit memory'],
    ['an endless loop', ENDLESS, 'timeout time'],
    ['an endless regular expression', ENDLESS_REGEX, 'timeout time'],
    ['endless recursion', '($f := function($n) { 1 + $f($n + 1) }; $f(0))', 'limit depth'],
  ])('let only the culprit fail: %s', async (_, culprit, expected) => {
    const timeMs = expected === 'timeout time' ? 500 : 20_000
    const runs = Array.from({ length: 64 }, (__, n) =>
      n === 20
        ? failureOf(simulator, planOf(culprit, { timeMs }))
        : outputOf(simulator, 'params.n', { params: { n } }),
    )
    const expectedOutputs = runs.map((__, n) => (n === 20 ? expected : n))
    expect(await Promise.all(runs)).toEqual(expectedOutputs)
  })

  it('do not wait behind a slow one', async () => {
    const caller = new AbortController()
    const slow = failureOf(simulator, planOf(ENDLESS_REGEX, { timeMs: 25_000 }), caller.signal)
    const quick = Array.from({ length: 40 }, (_, n) => outputOf(simulator, `${n}`))
    expect(await Promise.all(quick)).toEqual(quick.map((_, n) => n))
    caller.abort()
    expect(await slow).toBe('timeout aborted')
  })

  it('leave the loop of the parent free while bombs go off', async () => {
    const bombs = Promise.all([1, 2].map(() => failureOf(simulator, planOf(MEMORY_BOMB))))
    expect(await longestTurnMs(bombs)).toBeLessThan(50)
    expect(await bombs).toEqual(['limit memory', 'limit memory'])
  })

  it('fail when too many wait, and the others are answered', async () => {
    const runs = Array.from({ length: 1_030 }, (_, n) =>
      failureOf(simulator, planOf(outputting(`${n}`))),
    )
    const failures = await Promise.all(runs)
    expect(failures.slice(0, 1_024).every((failure) => failure === 'reported')).toBe(true)
    expect(failures.slice(1_024)).toEqual(Array(6).fill('timeout busy'))
  })
})

describe('the processes of a simulator', () => {
  const opened: Simulator[] = []
  afterEach(async () => {
    for (const simulator of opened.splice(0)) await simulator.close()
  })
  function open(options: SimulatorOptions): Simulator {
    const simulator = createSimulator(options)
    opened.push(simulator)
    return simulator
  }

  it('start with the first run and end with the executor', async () => {
    const { log, pids } = watchedLog()
    const simulator = open({ processes: 2, log })
    expect(await outputOf(simulator, '1')).toBe(1)
    expect(pids).toHaveLength(1)
    const running = failureOf(simulator, planOf(ENDLESS_REGEX))
    await nextTurn()
    const closing = simulator.close()
    expect(await failureOf(simulator, planOf('1'))).toBe('timeout closed')
    expect(await running).toBe('timeout closed')
    await closing
    expect(pids.some(isAlive)).toBe(false)
  })

  it('are replaced when somebody kills one, and what ran is repeated once', async () => {
    const { log, pids } = watchedLog()
    const simulator = open({ processes: 1, log })
    const running = failureOf(simulator, planOf(ENDLESS))
    process.kill(await until(() => pids[0]), 'SIGKILL')
    process.kill(await until(() => pids[1]), 'SIGKILL')
    expect(await running).toBe('timeout process-lost')
    expect(await outputOf(simulator, '"after"')).toBe('after')
  })

  it('leave it to their parent to heed an interrupt', async () => {
    const { log, pids } = watchedLog()
    const simulator = open({ processes: 1, log })
    await simulator.facts()
    const running = failureOf(simulator, planOf(ENDLESS, { timeMs: 200 }))
    for (const signal of ['SIGINT', 'SIGTERM']) process.kill(pids[0] ?? 0, signal)
    expect(await running).toBe('timeout time')
    expect(await outputOf(simulator, '"after"')).toBe('after')
    expect(pids).toHaveLength(1)
  })

  it('are not given what nobody waits for any more', async () => {
    const simulator = open({ processes: 1 })
    await simulator.facts()
    const caller = new AbortController()
    const runs = [ENDLESS_REGEX, ENDLESS, ENDLESS_REGEX].map((endless) =>
      failureOf(simulator, planOf(endless), caller.signal),
    )
    const other = outputOf(simulator, '"other"')
    caller.abort()
    expect(await Promise.all(runs)).toEqual(runs.map(() => 'timeout aborted'))
    expect(await other).toBe('other')
  })

  it('end when nobody waits for what they compute any more', async () => {
    const { log, pids } = watchedLog()
    const simulator = open({ processes: 2, log })
    const caller = new AbortController()
    const slow = failureOf(simulator, planOf(ENDLESS_REGEX, { timeMs: 25_000 }), caller.signal)
    // Started behind the slow one and answered: so that one is known to be slow.
    expect(await outputOf(simulator, '"quick"')).toBe('quick')
    caller.abort()
    expect(await slow).toBe('timeout aborted')
    await until(() => !pids.every(isAlive))
  })

  it('take any number of runs under one signal, without a warning', async () => {
    const warnings: Error[] = []
    const note = (warning: Error) => void warnings.push(warning)
    process.on('warning', note)
    const simulator = open({ processes: 1 })
    const { signal } = new AbortController()
    const runs = Array.from({ length: 40 }, () =>
      failureOf(simulator, planOf(outputting('1')), signal),
    )
    expect(new Set(await Promise.all(runs))).toEqual(new Set(['reported']))
    process.off('warning', note)
    expect(warnings).toEqual([])
  })

  it.runIf(process.platform === 'linux')('have no environment of ours', async () => {
    const { log, pids } = watchedLog()
    await open({ processes: 1, log }).facts()
    const environment = readFileSync(`/proc/${pids[0]}/environ`, 'utf8').split('\0').filter(Boolean)
    expect(environment.filter((one) => !one.startsWith('NODE_CHANNEL_'))).toEqual(['TZ=UTC'])
  })
})

describe('a parent of simulator processes', () => {
  const module = new URL('../../src/executors/simulator/simulator.ts', import.meta.url).href
  const script = (body: string) => `
    import { createSimulator } from ${JSON.stringify(module)}
    const log = { info: ({ pid }) => console.log(pid), warn() {}, error() {} }
    const simulator = createSimulator({ log })
    const run = (jsonata) => simulator.dryRun({
      program: { jsonata }, params: {}, fixture: null, limits: { timeMs: 60_000, outputBytes: 100 },
    }, new AbortController().signal)
    ${body}`
  const parents: ChildProcess[] = []
  afterEach(() => {
    for (const parent of parents.splice(0)) parent.kill('SIGKILL')
  })
  const start = (body: string) => {
    const flags = ['--import', 'tsx', '--input-type=module', '--eval', script(body)]
    const parent = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] })
    parents.push(parent)
    return { parent, lines: createInterface({ input: parent.stdout }) }
  }

  it('ends by itself when no run is left', async () => {
    const { parent } = start(`await run('${outputting('1')}')`)
    expect(await once(parent, 'exit')).toEqual([0, null])
  })

  it('takes them with it when it is killed, even out of a regular expression', async () => {
    const { parent, lines } = start(`
      await run('${outputting('1')}')
      void run(${JSON.stringify(ENDLESS_REGEX)})
      await run('${outputting('2')}')
      console.log('all')`)
    const pids: number[] = []
    for await (const line of lines) {
      if (line === 'all') break
      pids.push(Number(line))
    }
    expect(pids).toHaveLength(2)
    parent.kill('SIGKILL')
    await until(() => !pids.some(isAlive))
  })
})
