import type { ControlState } from '../../domain/control/state.ts'
import { GLOBAL_SCOPE } from '../../domain/control/state.ts'
import type { FollowedLog } from '../ports.ts'
import type { Metrics } from './metrics.ts'

/** How far a read model has got. */
export type ProjectionPosition = Readonly<{
  name: string
  position: number
  lag: Readonly<{ seconds: number }>
}>

/** What is asked when somebody reads the metrics, rather than counted as it happens. */
export type Scraped = Readonly<{
  ledger: FollowedLog
  projections(): Promise<readonly ProjectionPosition[]>
}>

/** The metrics as text. What cannot be asked is left out: an old value would look like a true one. */
export async function scrape(metrics: Metrics, scraped: Scraped): Promise<string> {
  metrics.headPosition.remove()
  metrics.switchHalted.reset()
  metrics.projectionLagSeconds.reset()
  metrics.projectionPosition.reset()
  try {
    const { control, position } = await scraped.ledger.current()
    metrics.headPosition.set(position)
    countHalted(metrics, control)
    for (const projection of await scraped.projections()) measureProjection(metrics, projection)
  } catch {
    // The store's own trouble is told by /readyz; the rest of the metrics is true without it.
  }
  return metrics.registry.metrics()
}

/**
 * One series a scope, but all contracts in one: their ids are as many as people register. An unset
 * global scope refuses like a halted one.
 */
function countHalted({ switchHalted }: Metrics, { switches }: ControlState): void {
  switchHalted.set({ scope: GLOBAL_SCOPE }, 1)
  for (const [scope, { state }] of switches) {
    const halted = state === 'DRY_RUN_ONLY' ? 0 : 1
    if (scope.startsWith('contract:')) switchHalted.inc({ scope: 'contract' }, halted)
    else switchHalted.set({ scope }, halted)
  }
}

function measureProjection(
  { projectionPosition, projectionLagSeconds }: Metrics,
  { name, position, lag }: ProjectionPosition,
): void {
  projectionPosition.set({ name }, position)
  projectionLagSeconds.set({ name }, lag.seconds)
}
