import { readFileSync } from 'node:fs'
import type pg from 'pg'
import type { Finding } from '../../ports.ts'
import { migrationNames, sha256Of } from './migrate.ts'

const textBeside = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8')

/** The schema of the log as it stands, one line a thing: what doctor compares and schema.txt holds. */
export async function describeSchema(client: pg.ClientBase): Promise<readonly string[]> {
  const { rows } = await client.query<{ line: string }>(textBeside('./catalog.sql'))
  return rows.map((row) => row.line)
}

const SHOWN_MAX = 5

/** Owners, columns, triggers, function bodies and grants, against what the migrations make. */
export async function examineDrift(client: pg.ClientBase): Promise<Finding> {
  const found = await describeSchema(client)
  const made = textBeside('./schema.txt').trimEnd().split('\n')
  const missing = made.filter((line) => !found.includes(line)).map((line) => `missing: ${line}`)
  const added = found.filter((line) => !made.includes(line)).map((line) => `added: ${line}`)
  const drift = [...missing, ...added]
  if (drift.length === 0) {
    return { check: 'schema', status: 'ok', found: `as the migrations make it`, todo: null }
  }
  const more = drift.length > SHOWN_MAX ? `; and ${drift.length - SHOWN_MAX} more` : ''
  const reads =
    missing.length === 0 && added.every((line) => line.startsWith('added: grant SELECT '))
  return {
    check: 'schema',
    status: reads ? 'warning' : 'problem',
    found: drift.slice(0, SHOWN_MAX).join('; ') + more,
    todo: 'Find out who changed it, and undo it as the owner of the database.',
  }
}

/** An applied file that says something else today was edited after it was applied. */
export async function examineMigrations(client: pg.ClientBase): Promise<Finding> {
  const { rows } = await client.query<{ name: string; sha256: string | null }>(
    'select name, sha256 from ledger.migrations order by id',
  )
  const check = 'migrations'
  const newer = rows.filter((row) => !migrationNames().includes(row.name)).map((row) => row.name)
  const missing = migrationNames().filter((name) => !rows.some((row) => row.name === name))
  const known = rows.filter((row) => !newer.includes(row.name))
  const edited = known.filter((row) => row.sha256 !== sha256Of(row.name)).map((row) => row.name)
  if (newer.length > 0) {
    const todo = 'Run a dispatch-ledger that is at least as new as the database.'
    return { check, status: 'problem', found: `${newer.join(', ')} unknown to this build`, todo }
  }
  if (missing.length > 0) {
    const todo = 'Run: dispatch-ledger migrate --database-url <owner>'
    return { check, status: 'problem', found: `${missing.join(', ')} not applied`, todo }
  }
  if (edited.length > 0) {
    const todo = 'Run the build that made this database, or find out who edited the file.'
    return {
      check,
      status: 'problem',
      found: `${edited.join(', ')} was applied as another file`,
      todo,
    }
  }
  return { check, status: 'ok', found: `${rows.length} applied, as in this build`, todo: null }
}
