import { expect } from 'vitest'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { Reply, TestLedger } from './ledger.ts'
import { sampleCommand, sampleContract } from './sample.ts'
import { until } from './until.ts'

/** An event as the API gives it: tests say what they expect of it. */
export type SeenEvent = Reply['body']
type Door = Pick<TestLedger, 'ask'>

/** Position of the last event of the log. */
export async function headOf(ledger: Door): Promise<number> {
  return positionOf(await ledger.ask('GET', '/v1/events?limit=1'))
}

/** Up to where an answer has read the log. */
export const positionOf = ({ headers }: Reply): number => Number(headers['ledger-position'])

export const expectProblem = ({ status, body }: Reply, expected: [number, string]): void =>
  expect([status, body.code]).toEqual(expected)

/** Every event after a position, however many pages they take. */
export async function eventsAfter(ledger: Door, position: number): Promise<SeenEvent[]> {
  const events: SeenEvent[] = []
  for (let after: number | null = position; after !== null; ) {
    const { body }: Reply = await ledger.ask('GET', `/v1/events?after=${after}&limit=1000`)
    events.push(...body.events)
    after = body.next
  }
  return events
}

/** What a call answered, and the events that came into the log meanwhile. */
export async function watch<T = Reply>(
  ledger: Door,
  act: () => Promise<T>,
): Promise<{ reply: T; events: SeenEvent[] }> {
  const before = await headOf(ledger)
  const reply = await act()
  return { reply, events: await eventsAfter(ledger, before) }
}

/** The events of one dispatch; none where there is no such dispatch. */
export async function historyOf(ledger: Door, dispatchId: string): Promise<SeenEvent[]> {
  const { status, body } = await ledger.ask('GET', `/v1/dispatches/${dispatchId}/events`)
  return status === 404 ? [] : body.events
}

export const typesOf = (events: readonly SeenEvent[]): string[] => events.map((it) => it.type)

/** What one gate said, in an answer or in a snapshot. */
export const gateIn = (gates: readonly SeenEvent[], name: string): SeenEvent =>
  gates.find((it) => it.gate === name)

/** A catalogue of its own for one test: what it changes moves nobody else's ground. */
export function catalogueOf(name: string, change: JsonObject = {}) {
  const target = (version = 1): JsonObject => ({
    kind: 'Target',
    id: `${name}/one`,
    version,
    executor: 'simulator',
  })
  const fixture: JsonObject = {
    kind: 'Fixture',
    id: `${name}.words`,
    version: 1,
    data: { word: 'dry' },
  }
  const contract: JsonObject = {
    ...sampleContract,
    id: `${name}.echo`,
    targets: `${name}/*`,
    fixture: `${name}.words@1`,
    ...change,
  }
  const command = (asked: Partial<AskedCommand> = {}): AskedCommand =>
    sampleCommand({
      contract: { id: `${name}.echo`, version: 1 },
      target: `${name}/one`,
      outputNamespace: `DRYRUN-NS:${name}`,
      ...asked,
    })
  return { target, fixture, contract, command, manifests: [target(), fixture, contract] }
}

/** The same for one statement of sql-read; its target's source is called as the catalogue is. */
export function sqlCatalogueOf(
  name: string,
  sql: string,
  change: Readonly<{ contract?: JsonObject; target?: JsonObject; bind?: readonly string[] }> = {},
) {
  const { bind = [] } = change
  const { target, fixture, contract, command } = catalogueOf(name, {
    executor: 'sql-read',
    program: { sql, bind },
    params: { type: 'object' },
    ...change.contract,
  })
  const { baseline: _, ...withoutBaseline } = contract
  const sqlTarget = (version = 1): JsonObject => ({
    ...target(version),
    executor: 'sql-read',
    source: name,
    ...change.target,
  })
  return { target: sqlTarget, command, manifests: [sqlTarget(), fixture, withoutBaseline] }
}

/** The same for one request of type http, to a target that marks its dry runs by a header. */
export function httpCatalogueOf(
  name: string,
  origin: string,
  change: Readonly<{ contract?: JsonObject; target?: JsonObject; program?: JsonObject }> = {},
) {
  const { target, fixture, contract, command } = catalogueOf(name, {
    executor: 'http',
    program: { method: 'POST', path: '/', ...change.program },
    params: { type: 'object' },
    ...change.contract,
  })
  const { baseline: _, ...withoutBaseline } = contract
  const httpTarget = (version = 1): JsonObject => ({
    ...target(version),
    executor: 'http',
    origin,
    headers: { prefer: 'tx=rollback' },
    marker: { header: 'preference-applied', value: 'tx=rollback' },
    ...change.target,
  })
  return { target: httpTarget, command, manifests: [httpTarget(), fixture, withoutBaseline] }
}

/** Registers manifests that must be new. */
export async function register(ledger: Door, manifests: readonly JsonObject[]): Promise<Reply> {
  const reply = await ledger.ask('POST', '/v1/catalogue', { manifests })
  if (reply.status !== 201) throw new Error(JSON.stringify(reply.body))
  return reply
}

export const retire = (
  ledger: Door,
  kind: string,
  id: string,
  version: number = 1,
): Promise<Reply> =>
  ledger.ask('POST', `/v1/catalogue/${kind}/${encodeURIComponent(id)}/${version}/retire`)

/** Asks again while it is answered that it is too early, or too much. */
export const afterPause = (ask: () => Promise<Reply>, timeoutMs = 10_000): Promise<Reply> =>
  until(
    async () => {
      const reply = await ask()
      return reply.status === 429 ? undefined : reply
    },
    { what: 'an answer other than 429', timeoutMs },
  )
