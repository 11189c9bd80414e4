import type { Setting } from '../../src/console/switch/intervals.ts'

/** Settings of a log, each a minute after the one before, beginning at `from`. */
export const settings = (
  from: string,
  ...flips: readonly (readonly [string, 'DRY_RUN_ONLY' | 'HALTED'])[]
): readonly Setting[] =>
  flips.map(([scope, state], at) => ({
    id: `id-${at}`,
    stream: 'control',
    revision: at,
    position: at + 10,
    type: 'SwitchSet',
    recordedAt: new Date(Date.parse(from) + at * 60_000).toISOString(),
    data: { scope, state, reason: `reason ${at}` },
    metadata: { callId: 'c', correlationId: 'c', actor: 'key:ops', schemaVersion: 1 },
  }))
