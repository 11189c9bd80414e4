import { evolveControl } from '../../domain/control/evolve.ts'
import { type ControlState, EMPTY_CONTROL } from '../../domain/control/state.ts'
import { type ControlEvent, type Recorded, whyUnreadable } from '../../domain/events.ts'
import { CONTROL_STREAM } from '../../domain/identity.ts'
import { LedgerError } from '../errors.ts'
import type { ControlTip, EventStore, FollowedLog, Log } from '../ports.ts'

/** The process's fold of `control`, and the ids it was folded from. */
type Fold = Readonly<{ state: ControlState; eventIds: readonly string[] }>

const EMPTY: Fold = { state: EMPTY_CONTROL, eventIds: [] }

/**
 * Keeps the control fold in memory and brings it up to date before every answer: each load tells
 * the last control event, and a fold that is behind catches up first.
 *
 * A store that contradicts what was folded (a lower revision than the fold had when the load was
 * sent, or another event at a folded revision) is a fault: the fold is dropped, rebuilt and logged.
 */
export function followControl(store: EventStore, log: Log): FollowedLog {
  let fold = EMPTY
  let catchingUp: Promise<void> | null = null

  const advance = async (): Promise<void> => {
    const base = fold
    const { events } = await store.load(CONTROL_STREAM, base.state.revision)
    // A fault may have dropped the fold meanwhile; what was read after the old one is not its rest.
    if (fold === base) fold = extended(base, events)
  }
  const catchUp = async (tip: ControlTip): Promise<void> => {
    while (fold.state.revision < tip.revision) {
      const before = fold
      catchingUp ??= advance().finally(() => {
        catchingUp = null
      })
      await catchingUp
      if (fold.state.revision === before.state.revision && fold !== EMPTY) {
        throw behind(before.state.revision, tip)
      }
    }
  }

  return {
    async load(stream) {
      const revisionAtSend = fold.state.revision
      const { events, control: tip } = await store.load(stream)
      if (contradicts(fold, tip, revisionAtSend)) {
        log.error({ revision: revisionAtSend, tip: tip.revision }, 'control contradicts its fold')
        fold = EMPTY
      }
      await catchUp(tip)
      for (const event of events) assertReadable(event)
      return { events, control: fold.state }
    },
  }
}

function contradicts(fold: Fold, tip: ControlTip, revisionAtSend: number): boolean {
  if (tip.revision < revisionAtSend) return true
  if (tip.revision > fold.state.revision) return false
  return (fold.eventIds[tip.revision] ?? null) !== tip.eventId
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
