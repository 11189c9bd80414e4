import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Lab } from './lab.ts'

const PLACES = [18, 17, 16, 15].map((version) => `/usr/lib/postgresql/${version}/bin/pgbench`)
const CLIENTS = [8, 16, 32]

/**
 * The yardstick: what this server does for the same bytes, a row per event and a transaction per
 * dispatch, driven by Postgres' own load generator. Dispatches per second, by number of clients.
 */
export async function pgbench(lab: Lab, seconds: number): Promise<readonly number[]> {
  const script = await prepare(lab)
  const rates: number[] = []
  for (const clients of CLIENTS) rates.push(await run(lab, script, { clients, seconds }))
  return rates
}

async function prepare({ owner, sample, dataDir }: Lab): Promise<string> {
  await owner.query(`drop schema if exists yardstick cascade; create schema yardstick;
    create table yardstick.events (position bigint generated always as identity primary key,
      stream text collate "C" not null, revision int not null, event text not null,
      recorded_at timestamptz not null default clock_timestamp(), unique (stream, revision))`)
  const rows = sample.map((event, revision) => {
    // A colon would begin a variable of pgbench.
    const text = JSON.stringify(event)
      .replaceAll('\\', '\\\\')
      .replaceAll("'", "''")
      .replaceAll(':', '\\x3a')
    return `('dispatch-' || (:stream)::bigint, ${revision}, E'${text}')`
  })
  const file = join(dataDir, 'yardstick.sql')
  await writeFile(
    file,
    `\\set stream random(1, 9000000000000000000)
insert into yardstick.events (stream, revision, event) values ${rows.join(', ')} on conflict do nothing;\n`,
  )
  return file
}

async function run(
  { ownerUrl }: Lab,
  script: string,
  { clients, seconds }: { clients: number; seconds: number },
): Promise<number> {
  const program = PLACES.find(existsSync)
  if (program === undefined) throw new Error('pgbench was not found: install postgresql-15')
  const { hostname, port, username, password, pathname } = new URL(ownerUrl)
  const server = ['-h', hostname, '-p', port, '-U', username, pathname.slice(1)]
  const load = ['-n', '-M', 'prepared', '-f', script, '-c', String(clients), '-T', String(seconds)]
  const env = { ...process.env, PGPASSWORD: decodeURIComponent(password) }
  const { stdout } = await promisify(execFile)(program, [...load, ...server], { env })
  const tps = /tps = ([0-9.]+)/.exec(stdout)?.[1]
  if (tps === undefined) throw new Error(`pgbench printed no rate:\n${stdout}`)
  return Number(tps)
}
