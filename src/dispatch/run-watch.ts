import type { ControlState } from '../../domain/control/state.ts'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import { gateNamed } from '../../domain/gates/index.ts'
import type { FollowedLog } from '../ports.ts'

/** A run was stopped that could have gone on. It says nothing about the target. */
export class Stopped extends Error {}

export type RunWatch = Readonly<{
  /** Aborts with `Stopped` once `command` may not run any more. Call the result when the run is over. */
  add(command: AskedCommand, controller: AbortController): () => void
}>

const LOOK_MS = 250
/** Then the switch was last read three quarters of a second ago. */
const UNANSWERED_MAX = 3

type Running = Readonly<{ command: AskedCommand; controller: AbortController }>

/**
 * Watches the switch for everything that runs in this process: a halt reaches a run within a
 * second, though no call arrives that would tell of it. One look serves all runs, four times a
 * second while there are any.
 *
 * A process that cannot read the switch cannot know of a halt, so it stops its runs, too. Golden
 * cases are not watched: they touch no target, and the catalogue stays open while HALTED.
 */
export function createRunWatch(ledger: Pick<FollowedLog, 'current'>): RunWatch {
  const runs = new Set<Running>()
  let ticking: NodeJS.Timeout | undefined
  let looking = false
  let unanswered = 0

  const stop = (which: (run: Running) => boolean): void => {
    for (const { controller } of [...runs].filter(which)) controller.abort(new Stopped())
  }
  const look = async (): Promise<void> => {
    looking = true
    try {
      const { control } = await ledger.current()
      unanswered = 0
      stop(({ command }) => !mayRun(control, command))
    } catch {
      // It stays unanswered, and that is counted.
    } finally {
      looking = false
    }
  }
  const tick = (): void => {
    unanswered += 1
    if (unanswered >= UNANSWERED_MAX) stop(() => true)
    if (!looking) void look()
  }
  const rest = (): void => {
    clearInterval(ticking)
    ticking = undefined
    unanswered = 0
  }

  return {
    add(command, controller) {
      const run = { command, controller }
      runs.add(run)
      ticking ??= setInterval(tick, LOOK_MS)
      return () => {
        runs.delete(run)
        if (runs.size === 0) rest()
      }
    },
  }
}

/** The gate itself says it: unset and unknown stop a run like a halt. */
const mayRun = (control: ControlState, command: AskedCommand): boolean =>
  gateNamed('kill-switch').judge({ command, control, seen: null }).outcome === 'pass'
