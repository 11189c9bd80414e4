import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ControlState } from '../../domain/control/state.ts'
import { createRunWatch, Stopped } from '../../src/dispatch/run-watch.ts'
import { readyAnd, switchSet } from '../support/control.ts'
import { sampleCommand } from '../support/sample.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A watch on a control stream that the test changes or takes away, and how often it was read. */
function watching(control: ControlState) {
  const log = { control, reads: 0, answer: 'at once' as 'at once' | 'never' | 'with an error' }
  const watch = createRunWatch({
    current() {
      log.reads += 1
      if (log.answer === 'never') return new Promise(() => undefined)
      if (log.answer === 'with an error') return Promise.reject(new Error('gone'))
      return Promise.resolve({ control: log.control, position: 1 })
    },
  })
  const run = (id = 'sample.echo') => {
    const controller = new AbortController()
    const command = sampleCommand({ contract: { id, version: 1 } })
    return { signal: controller.signal, leave: watch.add(command, controller) }
  }
  return { log, run }
}

describe('the watch of what runs', () => {
  it('stops a run within a second after a halt, and says why', async () => {
    const { log, run } = watching(readyAnd())
    const { signal } = run()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(signal.aborted).toBe(false)
    log.control = readyAnd(switchSet('HALTED'))
    await vi.advanceTimersByTimeAsync(250)
    expect(signal.reason).toBeInstanceOf(Stopped)
  })

  it.each([
    ['contract:sample.echo', true, false],
    ['contract:sample.other', false, true],
    ['executor:simulator', true, false],
    ['global', true, true],
  ])('stops what stands under the halt of %s, and nothing else', async (scope, one, other) => {
    const { run } = watching(readyAnd(switchSet('HALTED', scope)))
    const runs = [run(), run('sample.other')]
    await vi.advanceTimersByTimeAsync(250)
    expect(runs.map(({ signal }) => signal.aborted)).toEqual([one, other])
  })

  it('reads the switch once for all runs, and not at all when nothing runs', async () => {
    const { log, run } = watching(readyAnd())
    const runs = Array.from({ length: 100 }, () => run())
    await vi.advanceTimersByTimeAsync(1_000)
    expect(log.reads).toBe(4)
    for (const { leave } of runs) leave()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(log.reads).toBe(4)
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each(['never', 'with an error'] as const)(
    'stops what runs before a second is over that the switch could not be read in: it answers %s',
    async (answer) => {
      const { log, run } = watching(readyAnd())
      const { signal } = run()
      await vi.advanceTimersByTimeAsync(1_000)
      log.answer = answer
      await vi.advanceTimersByTimeAsync(749)
      expect(signal.aborted).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      expect(signal.reason).toBeInstanceOf(Stopped)
    },
  )

  it('forgets a late answer with the runs that waited for it', async () => {
    const { log, run } = watching(readyAnd())
    log.answer = 'with an error'
    const { leave } = run()
    await vi.advanceTimersByTimeAsync(500)
    leave()
    log.answer = 'at once'
    const { signal } = run()
    await vi.advanceTimersByTimeAsync(250)
    expect(signal.aborted).toBe(false)
  })
})
