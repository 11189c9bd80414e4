import { canonicalJson } from '../domain/canonical-json.ts'
import type { Recorded } from '../domain/events.ts'
import type { EventStore, Restore } from './ports.ts'

type Log = Pick<EventStore, 'read' | 'load' | 'head'>
export type CopyPorts = Readonly<{ from: Log; to: Log & Restore }>

/** How far a copy is: events so far, and which part of the source's log they are, 0 to 1. */
export type CopyProgress = Readonly<{ step: 'copy' | 'compare'; events: number; part: number }>

/** `difference` is null where both logs hold the same events in the same order. */
export type Copied = Readonly<{ resumedAt: number; events: number; difference: string | null }>

/** The target is no beginning of the source: there is nothing to go on with. */
export class NotACopy extends Error {}

const BATCH = 1_000

/**
 * Copies a ledger, as it is when the copy begins, into an empty one, or goes on where an earlier
 * copy stopped; then compares both, event by event.
 */
export async function copyLedger(
  { from, to }: CopyPorts,
  progress: (progress: CopyProgress) => void,
): Promise<Copied> {
  const { position: end } = await from.head()
  const after = await resumeAfter(from, to)
  let events = 0
  let batch: Recorded[] = []
  const flush = async (position: number): Promise<void> => {
    await to.restore(batch)
    events += batch.length
    batch = []
    progress({ step: 'copy', events, part: position / end })
  }
  for await (const event of from.read({ after, until: end })) {
    batch.push(event)
    if (batch.length === BATCH) await flush(event.position)
  }
  if (batch.length > 0) await flush(end)
  return { resumedAt: after, events, difference: await compare({ from, to }, end, progress) }
}

/** The position of the source that stands for the tip of the target: the same event. */
async function resumeAfter(from: Log, to: Log): Promise<number> {
  const { position } = await to.head()
  if (position === 0) return 0
  const [last] = await collect(to.read({ after: position - 1, until: position }))
  const { events } =
    last === undefined ? { events: [] } : await from.load(last.stream, last.revision - 1)
  const [same] = events
  if (last !== undefined && same?.id === last.id) return same.position
  throw new NotACopy('The target holds events that the source does not have: it must be empty')
}

async function compare(
  { from, to }: CopyPorts,
  end: number,
  progress: (progress: CopyProgress) => void,
): Promise<string | null> {
  const copies = to.read({ after: 0 })[Symbol.asyncIterator]()
  let events = 0
  for await (const event of from.read({ after: 0, until: end })) {
    const { value: copy, done } = await copies.next()
    if (done === true) return `${placeOf(event)} is missing in the target`
    if (textOf(copy) !== textOf(event)) return `${placeOf(event)} is another event in the target`
    events += 1
    if (events % BATCH === 0) progress({ step: 'compare', events, part: event.position / end })
  }
  progress({ step: 'compare', events, part: 1 })
  const more = await copies.next()
  return more.done === true ? null : `the target has ${placeOf(more.value)}, which is in no source`
}

const placeOf = ({ stream, revision }: Recorded): string => `${stream}@${revision}`

/** All of an event but its position, which each store counts in its own way. */
const textOf = ({ id, stream, revision, type, recordedAt, data, metadata }: Recorded): string =>
  canonicalJson({ id, stream, revision, type, recordedAt, data, metadata })

async function collect(events: AsyncIterable<Recorded>): Promise<readonly Recorded[]> {
  const all: Recorded[] = []
  for await (const event of events) all.push(event)
  return all
}
