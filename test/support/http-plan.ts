import type { CrossCheck, Marker } from '../../domain/control/manifest.ts'
import type { Json, JsonObject } from '../../domain/json.ts'
import type { Plan } from '../../src/ports.ts'

export const ROLLED_BACK: Marker = { header: 'preference-applied', value: 'tx=rollback' }

export type HttpPlan = Readonly<{
  method?: string
  path?: string
  bind?: Readonly<Record<string, string>>
  body?: Json
  params?: JsonObject
  headers?: Readonly<Record<string, string>>
  query?: Readonly<Record<string, string>>
  /** Null for a target that declares none. */
  marker?: Marker | null
  crossCheck?: CrossCheck
  limits?: Partial<Plan['limits']>
}>

/** A plan as the ledger would make it of a POST to a target with the marker of a rollback. */
export function httpPlan(origin: string, change: HttpPlan = {}): Plan {
  const { method = 'POST', path = '/', bind, body, params = {}, marker = ROLLED_BACK } = change
  const { headers, query, crossCheck, limits } = change
  return {
    program: { method, path, ...(bind && { bind }), ...(body === undefined ? {} : { body }) },
    params,
    fixture: null,
    target: {
      kind: 'Target',
      id: 'test',
      version: 1,
      executor: 'http',
      origin,
      ...(headers && { headers }),
      ...(query && { query }),
      ...(marker && { marker }),
      ...(crossCheck && { crossCheck }),
    },
    limits: { timeMs: 10_000, rows: 1_000, outputBytes: 65_536, ...limits },
  }
}
