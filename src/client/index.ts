import { canonicalJson } from '../../domain/canonical-json.ts'
import type { Mode } from '../../domain/dispatch/command.ts'
import type { JsonObject } from '../../domain/json.ts'
import { type Identity, identify } from '../identity.ts'
import { type Answer, createTransport, type TransportOptions } from './transport.ts'

export type { Answer } from './transport.ts'
export { Unreachable } from './transport.ts'

/** A command as a service writes it. `occurrence` left out is `""`. */
export type Command = Readonly<{
  contract: Readonly<{ id: string; version: number }>
  target: string
  params: JsonObject
  outputNamespace: string
  occurrence?: string
  mode: Mode
}>

type EventOf<D> = Readonly<{
  id: string
  type: string
  revision: number
  position: number
  recordedAt: string
  data: D
}>
export type AdvancedData = Readonly<{
  verdict?: 'would_succeed' | 'would_fail'
  output?: unknown
  outputDigest?: string
}> &
  Readonly<Record<string, unknown>>

export type Recorded = Readonly<{
  outcome: 'created' | 'advanced' | 'replayed'
  dispatchId: string
  digest: string
  mode: Mode
  reached: string
  eventsAppended: number
  position: number
  event: EventOf<AdvancedData>
}>

/** Problem details (RFC 9457) as a value. Match on `code`. */
export type Refused = Readonly<{
  outcome: 'refused'
  code: string
  title: string
  detail: string
  status: number
  rule: number | null
  whoMustAct: 'caller' | 'operator' | 'catalogue-owner' | 'nobody'
  retryable: boolean
  recorded: 'event' | 'none' | 'unknown'
  dispatchId?: string
}> &
  Readonly<Record<string, unknown>>

export type LedgerEvent = EventOf<Readonly<Record<string, unknown>>> &
  Readonly<{ stream: string; metadata: Readonly<Record<string, unknown>> }>

/** A read that was answered with a problem: `problem.code` says which. */
export class LedgerProblem extends Error {
  readonly problem: Refused

  constructor(problem: Refused) {
    super(`${problem.code}: ${problem.title}`)
    this.name = 'LedgerProblem'
    this.problem = problem
  }
}

export type Ledger = Readonly<{
  /** A refusal is a value. Rejects with `Unreachable` alone: then send the same command again. */
  dispatch(command: Command): Promise<Recorded | Refused>
  explain(command: Command): Promise<Readonly<Record<string, unknown>>>
  /** Who a command is, offline. */
  id(command: Omit<Command, 'mode'>): Identity
  /** Every event after a position, in order, to the end of the log as it is then. */
  events(range?: { after?: number; until?: number; type?: string }): AsyncIterable<LedgerEvent>
  /** Any other route, for tools: the status and the body as they came. */
  request(method: string, path: string, body?: unknown): Promise<Answer>
}>

/**
 * Connects to a ledger. Nothing is sent yet. POSTs are safe to repeat: 429, 503 and lost
 * connections are tried again with the same command, never 403, 409, 422 or 423.
 */
export function connect(options: TransportOptions): Ledger {
  const { request } = createTransport(options)
  return {
    request,
    async dispatch(command) {
      // Refuses what JSON would change on the way, such as NaN, before it is sent as something else.
      canonicalJson(command.params)
      const { status, body } = await request('POST', '/v1/dispatches', command)
      if (status < 300) return body as Recorded
      return { outcome: 'refused', ...(body as object) } as Refused
    },
    async explain(command) {
      return succeeded(await request('POST', '/v1/explain', command))
    },
    id: (command) => identify({ ...command, occurrence: command.occurrence ?? '' }),
    async *events({ after = 0, ...range } = {}) {
      let next: number | null = after
      while (next !== null) {
        const query = new URLSearchParams({ after: String(next), limit: '1000' })
        for (const [name, value] of Object.entries(range)) query.set(name, String(value))
        const page = succeeded(await request('GET', `/v1/events?${query.toString()}`))
        yield* page['events'] as LedgerEvent[]
        next = page['next'] as number | null
      }
    },
  }
}

function succeeded({ status, body }: Answer): Readonly<Record<string, unknown>> {
  if (status < 300) return body as Record<string, unknown>
  throw new LedgerProblem({ outcome: 'refused', ...(body as object) } as Refused)
}
