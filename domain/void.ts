import { isAdvancing, type Recorded } from './events.ts'

/**
 * Whether an event counts for nothing: an advancing event is void iff the control event after the
 * control revision it was judged at stands before it in the log. A store that can check inside its
 * append never writes one; in a log that was written by another store there may be some.
 *
 * `controlPosition` gives the position of the control event with a revision, where there is one: it
 * must know every control event that stands before this event.
 */
export function isVoid(
  event: Recorded,
  controlPosition: (revision: number) => number | undefined,
): boolean {
  if (!isAdvancing(event)) return false
  const next = controlPosition(event.data.snapshot.controlRevision + 1)
  return next !== undefined && next < event.position
}
