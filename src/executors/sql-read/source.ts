import { randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import pg from 'pg'
import { inGroups } from '../../in-groups.ts'
import { ExecutorFailure } from '../../ports.ts'
import { invoke, type Question, type Reply, sessionName } from './invoke.ts'
import { LOOKING, type RoleFacts, readRoleFacts } from './role-facts.ts'
import { withShortConnection } from './short-connection.ts'

/** Dry runs of one source at a time: more wait, and the source has room for others. */
const CONNECTIONS = 8
const CONNECT_MS = 5_000
/** The server ends a statement itself; this is for one that does not. */
const GRACE_MS = 250
const WATCH_MS = 20
/** Rows on the wire are shorter than as JSON, but an error or a notice may come with them. */
const WIRE_SLACK_BYTES = 64 * 1024

/** A connection that can be broken off, and that knows how much came over it. */
class SourceClient extends pg.Client {
  readonly socket: Socket

  constructor(config: pg.ClientConfig) {
    const socket = new Socket()
    super({ ...config, stream: () => socket })
    this.socket = socket
    // A break also ends the query under way, and that is where it is heard.
    this.on('error', () => undefined)
  }
}

export type Asked = Omit<Question, 'breakOff'>

/** A database that dry runs read, by the login that its operator named for it. */
export type Source = Readonly<{
  /** As the database says after this was asked; those who wait together share an answer. */
  facts(): Promise<RoleFacts>
  /** Rejects with `ExecutorFailure`. No session is used again that failed, or left bad evidence. */
  ask(question: Asked, signal: AbortSignal): Promise<Reply>
  close(): Promise<void>
}>

export function createSource(url: string): Source {
  const pool = createPool(url, CONNECTIONS)
  const looking = createPool(url, 1)
  looking.on('connect', (client) => void client.query(LOOKING).catch(() => undefined))
  const readFacts = inGroups<null, RoleFacts>({
    lanes: 1,
    sizeMax: Number.MAX_SAFE_INTEGER,
    async send(requests) {
      const facts = await withClient(looking, readRoleFacts)
      return requests.map(() => facts)
    },
  })
  const endings = new Set<Promise<void>>()
  const endSession = (canary: string): void => {
    const ending = terminate(url, sessionName(canary)).finally(() => endings.delete(ending))
    endings.add(ending)
  }
  return {
    facts: () => readFacts(null),
    async ask(question, signal) {
      const client = await connected(pool, signal)
      const watch = watchOver(client, question.limits, signal)
      const canary = randomUUID()
      try {
        const reply = await invoke(client, { ...question, breakOff: watch.breakOff }, canary)
        client.release(!Object.values(reply.evidence).every((it) => it.holds))
        return reply
      } catch (error) {
        client.release(true)
        if (watch.brokenOff() !== null) endSession(canary)
        throw watch.brokenOff() ?? failureOf(error)
      } finally {
        watch.end()
      }
    },
    async close() {
      await Promise.all([pool.end(), looking.end()])
      await Promise.all(endings)
    },
  }
}

function createPool(url: string, max: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    max,
    keepAlive: true,
    Client: SourceClient as unknown as new () => pg.ClientBase,
  })
  // An idle connection may break: whoever takes the next one finds out.
  pool.on('error', () => undefined)
  return pool
}

async function withClient<T>(
  pool: pg.Pool,
  use: (client: pg.ClientBase) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  try {
    const answer = await use(client)
    client.release()
    return answer
  } catch (error) {
    client.release(true)
    throw error
  }
}

const ABORTED = () => new ExecutorFailure('timeout', 'aborted')

/** A connection for a caller who is still there when its turn comes. */
async function connected(pool: pg.Pool, signal: AbortSignal) {
  if (signal.aborted) throw ABORTED()
  const connecting = pool.connect()
  const waiting = untilAborted(signal)
  try {
    const client = await Promise.race([connecting, waiting.aborted])
    return client as pg.PoolClient & SourceClient
  } catch (error) {
    connecting.then(
      (client) => client.release(),
      () => undefined,
    )
    throw error instanceof ExecutorFailure
      ? error
      : new ExecutorFailure('threw', 'no-connection', { cause: error })
  } finally {
    waiting.end()
  }
}

function untilAborted(signal: AbortSignal) {
  let abort = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(ABORTED())
  })
  signal.addEventListener('abort', abort)
  return { aborted, end: () => signal.removeEventListener('abort', abort) }
}

/** Breaks a connection off when its caller is gone, its time is over, or too much comes over it. */
function watchOver(client: SourceClient, limits: Asked['limits'], signal: AbortSignal) {
  const { socket } = client
  const bytesMax = socket.bytesRead + limits.outputBytes + WIRE_SLACK_BYTES
  let why: ExecutorFailure | null = null
  const breakOff = (failure: ExecutorFailure): void => {
    why ??= failure
    socket.destroy()
  }
  const abort = (): void => breakOff(ABORTED())
  const expire = (): void => breakOff(new ExecutorFailure('timeout', 'time'))
  const count = (): void => {
    if (socket.bytesRead > bytesMax) breakOff(new ExecutorFailure('limit', 'output'))
  }
  signal.addEventListener('abort', abort)
  // It may have gone while the connection was handed over, when nobody listened.
  if (signal.aborted) abort()
  const timer = setTimeout(expire, limits.timeMs + GRACE_MS)
  const counting = setInterval(count, WATCH_MS)
  return {
    breakOff,
    brokenOff: () => why,
    end(): void {
      signal.removeEventListener('abort', abort)
      clearTimeout(timer)
      clearInterval(counting)
    },
  }
}

/** `query_canceled`: its time was over. */
const CANCELED = '57014'

/** What the database said, by its SQLSTATE; what broke on the way has none. */
function failureOf(error: unknown): ExecutorFailure {
  if (error instanceof ExecutorFailure) return error
  const { code } = error as { code?: unknown }
  if (code === CANCELED) return new ExecutorFailure('timeout', 'time', { cause: error })
  const known = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)
  return new ExecutorFailure('threw', known ? code : 'connection-lost', { cause: error })
}

/** Its statement would run on for nobody; the server keeps the limit of time itself, should this fail. */
const terminate = (url: string, name: string): Promise<void> =>
  withShortConnection(url, (client) => client.query(TERMINATE, [name])).then(
    () => undefined,
    () => undefined,
  )

const TERMINATE = `select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
  where application_name = $1 and usename = session_user`
