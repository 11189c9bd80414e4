import { canonicalJson } from '../../domain/canonical-json.ts'
import { evolveControl } from '../../domain/control/evolve.ts'
import { type ControlState, EMPTY_CONTROL } from '../../domain/control/state.ts'
import type { DispatchCommand } from '../../domain/dispatch/command.ts'
import { keyOfRefused } from '../../domain/dispatch/evolve.ts'
import {
  type AdvancingEvent,
  type ControlEvent,
  type DispatchEvent,
  isAdvancing,
  type Recorded,
  type Refused,
  whyUnreadable,
} from '../../domain/events.ts'
import { rejudge } from '../../domain/gates/index.ts'
import { CONTROL_STREAM, dispatchStream } from '../../domain/identity.ts'
import { digestOf, eventId, identify } from '../../src/identity.ts'

type Stream = {
  revision: number
  readonly command: DispatchCommand
  readonly digest: string
  readonly reached: string[]
  readonly refusals: Set<string>
}

const LIFE = ['Planned', 'PreflightPassed', 'DryRunRecorded']

/**
 * Reads a whole log and says everything in it that no ledger may have written: the oracle of the
 * tests that break things. It judges every event again, from the log alone.
 */
export async function findUnsound(log: AsyncIterable<Recorded>): Promise<readonly string[]> {
  const findings: string[] = []
  const streams = new Map<string, Stream>()
  const controls: ControlState[] = []
  let position = 0
  for await (const event of log) {
    const where = `${event.position} ${event.stream}@${event.revision} ${event.type}`
    const find = (what: string): number => findings.push(`${where}: ${what}`)
    if (event.position <= position) find(`stands after position ${position}`)
    position = event.position
    const unreadable = whyUnreadable(event)
    if (unreadable !== null) find(unreadable)
    const { stream, revision, type, metadata } = event
    if (event.id !== eventId({ stream, revision, type, callId: metadata.callId })) find('id')
    if (stream === CONTROL_STREAM) addControl(controls, event as Recorded<ControlEvent>, find)
    else addDispatch({ streams, controls }, event as Recorded<DispatchEvent>, find)
  }
  return findings
}

type Find = (what: string) => unknown

function addControl(controls: ControlState[], event: Recorded<ControlEvent>, find: Find): void {
  const before = controls.at(-1) ?? EMPTY_CONTROL
  if (event.revision !== before.revision + 1) find(`follows revision ${before.revision}`)
  controls.push(evolveControl(before, [event]))
}

function addDispatch(
  { streams, controls }: { streams: Map<string, Stream>; controls: readonly ControlState[] },
  event: Recorded<DispatchEvent>,
  find: Find,
): void {
  const stream = streams.get(event.stream) ?? opened(event, find)
  if (stream === null) return
  streams.set(event.stream, stream)
  if (event.revision !== stream.revision + 1) find(`follows revision ${stream.revision}`)
  stream.revision = event.revision
  if (isAdvancing(event)) addAdvancing(stream, event, controls, find)
  else if (event.data.stage !== 'execution') addRefusal(stream, event, find)
  const { snapshot, mode } = event.data
  const control = controls[snapshot.controlRevision] ?? EMPTY_CONTROL
  const again = rejudge(snapshot, { ...stream.command, mode }, control)
  if (canonicalJson(again) !== canonicalJson(snapshot.gates)) find('would be judged otherwise')
}

function addAdvancing(
  stream: Stream,
  { type, data }: AdvancingEvent,
  controls: readonly ControlState[],
  find: Find,
): void {
  if (type !== LIFE[stream.reached.length]) find(`comes after ${String(stream.reached)}`)
  stream.reached.push(type)
  const { controlRevision } = data.snapshot
  if (controlRevision !== controls.length - 1) {
    find(`is void: judged at ${controlRevision}, control was at ${controls.length - 1}`)
  }
  if (type === 'DryRunRecorded' && digestOf(data.output) !== data.outputDigest) {
    find('has the digest of another output')
  }
}

/** A refusal that says what an earlier one said is not recorded, unless an executor had run. */
function addRefusal(stream: Stream, event: Refused, find: Find): void {
  const key = keyOfRefused(event)
  if (stream.refusals.has(key)) find('says what an earlier refusal said')
  stream.refusals.add(key)
}

/** The first event of a stream carries digest and command, and the stream is named after them. */
function opened(event: Recorded<DispatchEvent>, find: Find): Stream | null {
  const { command, digest } = event.data as { command?: DispatchCommand; digest?: string }
  if (command === undefined || digest === undefined) {
    find('opens a stream without a command')
    return null
  }
  const identity = identify(command)
  if (identity.digest !== digest) find('carries the digest of another command')
  if (dispatchStream(identity.dispatchId) !== event.stream) find('stands in a foreign stream')
  return { revision: -1, command, digest, reached: [], refusals: new Set() }
}
