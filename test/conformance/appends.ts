import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { DispatchEvent, SwitchState } from '../../domain/events.ts'
import { CONTROL_STREAM, dispatchStream } from '../../domain/identity.ts'
import type { Json } from '../../domain/json.ts'
import type { Snapshot } from '../../domain/snapshot.ts'
import { eventId } from '../../src/identity.ts'
import type { ControlAppend, DispatchAppend, NewEvent } from '../../src/ports.ts'

export const newStream = (): string => dispatchStream(randomUUID())

export const newStreams = (count: number): string[] => Array.from({ length: count }, newStream)

/** What one dispatch writes when nothing refuses it. */
export const WHOLE_LIFE = ['Planned', 'PreflightPassed', 'DryRunRecorded'] as const

type DispatchPart = Readonly<{
  expected?: number
  types?: readonly DispatchEvent['type'][]
  controlRevision?: number
  callId?: string
  output?: Json
}>

/** An append to a dispatch. Where every event is a refusal, it goes without a control revision. */
export function dispatchAppend(
  stream: string,
  {
    expected = -1,
    types = ['Planned'],
    controlRevision = -1,
    callId = randomUUID(),
    output = null,
  }: DispatchPart = {},
): DispatchAppend {
  const snapshot = { rules: 1, controlRevision, gates: [] }
  const allRefused = types.every((type) => type === 'Refused')
  const events = types.map((type, index) => {
    const id = eventId({ stream, revision: expected + 1 + index, type, callId })
    return newEvent(id, dispatchEvent(type, snapshot, output))
  })
  return { stream, expected, callId, controlRevision: allRefused ? null : controlRevision, events }
}

export function controlAppend(
  expected: number,
  states: readonly SwitchState[] = ['DRY_RUN_ONLY'],
  callId: string = randomUUID(),
): ControlAppend {
  const events = states.map((state, index) => {
    const type = 'SwitchSet'
    const revision = expected + 1 + index
    const id = eventId({ stream: CONTROL_STREAM, revision, type, callId })
    return newEvent(id, { type, data: { scope: 'global', state, reason: `revision ${revision}` } })
  })
  return { expected, callId, events }
}

/** What an append must read back as, wherever the log puts it. */
export function recordedOf(append: ControlAppend & Readonly<{ stream?: string }>) {
  const { stream = CONTROL_STREAM, expected, events, callId } = append
  return events.map((event, index) => ({
    ...event,
    stream,
    revision: expected + 1 + index,
    position: expect.any(Number),
    recordedAt: expect.stringMatching(TIME),
    metadata: { ...event.metadata, callId },
  }))
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

const newEvent = (id: string, event: Pick<NewEvent, 'type' | 'data'>): NewEvent => ({
  id,
  ...event,
  metadata: { schemaVersion: 1, correlationId: '0af7651916cd43dd8448eb211c80319c', actor: 'key:k' },
})

function dispatchEvent(
  type: DispatchEvent['type'],
  snapshot: Snapshot,
  output: Json,
): DispatchEvent {
  const mode = 'DRY_RUN'
  const executor = { type: 'simulator', build: 1 }
  switch (type) {
    case 'Planned':
      return { type, data: { digest: DIGEST, command: COMMAND, mode, pins: PINS, snapshot } }
    case 'PreflightPassed':
      return { type, data: { mode, executor, snapshot } }
    case 'DryRunRecorded': {
      const { outputNamespace } = COMMAND
      const recorded = { verdict: 'would_succeed', outputDigest: DIGEST, outputNamespace } as const
      return { type, data: { mode, ...recorded, output, executor, snapshot } }
    }
    case 'Refused': {
      const refusal = { code: 'fixture-missing', rule: 8, stage: 'admission' } as const
      return { type, data: { mode, ...refusal, snapshot, digest: DIGEST, command: COMMAND } }
    }
  }
}

const DIGEST = `sha256:${'0'.repeat(64)}`
const PIN = { version: 1, sha256: DIGEST }
const PINS = { contract: PIN, fixture: PIN, target: PIN }
const COMMAND = {
  contract: { id: 'sample.echo', version: 1 },
  target: 'sample/one',
  params: {},
  outputNamespace: 'DRYRUN-NS:sample',
  occurrence: '',
}
