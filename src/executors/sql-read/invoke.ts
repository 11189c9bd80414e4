import pg from 'pg'
import type { Verdict } from '../../../domain/events.ts'
import type { JsonObject } from '../../../domain/json.ts'
import { type Evidence, ExecutorFailure, type Plan } from '../../ports.ts'
import { asText, type Column, rowsAsObjects } from './rows.ts'

/** One statement with what is bound to it, and how far it may go. */
export type Question = Readonly<{
  sql: string
  values: readonly (string | null)[]
  limits: Plan['limits']
  /** Ends the connection at once, for this reason. */
  breakOff(failure: ExecutorFailure): void
}>
export type Reply = Readonly<{ verdict: Verdict; output: JsonObject; evidence: Evidence }>

/**
 * Asks one question in a transaction that cannot write, and looks afterwards whether it has.
 *
 * Six statements beside the question: BEGIN; a SELECT that sets the limits and a canary, after
 * which Postgres lets nobody make the transaction writable; a savepoint, so that a question that
 * fails leaves evidence too (it costs a seventh then); the witness; ROLLBACK; DISCARD ALL.
 *
 * `canary` is a text that nobody can guess; while it runs, the session is called by it, too.
 * A rejection, or evidence that does not hold, means that the connection must be destroyed.
 */
export async function invoke(
  client: pg.ClientBase,
  question: Question,
  canary: string,
): Promise<Reply> {
  const begun = await begin(client, question.limits, canary)
  const answer = await ask(client, question)
  if (answer.verdict === 'would_fail') await client.query('rollback to savepoint question')
  const evidence = await witness(client, begun)
  await client.query('discard all')
  return { ...answer, evidence }
}

/** A server that lost us ends the transaction after this long, and lets its snapshot go. */
const IDLE_SLACK_MS = 5_000

/**
 * SELECT and not SET: the first is what makes READ ONLY final (25001). How text is read and written
 * is set as well: by what the SQL judge took for a string, and so that equal values are equal text.
 */
const opening = ({ timeMs }: Plan['limits'], canary: string): string =>
  `begin isolation level repeatable read read only;
  select set_config('statement_timeout', '${timeMs}ms', true) as "statementTimeout",
    set_config('idle_in_transaction_session_timeout', '${timeMs + IDLE_SLACK_MS}ms', true),
    set_config('dispatch_ledger.canary', ${pg.escapeLiteral(canary)}, true) as canary,
    set_config('application_name', ${pg.escapeLiteral(sessionName(canary))}, true),
    set_config('search_path', 'pg_catalog, pg_temp', true),
    set_config('standard_conforming_strings', 'on', true),
    set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, YMD', true),
    set_config('intervalstyle', 'iso_8601', true), set_config('bytea_output', 'hex', true),
    set_config('extra_float_digits', '1', true);
  savepoint question`

type Begun = Readonly<{ statementTimeout: string; canary: string }>

export const sessionName = (canary: string): string => `dispatch-ledger ${canary}`

async function begin(
  client: pg.ClientBase,
  limits: Plan['limits'],
  canary: string,
): Promise<Begun> {
  const [, set] = await allOf<Begun>(client, opening(limits, canary))
  const begun = set?.rows[0]
  if (begun === undefined) throw new ExecutorFailure('threw', 'no-limits')
  return begun
}

/** Statements of our own in one message: only what was asked goes by the extended protocol. */
const allOf = async <R extends pg.QueryResultRow>(client: pg.ClientBase, text: string) =>
  (await client.query(text)) as unknown as readonly pg.QueryResult<R>[]

/**
 * SQLSTATE classes that a statement earned itself: data, constraints, names and rights, raised by a
 * function. Any other says that the database could not answer.
 */
const WOULD_FAIL = /^(?:22|23|42|P0)/

async function ask(client: pg.ClientBase, question: Question): Promise<Omit<Reply, 'evidence'>> {
  try {
    return { verdict: 'would_succeed', output: { rows: await readAll(client, question) } }
  } catch (error) {
    const { code = '', message = '' } = error as { code?: string; message?: string }
    if (error instanceof ExecutorFailure || !WOULD_FAIL.test(code)) throw error
    return { verdict: 'would_fail', output: { error: { sqlstate: code, message } } }
  }
}

type Row = readonly (string | null)[]
type Extended = pg.QueryArrayConfig & { readonly queryMode: 'extended' }

/** JSON may be shorter than what Postgres writes of it: spaces. */
const WIRE_TO_JSON_MAX = 2

/**
 * Reads to the end, or to a limit. What is over a limit is no answer, and no part of one: the
 * connection is broken off, because more may be on its way.
 *
 * Always the extended protocol: the server itself then takes one statement and no more.
 */
async function readAll(client: pg.ClientBase, { sql, values, limits, breakOff }: Question) {
  const rows: Row[] = []
  let characters = 0
  const columns = await new Promise<readonly Column[]>((resolve, reject) => {
    const stop = (code: 'rows' | 'output'): void => {
      const failure = new ExecutorFailure('limit', code)
      breakOff(failure)
      reject(failure)
    }
    const config: Extended = {
      text: sql,
      values: [...values],
      rowMode: 'array',
      types: asText,
      queryMode: 'extended',
    }
    const query = client.query(new pg.Query<Row>(config))
    query.on('row', (row) => {
      for (const text of row) characters += text?.length ?? 0
      if (characters > WIRE_TO_JSON_MAX * limits.outputBytes) stop('output')
      else if (rows.push(row) > limits.rows) stop('rows')
    })
    query.on('error', reject)
    query.on('end', ({ fields }) => resolve(fields))
  })
  const read = rowsAsObjects(rows, columns)
  if (Buffer.byteLength(JSON.stringify(read)) <= limits.outputBytes) return read
  throw new ExecutorFailure('limit', 'output')
}

const CLOSING = `select pg_catalog.pg_current_xact_id_if_assigned()::text as xid,
  pg_catalog.current_setting('transaction_read_only') as "readOnly",
  pg_catalog.current_setting('statement_timeout') as "statementTimeout",
  pg_catalog.current_setting('dispatch_ledger.canary', true) as canary;
  rollback`

type Witness = Begun & Readonly<{ xid: string | null; readOnly: string }>

/**
 * What the server says of the transaction once the question was answered. The canary is another
 * one each time, and what is stored of it is whether it was found: equal runs leave equal evidence.
 */
async function witness(client: pg.ClientBase, begun: Begun): Promise<Evidence> {
  const [shown] = await allOf<Witness>(client, CLOSING)
  const seen = shown?.rows[0]
  if (seen === undefined) throw new ExecutorFailure('threw', 'no-evidence')
  const { xid, readOnly, statementTimeout } = seen
  const canary = seen.canary === begun.canary ? 'as set' : 'not as set'
  const isIntact = canary === 'as set' && statementTimeout === begun.statementTimeout
  return {
    noTransactionId: { holds: xid === null, seen: { transactionId: xid } },
    stillReadOnly: { holds: readOnly === 'on', seen: { transactionReadOnly: readOnly } },
    canaryIntact: { holds: isIntact, seen: { canary, statementTimeout } },
  }
}
