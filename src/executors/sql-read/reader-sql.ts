import pg from 'pg'
import type { SourceSeen } from './examine-source.ts'

/** What everybody may execute by default, and no read needs. */
const NEEDLESS = [
  'pg_notify(text, text)',
  'lo_create(oid)',
  'lo_creat(integer)',
  'lo_from_bytea(oid, bytea)',
  'pg_logical_emit_message(boolean, text, text, boolean)',
  'pg_advisory_lock(bigint)',
  'pg_advisory_lock(integer, integer)',
  'pg_sleep(double precision)',
]

/** A line feed in a name would end the comment that it stands in. */
const identifier = (name: string): string => pg.escapeIdentifier(name.replaceAll(/\p{Cc}/gu, ' '))

/**
 * The statements, for the owner of a database, that make a login which can only read, and the
 * setting that names it. A login that is there is left alone: another one is made beside it.
 *
 * `password` stands in them in the clear: they are shown once.
 */
export function readerSql(name: string, url: string, seen: SourceSeen, password: string): string {
  const given = new URL(url)
  const user = decodeURIComponent(given.username)
  const role = seen.facts === null ? user : `${user}_reader`
  const login = identifier(role)
  const database = identifier(seen.facts?.database ?? decodeURIComponent(given.pathname.slice(1)))
  const schemas = seen.habits?.schemas ?? ['public']
  return [
    `-- For an owner of the database ${database}. Read them before you run them.`,
    `create role ${login} login password ${pg.escapeLiteral(password)} nosuperuser nocreatedb nocreaterole noreplication nobypassrls connection limit 16;`,
    `alter role ${login} set default_transaction_read_only = on;`,
    `alter role ${login} set statement_timeout = '60s';`,
    `alter role ${login} set search_path = pg_catalog;`,
    `grant connect on database ${database} to ${login};`,
    '-- What dry runs may read. Leave out what they need not.',
    ...schemas.flatMap((schema) => grants(identifier(schema), login)),
    ...revokes(seen.habits?.leaving ?? []),
    '-- Better still, where nobody else needs it: what everybody may do by default.',
    `-- revoke temporary on database ${database} from public;`,
    ...NEEDLESS.map((it) => `-- revoke execute on function pg_catalog.${it} from public;`),
    '-- Then set, for the server:',
    `-- ${settingOf(name, given, { role, password })}`,
  ].join('\n')
}

/** Who may call these is refused. Others who need them are granted them by name. */
const revokes = (leaving: readonly string[]): readonly string[] =>
  leaving.length === 0
    ? []
    : [
        '-- These act outside of any transaction. Grant them to those who need them.',
        ...leaving.map((it) => `revoke execute on function ${it} from public;`),
      ]

const grants = (schema: string, role: string): readonly string[] => [
  `grant usage on schema ${schema} to ${role};`,
  `grant select on all tables in schema ${schema} to ${role};`,
]

function settingOf(name: string, url: URL, login: { role: string; password: string }): string {
  const changed = new URL(url)
  changed.username = login.role
  changed.password = login.password
  const sources = JSON.stringify({ [name]: changed.href })
  return `LEDGER_SQL_SOURCES='${sources.replaceAll("'", "'\\''")}'`
}
