import type { EventStore } from '../ports.ts'

/** Runs one append of so many events, for whoever wants to watch it. */
export type AroundAppend = <R extends { readonly outcome: string }>(
  events: number,
  append: () => Promise<R>,
) => Promise<R>

/** The same store, with its appends watched: none is changed, held back or sent again. */
export const watchAppends = (store: EventStore, around: AroundAppend): EventStore => ({
  guarantee: store.guarantee,
  appendDispatch: (request) => around(request.events.length, () => store.appendDispatch(request)),
  appendControl: (request) => around(request.events.length, () => store.appendControl(request)),
  load: (stream, afterRevision) => store.load(stream, afterRevision),
  read: (range) => store.read(range),
  tail: (from) => store.tail(from),
  head: () => store.head(),
})
