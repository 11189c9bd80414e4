import type { Recorded } from '../domain/events.ts'

/** Neighbours of one stream, one call and one time: what one append wrote, or may as well have. */
export type WholeCommit = Readonly<{
  stream: string
  callId: string
  recordedAt: string
  events: readonly [Recorded, ...Recorded[]]
}>

const EVENTS_MAX = 100
/** Of JSON text: what every store takes in one append. */
const CHARACTERS_MAX = 256 * 1024

/** The commits that events in the order of the log can have come from. */
export function wholeCommits(events: readonly Recorded[]): readonly WholeCommit[] {
  const commits: { events: [Recorded, ...Recorded[]]; characters: number }[] = []
  for (const event of events) {
    const characters = JSON.stringify(event.data).length
    const open = commits.at(-1)
    const [first] = open?.events ?? []
    const fits =
      open !== undefined &&
      first !== undefined &&
      isOfOneCall(first, event) &&
      open.events.length < EVENTS_MAX &&
      open.characters + characters <= CHARACTERS_MAX
    if (fits) {
      open.events.push(event)
      open.characters += characters
    } else commits.push({ events: [event], characters })
  }
  return commits.map(({ events: [first, ...rest] }) => ({
    stream: first.stream,
    callId: first.metadata.callId,
    recordedAt: first.recordedAt,
    events: [first, ...rest],
  }))
}

const isOfOneCall = (a: Recorded, b: Recorded): boolean =>
  a.stream === b.stream && a.metadata.callId === b.metadata.callId && a.recordedAt === b.recordedAt
