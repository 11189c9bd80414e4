import { evolveControl } from '../../domain/control/evolve.ts'
import { type ControlState, EMPTY_CONTROL } from '../../domain/control/state.ts'
import { type ControlEvent, type Recorded, whyUnreadable } from '../../domain/events.ts'
import { CONTROL_STREAM } from '../../domain/identity.ts'
import { LedgerError } from '../errors.ts'
import type { ControlTip, EventStore, FollowedLog, Log } from '../ports.ts'

/** The process's fold of `control`, and the ids it was folded from. */
type Fold = Readonly<{ state: ControlState; eventIds: readonly string[] }>

const EMPTY: Fold = { state: EMPTY_CONTROL, eventIds: [] }

/** Rounds until a fold must have reached a tip: one may be under way already, and one be lost to a fault. */
const ROUNDS_MAX = 5

/**
 * Keeps the control fold in memory and brings it up to date before every answer: each load tells
 * the last control event, and a fold that is behind catches up first.
 *
 * A store that contradicts what was folded (a lower revision than the fold had when the load was
 * sent, or another event at a folded revision) is a fault: the fold is dropped, rebuilt and logged.
 *
 * `folded` is the fold as it is, and asks nobody: no judgement may rest on it.
 */
export function followControl(
  store: EventStore,
  log: Log,
): FollowedLog & Readonly<{ folded(): ControlState }> {
  let fold = EMPTY
  let advancing: Promise<void> | null = null

  const drop = (found: ControlTip): void => {
    const fields = { folded: fold.state.revision, found: found.revision, eventId: found.eventId }
    log.error(fields, 'control contradicts its fold')
    fold = EMPTY
  }
  const advance = async (): Promise<void> => {
    const base = fold
    const last = base.state.revision
    const { events, control } = await store.load(CONTROL_STREAM, Math.max(-1, last - 1))
    // A fault may have dropped the fold meanwhile; what was read after the old one is not its rest.
    if (fold !== base) return
    // The last folded event is read again: more may have come after another one in its place.
    if (last >= 0 && events[0]?.id !== base.eventIds[last]) return drop(control)
    fold = extended(base, last < 0 ? events : events.slice(1))
  }
  const catchUp = async (tip: ControlTip): Promise<Fold> => {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const current = fold
      const reached = current.state.revision >= tip.revision
      if (reached && (current.eventIds[tip.revision] ?? null) === tip.eventId) return current
      if (reached) drop(tip)
      advancing ??= advance().finally(() => {
        advancing = null
      })
      await advancing
    }
    throw behind(fold.state.revision, tip)
  }

  /** Brings the fold up to what an answer of the store told, which was sent at `revisionAtSend`. */
  const upTo = async (tip: ControlTip, revisionAtSend: number): Promise<ControlState> => {
    if (tip.revision < revisionAtSend && fold.state.revision >= revisionAtSend) drop(tip)
    return (await catchUp(tip)).state
  }

  return {
    async load(stream) {
      const revisionAtSend = fold.state.revision
      const { events, control: tip } = await store.load(stream)
      const control = await upTo(tip, revisionAtSend)
      for (const event of events) assertReadable(event)
      return { events, control }
    },
    async current() {
      const revisionAtSend = fold.state.revision
      const { control: tip, position } = await store.head()
      return { control: await upTo(tip, revisionAtSend), position }
    },
    folded: () => fold.state,
  }
}

function extended(base: Fold, events: readonly Recorded[]): Fold {
  const eventIds = [...base.eventIds]
  for (const event of events) {
    assertReadable(event)
    if (event.revision !== eventIds.length) {
      throw unreadable(`control has the revision ${event.revision} after ${eventIds.length - 1}`)
    }
    eventIds.push(event.id)
  }
  return { state: evolveControl(base.state, events as readonly Recorded<ControlEvent>[]), eventIds }
}

function assertReadable(event: Recorded): void {
  const why = whyUnreadable(event)
  if (why !== null) throw unreadable(`${why}, at position ${event.position}`)
}

/** What this process does not know it must not judge by. */
const unreadable = (why: string): LedgerError =>
  new LedgerError('not-ready', `The log cannot be read by this build: ${why}`)

const behind = (revision: number, tip: ControlTip): LedgerError =>
  new LedgerError(
    'gate-indeterminate',
    `control stands at ${tip.revision}, but nothing can be read after ${revision}`,
  )
