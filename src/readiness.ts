import { GLOBAL_SCOPE } from '../domain/control/state.ts'
import type { NegativeControlResult } from '../domain/gates/index.ts'
import type { Readiness } from './http/ports.ts'
import type { FollowedLog } from './ports.ts'
import type { Projector } from './projector/projector.ts'

type Check = Readiness['checks'][string]

/** What a server looks at before it says that it is ready. */
export type ReadinessPorts = Readonly<{
  /** As they fired at boot. */
  negativeControls: readonly NegativeControlResult[]
  ledger: FollowedLog
  whyNotServable(): Promise<string | null>
  projectors: readonly Pick<Projector, 'projection' | 'status'>[]
}>

/**
 * Ready means: the store answers, its schema is this build's, and every gate has shown that it can
 * refuse. A halted switch or a projection that stands still is told, and is no reason to be unready.
 */
export async function readReadiness(ports: ReadinessPorts): Promise<Readiness> {
  const negativeControls = judgeControls(ports.negativeControls)
  const [schema, log] = await Promise.all([checkSchema(ports), checkLog(ports)])
  return {
    ready: negativeControls.ok && schema.ok && log.store.ok,
    checks: {
      negativeControls,
      store: log.store,
      schema,
      switch: log.switch,
      ...Object.fromEntries(ports.projectors.map(checkProjection)),
    },
  }
}

function checkProjection({
  projection,
  status,
}: ReadinessPorts['projectors'][number]): [string, Check] {
  const { state, detail } = status()
  const check = { ok: state !== 'stopped', detail: detail === '' ? state : detail }
  return [`projection:${projection.name}`, check]
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
