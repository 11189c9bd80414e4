import { describe, expect, it } from 'vitest'
import { EMPTY_CONTROL } from '../../domain/control/state.ts'
import { dispatches } from '../../projections/dispatches/project.ts'
import type { ProjectorStatus } from '../../src/projector/projector.ts'
import { type ReadinessPorts, readReadiness } from '../../src/readiness.ts'

const SOUND: ReadinessPorts = {
  negativeControls: [{ gate: 'mode', fired: true } as never],
  ledger: {
    load: () => Promise.reject(new Error('not asked')),
    current: () => Promise.resolve({ control: EMPTY_CONTROL, position: 0 }),
  },
  whyNotServable: () => Promise.resolve(null),
  projectors: [],
  projections: () => Promise.resolve([]),
}
const following = (state: ProjectorStatus['state'], seconds: number): ReadinessPorts => ({
  ...SOUND,
  projectors: [{ projection: dispatches, status: () => ({ state, detail: '' }) }],
  projections: () => Promise.resolve([{ name: 'dispatches', lag: { seconds } }]),
})

describe('a ready server', () => {
  it.each<[ProjectorStatus['state'], number, { ok: boolean; detail: string }]>([
    ['following', 0, { ok: true, detail: 'following' }],
    ['following', 30, { ok: true, detail: 'following' }],
    ['following', 31.2, { ok: false, detail: 'following, 31 s behind' }],
    ['standby', 0, { ok: true, detail: 'standby' }],
    ['standby', 90, { ok: false, detail: 'standby, 90 s behind' }],
    ['stopped', 0, { ok: false, detail: 'stopped' }],
  ])('tells of a read model that is %s and %d s behind', async (state, seconds, check) => {
    const { ready, checks } = await readReadiness(following(state, seconds))
    expect(ready).toBe(true)
    expect(checks['projection:dispatches']).toEqual(check)
  })

  it('tells of a switch that was never set', async () => {
    const { ready, checks } = await readReadiness(SOUND)
    expect(ready).toBe(true)
    expect(checks['switch']).toEqual({ ok: false, detail: 'unset' })
  })
})

describe('a server is not ready', () => {
  it.each<[string, Partial<ReadinessPorts>, string]>([
    ['without a negative control that fired', { negativeControls: [] }, 'negativeControls'],
    [
      'when its login may change the log',
      { whyNotServable: () => Promise.resolve('the login may change ledger.commits') },
      'schema',
    ],
    [
      'when the store does not answer',
      { ledger: { ...SOUND.ledger, current: () => Promise.reject(new Error('gone')) } },
      'store',
    ],
  ])('%s', async (_, change, check) => {
    const { ready, checks } = await readReadiness({ ...SOUND, ...change })
    expect(ready).toBe(false)
    expect(checks[check]?.ok).toBe(false)
  })
})
