import { randomUUID } from 'node:crypto'
import { commaList } from '../comma-list.ts'

/** A connection of node-postgres, or of anything that is asked like one. */
export type Client = Readonly<{
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
  /** Gives the connection back, or destroys it. */
  release(destroy?: boolean): void
}>
export type Pool<C extends Client> = Readonly<{ connect(): Promise<C> }>

/** What a request says that asks for a dry run, and what an answer says that gave one: RFC 7240. */
const ROLLBACK = 'tx=rollback'
const MARKER = { 'preference-applied': ROLLBACK } as const

/** The headers of a request, as Node has them. */
export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Whether a request prefers to leave nothing behind: `Prefer: tx=rollback`. */
export const asksDryRun = ({ prefer = '' }: RequestHeaders): boolean =>
  commaList([prefer].flat().join(',')).includes(ROLLBACK)

/** How the work ended, and the headers that belong into the answer, whichever way it ended. */
export type Ended<T> = Readonly<{
  headers: Readonly<Record<string, string>>
  outcome: PromiseSettledResult<T>
}>

/** A transaction that should have been undone may not have been: no answer may say that it was. */
export class NotRolledBack extends Error {}

/**
 * Runs `work` in a transaction of its own. A request that says `Prefer: tx=rollback` is a dry run:
 * what the work did is undone, and the answer gets the marker that says so. Any other is committed.
 *
 * The marker is given only for what was seen to be undone: the transaction of the work must still
 * be the one that was begun, or the connection is destroyed and this rejects with `NotRolledBack`.
 * Constraints that would be checked at commit are checked before, so that a dry run fails like a
 * real one. Undone is what the connection did, and nothing else: mails, calls of other services,
 * other connections and numbers taken from sequences stay.
 */
export async function transact<C extends Client, T>(
  pool: Pool<C>,
  request: RequestHeaders,
  work: (client: C) => Promise<T>,
): Promise<Ended<T>> {
  const client = await pool.connect()
  try {
    const ended = asksDryRun(request) ? await undone(client, work) : await kept(client, work)
    client.release()
    return ended
  } catch (error) {
    client.release(true)
    throw error
  }
}

async function kept<C extends Client, T>(
  client: C,
  work: (client: C) => Promise<T>,
): Promise<Ended<T>> {
  await client.query('begin')
  const outcome = await settled(workThenCheck(client, work))
  await client.query(outcome.status === 'fulfilled' ? 'commit' : 'rollback')
  return { headers: {}, outcome }
}

/** Nobody can guess its name, so only the transaction that made it can go back to it. */
const newSavepoint = (): string => `dry_run_${randomUUID().replaceAll('-', '')}`

async function undone<C extends Client, T>(
  client: C,
  work: (client: C) => Promise<T>,
): Promise<Ended<T>> {
  const savepoint = newSavepoint()
  await client.query('begin')
  await client.query(`savepoint ${savepoint}`)
  const outcome = await settled(workThenCheck(client, work))
  try {
    await client.query(`rollback to savepoint ${savepoint}`)
    await client.query('rollback')
  } catch (cause) {
    throw new NotRolledBack('The work ended the transaction that was to be undone', { cause })
  }
  return { headers: MARKER, outcome }
}

/** What commit would find wrong is found here, and so is an error that the work did not pass on. */
async function workThenCheck<C extends Client, T>(client: C, work: (client: C) => Promise<T>) {
  const value = await work(client)
  await client.query('set constraints all immediate')
  return value
}

async function settled<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [outcome] = await Promise.allSettled([promise])
  return outcome
}
