import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Recorded } from '../../domain/events.ts'
import { CONTROL_STREAM } from '../../domain/identity.ts'
import type {
  Appended,
  Conflict,
  ControlAppend,
  ControlTip,
  DispatchAppend,
  EventStore,
  Stale,
} from '../../src/ports.ts'

/** What one append wrote. */
type Commit = Readonly<{
  stream: string
  callId: string
  revision: number
  recordedAt: string
  position: number
}>
type Append = Readonly<{ stream: string; controlRevision: number | null }> & ControlAppend

/**
 * The port as a list: a model to compare stores with, and a store for tests that need no database.
 * Every call arrives in a turn of its own, acts at once, and is answered in a later turn. With the
 * guarantee `fenced` it writes what is stale before it says so, as a store does that cannot look first.
 */
export function createMemoryEventStore(
  now: () => Date = () => new Date(),
  guarantee: EventStore['guarantee'] = 'atomic',
): EventStore {
  /** The event at position p is `log[p - 1]`. */
  const log: Recorded[] = []
  const commits: Commit[] = []
  const waiting = new Set<() => void>()

  const eventsIn = (stream: string) => log.filter((event) => event.stream === stream)
  const revisionOf = (stream: string): number => eventsIn(stream).length - 1
  const controlTip = (): ControlTip => ({
    revision: revisionOf(CONTROL_STREAM),
    eventId: eventsIn(CONTROL_STREAM).at(-1)?.id ?? null,
  })

  const judge = (append: Append): Appended | Conflict | Stale => {
    const { stream, expected, callId, controlRevision } = append
    const known = commits.find(
      (it) => it.stream === stream && it.revision === expected + 1 && it.callId === callId,
    )
    if (known !== undefined) return appended(known)
    const revision = revisionOf(stream)
    if (revision !== expected) return { outcome: 'conflict', revision }
    const control = controlTip().revision
    if (controlRevision === null || controlRevision === control) return appended(write(append))
    if (guarantee === 'fenced' && controlRevision < control) write(append)
    return { outcome: 'stale', controlRevision: control }
  }

  const write = ({ stream, expected, callId, events }: Append): Commit => {
    const time = now().toISOString()
    const last = log.at(-1)?.recordedAt ?? time
    const recordedAt = last > time ? last : time
    let revision = revisionOf(stream)
    for (const event of JSON.parse(JSON.stringify(events)) as typeof events) {
      revision += 1
      const place = { stream, revision, position: log.length + 1 }
      const metadata = { callId, ...event.metadata }
      log.push({ ...event, ...place, recordedAt, metadata } as Recorded)
    }
    const commit = { stream, callId, revision: expected + 1, recordedAt, position: log.length }
    commits.push(commit)
    for (const wake of waiting) wake()
    return commit
  }

  const nextAppend = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      waiting.add(done)
      signal.addEventListener('abort', done)
    })

  return {
    guarantee,
    async appendDispatch(request) {
      assertJudged(request)
      assertEvents(request)
      return answer(() => judge(request))
    },
    async appendControl(request) {
      assertEvents(request)
      const append = { ...request, stream: CONTROL_STREAM, controlRevision: null }
      return (await answer(() => judge(append))) as Appended | Conflict
    },
    load: (stream, afterRevision = -1) =>
      answer(() => ({
        events: eventsIn(stream).filter((event) => event.revision > afterRevision),
        control: controlTip(),
      })),
    async *read({ after, until = Infinity, limit = Infinity }) {
      yield* await answer(() => log.slice(after, until).slice(0, limit))
    },
    async *tail({ after, signal }) {
      let position = after
      while (!signal.aborted) {
        const grown = nextAppend(signal)
        for (const event of log.slice(position)) {
          if (signal.aborted) return
          position = event.position
          yield event
        }
        await grown
      }
    },
    head: () =>
      answer(() => ({
        position: log.length,
        control: controlTip(),
        recordedAt: log.at(-1)?.recordedAt ?? null,
      })),
  }
}

const appended = ({ position, recordedAt }: Commit): Appended => ({
  outcome: 'appended',
  position,
  recordedAt,
})

function assertEvents({ events }: ControlAppend): void {
  if (events.length === 0) throw new Error('an append needs an event')
}

function assertJudged({ events, controlRevision }: DispatchAppend): void {
  if (events.every((event) => event.type === 'Refused') !== (controlRevision === null)) {
    throw new Error('only refusals are appended without a control revision')
  }
}

async function answer<T>(act: () => T): Promise<T> {
  await nextTurn()
  const result = act()
  await nextTurn()
  return result
}
