import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createSimulator, type SimulatorOptions } from '../../src/executors/simulator/simulator.ts'
import {
  ENDLESS,
  ENDLESS_REGEX,
  failureOf,
  longestTurnMs,
  MEMORY_BOMB,
  outputOf,
  outputting,
  planOf,
  type Simulator,
  watchedLog,
} from '../support/simulator.ts'
import { until } from '../support/until.ts'

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
