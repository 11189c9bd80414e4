import { CONTROL_STREAM } from '../../../domain/identity.ts'
import { inGroups } from '../../in-groups.ts'
import type { ControlTip } from '../../ports.ts'
import { failureOf } from './failure.ts'
import { readStream, type Source } from './read.ts'

type Known = Readonly<{ id: string; position: number }>

export type ControlTail = Readonly<{
  /** The last control event, as it stands after this call arrived. */
  read(): Promise<ControlTip>
  /** What was read last, which may be old. */
  known(): ControlTip
  /** Where the control event of a revision stands, of those that were read. */
  positionOf(revision: number): number | undefined
  /** The place of the last one at or before a position, of those that were read; 0 for none. */
  lastBefore(position: number): number
}>

/** The last known event is read again so often: it is another one if a backup was restored. */
const CHECK_EVERY_MS = 1_000
/** Waiting calls have no limit of their own: those who make them do. */
const CALLS_MAX = 100_000

/**
 * The end of the stream `control`. One read serves every call that was waiting when it started, and
 * fetches what is new.
 */
export function followControlTail(source: Source): ControlTail {
  let events: Known[] = []
  let checkedMs = -Infinity
  const known = (): ControlTip => ({
    revision: events.length - 1,
    eventId: events.at(-1)?.id ?? null,
  })

  const fetch = async (): Promise<ControlTip> => {
    const nowMs = performance.now()
    const again = nowMs - checkedMs > CHECK_EVERY_MS && events.length > 0
    const from = events.length - (again ? 1 : 0)
    const read = await readStream(source, CONTROL_STREAM, from)
    if (again && read[0]?.id !== events.at(-1)?.id) {
      events = []
      return fetch()
    }
    if (again) checkedMs = nowMs
    events.push(...read.slice(again ? 1 : 0).map(({ id, position }) => ({ id, position })))
    return known()
  }
  const read = inGroups<null, ControlTip>({
    lanes: 1,
    sizeMax: CALLS_MAX,
    async send(calls) {
      try {
        const tip = await fetch()
        return calls.map(() => tip)
      } catch (error) {
        throw failureOf(error, 'none')
      }
    },
  })
  return {
    read: () => read(null),
    known,
    positionOf: (revision) => events[revision]?.position,
    lastBefore: (position) => events.findLast((it) => it.position <= position)?.position ?? 0,
  }
}
