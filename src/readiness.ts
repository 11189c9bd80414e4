import { GLOBAL_SCOPE } from '../domain/control/state.ts'
import type { NegativeControlResult } from '../domain/gates/index.ts'
import type { Readiness } from './http/ports.ts'
import type { FollowedLog } from './ports.ts'
import type { Projector, ProjectorStatus } from './projector/projector.ts'

type Check = Readiness['checks'][string]

/** What a server looks at before it says that it is ready. */
export type ReadinessPorts = Readonly<{
  /** As they fired at boot. */
  negativeControls: readonly NegativeControlResult[]
  ledger: FollowedLog
  whyNotServable(): Promise<string | null>
  projectors: readonly Pick<Projector, 'projection' | 'status'>[]
  projections(): Promise<readonly Readonly<{ name: string; lag: Readonly<{ seconds: number }> }>[]>
}>

/** What a batch and its retries may take; who is later than that does not keep up. */
const LAG_SECONDS_MAX = 30

/**
 * Ready means: the store answers, its schema is this build's, and every gate has shown that it can
 * refuse. A halted switch and a projection that stands still or is behind are told, and are no reason
 * to be unready.
 */
export async function readReadiness(ports: ReadinessPorts): Promise<Readiness> {
  const negativeControls = judgeControls(ports.negativeControls)
  const [schema, log, projections] = await Promise.all([
    checkSchema(ports),
    checkLog(ports),
    checkProjections(ports),
  ])
  return {
    ready: negativeControls.ok && schema.ok && log.store.ok,
    checks: {
      negativeControls,
      store: log.store,
      schema,
      switch: log.switch,
      ...projections,
    },
  }
}

/** A database that does not answer is told as the store; then each follower speaks for itself. */
async function checkProjections(ports: ReadinessPorts): Promise<Readonly<Record<string, Check>>> {
  const reports = await ports.projections().catch(() => [])
  const checks = ports.projectors.map(({ projection, status }) => {
    const behind = reports.find((it) => it.name === projection.name)?.lag.seconds ?? 0
    return [`projection:${projection.name}`, judgeProjection(status(), behind)]
  })
  return Object.fromEntries(checks)
}

function judgeProjection({ state, detail }: ProjectorStatus, behindSeconds: number): Check {
  const said = detail === '' ? state : detail
  if (behindSeconds <= LAG_SECONDS_MAX) return { ok: state !== 'stopped', detail: said }
  return { ok: false, detail: `${said}, ${Math.round(behindSeconds)} s behind` }
}

export function judgeControls(results: readonly NegativeControlResult[]): Check {
  const silent = results.filter((it) => !it.fired).map((it) => it.gate)
  const detail = `${results.length - silent.length}/${results.length} negative controls fired`
  return silent.length === 0 && results.length > 0
    ? { ok: true, detail }
    : { ok: false, detail: `${detail}: not ${silent.join(', ')}` }
}

async function checkSchema({ whyNotServable }: ReadinessPorts): Promise<Check> {
  try {
    const why = await whyNotServable()
    return { ok: why === null, detail: why ?? 'current' }
  } catch (error) {
    return { ok: false, detail: reasonOf(error) }
  }
}

async function checkLog({ ledger }: ReadinessPorts): Promise<{ store: Check; switch: Check }> {
  try {
    const { control } = await ledger.current()
    const state = control.switches.get(GLOBAL_SCOPE)?.state ?? 'unset'
    return {
      store: { ok: true, detail: 'reachable' },
      switch: { ok: state === 'DRY_RUN_ONLY', detail: state },
    }
  } catch (error) {
    const unreachable = { ok: false, detail: reasonOf(error) }
    return { store: unreachable, switch: unreachable }
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
