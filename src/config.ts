import { z } from 'zod'
import { type HttpAllow, parseHttpAllow } from './http-allow.ts'
import { packageVersion } from './package.ts'

const port = z
  .string()
  .regex(/^[0-9]{1,5}$/)
  .transform(Number)
  .pipe(z.int().max(65_535))

const postgresUrl = z.string().regex(/^postgres(ql)?:\/\//, 'must start with postgres://')
const sqlSources = z.record(z.string().min(1).max(63), postgresUrl)

/** A text that is no JSON is as wrong as JSON of another shape. */
function readSqlSources(text: string, context: z.RefinementCtx): Record<string, string> {
  try {
    return sqlSources.parse(JSON.parse(text))
  } catch {
    context.addIssue('must be a JSON object of Postgres URLs by name')
    return z.NEVER
  }
}

function readHttpAllow(text: string, context: z.RefinementCtx): HttpAllow {
  try {
    return parseHttpAllow(text)
  } catch (error) {
    context.addIssue(error instanceof Error ? error.message : 'is no list')
    return z.NEVER
  }
}

/** The settings of a server, from the environment. INTERFACES of the product: names never change. */
const settings = z.object({
  LEDGER_HOST: z.string().min(1).default('127.0.0.1'),
  LEDGER_PORT: port.default(4400),
  LEDGER_DATA_DIR: z.string().min(1).default('.dispatch-ledger'),
  DATABASE_URL: postgresUrl.optional(),
  LEDGER_STORE: z.enum(['postgres', 'eventstoredb']).default('postgres'),
  EVENTSTORE_URL: z
    .string()
    .regex(/^esdb(\+discover)?:\/\//)
    .optional(),
  LEDGER_STREAM_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/)
    .default(''),
  LEDGER_SQL_SOURCES: z.string().default('{}').transform(readSqlSources),
  LEDGER_HTTP_ALLOW: z.string().default('').transform(readHttpAllow),
  LEDGER_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info'),
})

/** The names of the settings, for whoever shows them. */
export const SETTINGS: readonly string[] = Object.keys(settings.shape)

const HINTS: Readonly<Record<string, string>> = {
  LEDGER_PORT: 'a port number, or 0 for a free one',
  DATABASE_URL: 'a Postgres URL that starts with postgres://',
  LEDGER_STORE: 'postgres or eventstoredb',
  EVENTSTORE_URL: 'an EventStoreDB connection string that starts with esdb:// or esdb+discover://',
  LEDGER_STREAM_PREFIX: '1 to 64 letters, digits and . _ - that begin with a letter or digit',
  LEDGER_SQL_SOURCES: 'a JSON object, each member a source name with its Postgres URL',
  LEDGER_HTTP_ALLOW:
    'a comma list of origins as they are serialized (https://api.example) and CIDRs (10.1.0.0/16)',
  LEDGER_LOG_LEVEL: 'trace, debug, info, warn, error, fatal or silent',
}

export type Config = Readonly<{
  version: string
  host: string
  port: number
  dataDir: string
  databaseUrl: string | undefined
  /** Where the log is when it is not in Postgres; null when it is. */
  eventStoreDb: Readonly<{ url: string; prefix: string }> | null
  /** Read-only logins that dry runs may use, by the names that targets have for them. */
  sqlSources: Readonly<Record<string, string>>
  /** Where dry runs of type http may go. */
  httpAllow: HttpAllow
  logLevel: z.infer<typeof settings>['LEDGER_LOG_LEVEL']
}>

/** These may hold a password. */
const SECRET = ['DATABASE_URL', 'EVENTSTORE_URL', 'LEDGER_SQL_SOURCES']

/** A setting that cannot be used. The message is one sentence that names the variable. */
export class ConfigError extends Error {}

/** Reads the settings once. Empty values count as unset; a bad one stops the start. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  )
  const result = settings.safeParse(given)
  if (!result.success) {
    const [issue] = result.error.issues
    const name = String(issue?.path[0])
    const found = JSON.stringify(given[name])
    const shown = SECRET.includes(name) ? 'something else' : found
    const why = name === 'LEDGER_HTTP_ALLOW' ? `: ${issue?.message}` : ''
    throw new ConfigError(`${name} must be ${HINTS[name] ?? 'set'}; found ${shown}${why}.`)
  }
  const { data } = result
  return {
    version: packageVersion(),
    host: data.LEDGER_HOST,
    port: data.LEDGER_PORT,
    dataDir: data.LEDGER_DATA_DIR,
    databaseUrl: data.DATABASE_URL,
    eventStoreDb: readEventStoreDb(data),
    sqlSources: data.LEDGER_SQL_SOURCES,
    httpAllow: data.LEDGER_HTTP_ALLOW,
    logLevel: data.LEDGER_LOG_LEVEL,
  }
}

function readEventStoreDb(data: z.infer<typeof settings>): Config['eventStoreDb'] {
  if (data.LEDGER_STORE === 'postgres') return null
  const { EVENTSTORE_URL: url, LEDGER_STREAM_PREFIX: prefix } = data
  if (url !== undefined) return { url, prefix }
  throw new ConfigError(`EVENTSTORE_URL must be ${HINTS['EVENTSTORE_URL']}; it is not set.`)
}
