import { describe, expect, it } from 'vitest'
import { haltedSteps, haltInWords } from '../../src/console/screens/dispatch/halted.ts'
import { haltsOf } from '../../src/console/switch/intervals.ts'
import { settings } from '../support/switch-settings.ts'

describe('halts among the events of a dispatch', () => {
  /** Settings stand at the positions 10, 11 and so on. */
  const halts = (...flips: readonly (readonly [string, 'DRY_RUN_ONLY' | 'HALTED'])[]) =>
    haltsOf(settings('2026-11-22T16:59:00.000Z', ...flips))
  const steps = (positions: readonly number[], of: ReturnType<typeof halts>) =>
    haltedSteps(positions, of).map(({ halt, from, to }) => [halt.scope, from, to])

  it('lie between the events that stand beside them in the log', () => {
    const once = halts(['global', 'HALTED'], ['global', 'DRY_RUN_ONLY'])
    expect(steps([5, 20], once)).toEqual([['global', 1, 1]])
    const around = halts(
      ['global', 'HALTED'],
      ['executor:http', 'HALTED'],
      ['executor:http', 'DRY_RUN_ONLY'],
      ['global', 'DRY_RUN_ONLY'],
    )
    expect(steps([5, 10.5, 20], around)).toEqual([
      ['executor:http', 2, 2],
      ['global', 1, 2],
    ])
  })

  it('are none that ended before the first event or began after the last, but what is in force', () => {
    const once = halts(['global', 'HALTED'], ['global', 'DRY_RUN_ONLY'])
    expect(steps([12, 20], once)).toEqual([])
    expect(steps([5, 9], once)).toEqual([])
    expect(steps([5, 9], halts(['global', 'HALTED']))).toEqual([['global', 2, 2]])
    expect(steps([10.5, 20], once)).toEqual([['global', 0, 1]])
  })

  it('say from when to when, with the day where it is another', () => {
    const [short] = halts(['global', 'HALTED'], ['global', 'DRY_RUN_ONLY'])
    const [open] = halts(['executor:http', 'HALTED'])
    const [night] = haltsOf(
      settings('2026-11-22T23:59:30.000Z', ['global', 'HALTED'], ['global', 'DRY_RUN_ONLY']),
    )
    expect([short, open, night].map((it) => it && haltInWords(it))).toEqual([
      'global HALTED 16:59 to 17:00',
      'executor:http HALTED since 11-22 16:59',
      'global HALTED 11-22 23:59 to 11-23 00:00',
    ])
  })
})
