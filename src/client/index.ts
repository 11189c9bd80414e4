import { canonicalJson } from '../../domain/canonical-json.ts'
import type { Mode } from '../../domain/dispatch/command.ts'
import type { JsonObject } from '../../domain/json.ts'
import { type Identity, identify } from '../identity.ts'
import { follow } from './follow.ts'
import { problemOf, type Refused } from './problem.ts'
import { type Answer, createTransport, type Transport, type TransportOptions } from './transport.ts'

export { LedgerProblem, type Refused } from './problem.ts'
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

/** `void`: a control event overtook this event, and it counts for nothing. */
export type LedgerEvent = EventOf<Readonly<Record<string, unknown>>> &
  Readonly<{ stream: string; metadata: Readonly<Record<string, unknown>>; void?: true }>

export type EventRange = Readonly<
  { after?: number; type?: string } & (
    | { follow?: false; until?: number }
    | { follow: true; signal?: AbortSignal }
  )
>
export type ListName = 'dispatches' | 'refusals' | 'outputs'
export type ListRow = Readonly<Record<string, unknown>> &
  Readonly<{ dispatchId: string; outputNamespace: string; position: number }>

/** `filter` and `orderBy` as `GET /v1/dispatches` takes them. */
export type ListQuery = Readonly<{
  namespace?: string
  filter?: string
  orderBy?: string
  pageSize?: number
}>

export type Ledger = Readonly<{
  /** A refusal is a value. Rejects with `Unreachable` alone: then send the same command again. */
  dispatch(command: Command): Promise<Recorded | Refused>
  explain(command: Command): Promise<Readonly<Record<string, unknown>>>
  /** Who a command is, offline. */
  id(command: Omit<Command, 'mode'>): Identity
  /**
   * Every event after a position, in order, to the end of the log as it is then; with `follow`,
   * live and for ever, until `signal` aborts. Lost connections go on where they were.
   */
  events(range?: EventRange): AsyncIterable<LedgerEvent>
  /** All rows of a list, the last first unless `orderBy` says otherwise, page by page. */
  list(name: ListName, query?: ListQuery): AsyncIterable<ListRow>
  /** Any other route, for tools: the status and the body as they came. */
  request(method: string, path: string, body?: unknown): Promise<Answer>
}>

/**
 * Connects to a ledger. Nothing is sent yet. POSTs are safe to repeat: 429, 503 and lost
 * connections are tried again with the same command, never 403, 409, 422 or 423.
 */
export function connect(options: TransportOptions): Ledger {
  const transport = createTransport(options)
  const { request } = transport
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
    events({ after = 0, ...range } = {}) {
      if (range.follow !== true) return eventPages(request, { after, ...range })
      return follow(transport, { after, ...range }) as AsyncGenerator<LedgerEvent>
    },
    async *list(name, query = {}) {
      let pageToken: string | null = ''
      while (pageToken !== null) {
        const token = pageToken === '' ? {} : { pageToken }
        const path = `/v1/${name}?${queryOf({ pageSize: 100, ...query, ...token })}`
        const page = succeeded(await request('GET', path))
        yield* page[name] as ListRow[]
        pageToken = page['nextPageToken'] as string | null
      }
    },
  }
}

async function* eventPages(
  request: Transport['request'],
  { after, until, type }: Readonly<{ after: number; until?: number; type?: string }>,
): AsyncGenerator<LedgerEvent> {
  let next: number | null = after
  while (next !== null) {
    const query = queryOf({ after: next, limit: 1_000, until, type })
    const page = succeeded(await request('GET', `/v1/events?${query}`))
    yield* page['events'] as LedgerEvent[]
    next = page['next'] as number | null
  }
}

function queryOf(members: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(members).filter(([, value]) => value !== undefined)
  return new URLSearchParams(
    given.map(([name, value]): [string, string] => [name, String(value)]),
  ).toString()
}

function succeeded(answer: Answer): Readonly<Record<string, unknown>> {
  if (answer.status < 300) return answer.body as Record<string, unknown>
  throw problemOf(answer)
}
