import type { Recorded } from '../../domain/events.ts'
import { CONTROL_STREAM } from '../../domain/identity.ts'
import { isVoid } from '../../domain/void.ts'
import type { ControlTip, EventStore } from '../ports.ts'

type Readable = Pick<EventStore, 'load' | 'read' | 'tail'>
type Known = Readonly<{ id: string; position: number }>

/**
 * The same store, whose void events are marked wherever events come out of it: for folds, read
 * models, explanations and the events API alike. It keeps the place of every control event, which
 * the rule needs.
 */
export function markVoid<S extends Readable>(store: S): S {
  /** By revision. */
  let control: Known[] = []
  const learn = ({ stream, revision, id, position }: Recorded): void => {
    if (stream === CONTROL_STREAM && revision === control.length) control.push({ id, position })
  }
  const marked = (event: Recorded): Recorded =>
    isVoid(event, (revision) => control[revision]?.position) ? { ...event, void: true } : event
  const catchUp = async (): Promise<void> => {
    const { events, control: tip } = await store.load(CONTROL_STREAM, control.length - 1)
    forgetIfOther(tip)
    events.forEach(learn)
  }
  /** Another log stands where this one was: a backup was restored under a running process. */
  const forgetIfOther = ({ revision, eventId }: ControlTip): void => {
    const known = control[revision]
    if (revision >= control.length || known?.id === eventId) return
    if (revision >= 0 || control.length > 0) control = []
  }
  async function* inOrder(events: AsyncIterable<Recorded>, after: number) {
    // From the start on, every control event comes by before what it may have overtaken.
    if (after > 0) await catchUp()
    for await (const event of events) {
      learn(event)
      yield marked(event)
    }
  }

  return {
    ...store,
    async load(stream, afterRevision) {
      const loaded = await store.load(stream, afterRevision)
      forgetIfOther(loaded.control)
      if (stream === CONTROL_STREAM || loaded.events.length === 0) return loaded
      while (control.length <= loaded.control.revision) await catchUp()
      return { ...loaded, events: loaded.events.map(marked) }
    },
    read: (range) => inOrder(store.read(range), range.after),
    tail: (from) => inOrder(store.tail(from), from.after),
  }
}
