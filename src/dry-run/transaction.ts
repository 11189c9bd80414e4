import { randomUUID } from 'node:crypto'
import { commaList } from '../comma-list.ts'

/** A connection of node-postgres, or of anything that is asked like one. */
export type Client = Readonly<{
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
  /** Gives the connection back, or destroys it. */
  release(destroy?: boolean): void
  on?(event: 'error', listener: () => void): unknown
  off?(event: 'error', listener: () => void): unknown
}>
export type Pool<C extends Client> = Readonly<{ connect(): Promise<C> }>

/** What a request says that asks for a dry run, and what an answer says that gave one: RFC 7240. */
const ROLLBACK = 'tx=rollback'
export const MARKER = { 'preference-applied': ROLLBACK } as const

/** The headers of a request, as Node has them. */
export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>

/** `tx=rollback` in any spelling that RFC 7240 allows, and with whatever stands behind it. */
const ASKED = /^tx[ \t]*=[ \t]*(?:rollback|"rollback")[ \t]*(?:;|$)/i

/**
 * Whether a request prefers to leave nothing behind: `Prefer: tx=rollback`. Read generously, for what
 * is not understood would be committed.
 */
export const asksDryRun = ({ prefer = '' }: RequestHeaders): boolean =>
  [prefer].flat().some((line) => commaList(line).some((it) => ASKED.test(it)))

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
  const lent = lend(client)
  try {
    const end = asksDryRun(request) ? undone : kept
    const ended = await end(client, async () => {
      const outcome = await settled((async () => work(lent.client))())
      lent.takeBack()
      return checked(client, outcome)
    })
    lent.forget()
    client.release()
    return ended
  } catch (error) {
    // It may break at any time from now on, so it goes with the listener that it has.
    client.release(true)
    throw error
  }
}

const ignore = (): void => undefined

/**
 * The connection as the work has it: until the transaction ends, and no longer. What the work left
 * behind, a query that nobody waited for, must not run behind the answer, or on somebody else's
 * connection. It is not the work's to give back.
 */
function lend<C extends Client>(client: C) {
  let isOver = false
  // A connection that breaks while nobody asks it something says so to whoever listens, or ends the process.
  client.on?.('error', ignore)
  const lent: C = new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (name === 'release') return ignore
      if (typeof value !== 'function') return value
      return (...asked: unknown[]): unknown => {
        const given: unknown = isOver ? refused(name) : Reflect.apply(value, target, asked)
        return given === target ? lent : given
      }
    },
  })
  return {
    client: lent,
    takeBack(): void {
      isOver = true
    },
    forget(): void {
      client.off?.('error', ignore)
    },
  }
}

function refused(name: string | symbol): Promise<never> {
  const error = new Error('The transaction that this connection was given for has ended')
  if (name === 'query') return Promise.reject(error)
  throw error
}

/**
 * Begun like a dry run, so that work which cannot run in one fails the first time it runs at all: it
 * has no isolation of its own, and it does not end the transaction.
 */
async function kept<T>(
  client: Client,
  run: () => Promise<PromiseSettledResult<T>>,
): Promise<Ended<T>> {
  const savepoint = await begin(client)
  const outcome = await run()
  if (outcome.status === 'fulfilled') {
    await client.query(`release savepoint ${savepoint}`)
    await client.query('commit')
  } else await client.query('rollback')
  return { headers: {}, outcome }
}

/** Nobody can guess its name, so only the transaction that made it can go back to it. */
async function begin(client: Client): Promise<string> {
  const savepoint = `dry_run_${randomUUID().replaceAll('-', '')}`
  await client.query('begin')
  await client.query(`savepoint ${savepoint}`)
  return savepoint
}

async function undone<T>(
  client: Client,
  run: () => Promise<PromiseSettledResult<T>>,
): Promise<Ended<T>> {
  const savepoint = await begin(client)
  const outcome = await run()
  try {
    await client.query(`rollback to savepoint ${savepoint}`)
    await client.query('rollback')
  } catch (cause) {
    throw new NotRolledBack('The work ended the transaction that was to be undone', { cause })
  }
  return { headers: MARKER, outcome }
}

/** What commit would find wrong is found here, and so is an error that the work did not pass on. */
async function checked<T>(
  client: Client,
  outcome: PromiseSettledResult<T>,
): Promise<PromiseSettledResult<T>> {
  if (outcome.status === 'rejected') return outcome
  const check = await settled(client.query('set constraints all immediate'))
  return check.status === 'rejected' ? check : outcome
}

async function settled<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [outcome] = await Promise.allSettled([promise])
  return outcome
}
