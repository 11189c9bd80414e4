import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { schemaOf } from '../../projections/projection.ts'
import { connect } from '../../src/client/index.ts'
import { attachEmbeddedPostgres } from '../../src/embedded/index.ts'
import { PROJECTIONS } from '../../src/projector/read-models.ts'
import { createPostgresEventStore } from '../../src/stores/postgres/event-store.ts'
import { type Serving, startServer, stopServer } from '../support/cli.ts'
import { compile } from '../support/compiled.ts'
import { untilFollowed } from '../support/followed.ts'
import { SAMPLE_CATALOGUE } from '../support/sample.ts'
import { silentLog } from '../support/silent-log.ts'
import { findUnsound } from '../support/sound.ts'
import { findLost, nothingYet, storm } from '../support/storm.ts'
import { until } from '../support/until.ts'

/**
 * A day's load in miniature: mixed commands, flips, and kill -9 of the server or of Postgres every
 * 30 s. At the end nothing that was acknowledged is missing, the whole log is judged again, and the
 * read models are rebuilt from nothing and compared. `npm run soak -- 10` takes ten minutes.
 */
const MINUTES = Number(process.argv[2] ?? 10)
const KILL_EVERY_MS = Math.min(30_000, MINUTES * 15_000)
const FLIP_EVERY_MS = 2_000
const CALLERS = 16
const PAUSE_MS = 40
const SCOPES = ['global', 'executor:simulator', 'contract:sample.echo']

const say = (line: string): boolean => process.stdout.write(`${line}\n`)

const dataDir = await mkdtemp(join(tmpdir(), 'dispatch-ledger-soak-'))
await chmod(dataDir, 0o711)
await compile()
let serving: Serving = await startServer({ LEDGER_DATA_DIR: dataDir })
const key = (await readFile(join(dataDir, 'admin.key'), 'utf8')).trim()
const door = () => connect({ url: serving.url, key, triesMax: 1 })

await door().request('PUT', '/v1/switch/global', { state: 'DRY_RUN_ONLY', reason: 'soak' })
await door().request('POST', '/v1/catalogue', { manifests: SAMPLE_CATALOGUE })

const told = nothingYet()
const stop = new AbortController()
const server = () => ({ url: serving.url, key })
const callers = storm(told, { server, callers: CALLERS, pauseMs: PAUSE_MS, signal: stop.signal })
const flips = flipOverAndOver()
const kills = await killOverAndOver()
stop.abort()
await Promise.all([callers, flips])
say('checking')
process.exitCode = (await checkAll()) ? 0 : 1
await stopServer(serving)
await rm(dataDir, { recursive: true, force: true })

async function flipOverAndOver(): Promise<number> {
  let count = 0
  while (!stop.signal.aborted) {
    const scope = SCOPES[count % SCOPES.length] ?? 'global'
    for (const state of ['HALTED', 'DRY_RUN_ONLY']) {
      const path = `/v1/switch/${encodeURIComponent(scope)}`
      const answer = await door()
        .request('PUT', path, { state, reason: 'soak' })
        .catch(() => null)
      if (answer?.status === 200) count += 1
      await pause(state === 'HALTED' ? FLIP_EVERY_MS / 10 : FLIP_EVERY_MS)
    }
  }
  // Whatever was cut in the middle of a flip, the switch ends released.
  for (const scope of SCOPES) {
    const path = `/v1/switch/${encodeURIComponent(scope)}`
    await until(async () => {
      const answer = await door()
        .request('PUT', path, { state: 'DRY_RUN_ONLY', reason: 'soak' })
        .catch(() => null)
      return answer?.status === 200
    })
  }
  return count
}

async function killOverAndOver(): Promise<{ server: number; postgres: number }> {
  const killed = { server: 0, postgres: 0 }
  const untilMs = performance.now() + MINUTES * 60_000
  while (performance.now() < untilMs) {
    await pause(Math.min(KILL_EVERY_MS, Math.max(0, untilMs - performance.now())))
    const victim = killed.server > killed.postgres ? 'postgres' : 'server'
    if (victim === 'server') {
      await stopServer(serving, 'SIGKILL')
      serving = await startServer({ LEDGER_DATA_DIR: dataDir })
    } else {
      const pid = (await readFile(join(dataDir, 'pg', 'postmaster.pid'), 'utf8')).split('\n')[0]
      process.kill(Number(pid), 'SIGKILL')
    }
    killed[victim] += 1
    say(`${new Date().toISOString()} killed ${victim}; ${told.calls} calls so far`)
  }
  await until(async () => (await fetch(`${serving.url}/readyz`).catch(() => null))?.ok, {
    what: 'the server',
    timeoutMs: 60_000,
  })
  return killed
}

async function checkAll(): Promise<boolean> {
  const { ownerUrl, release } = await attachEmbeddedPostgres({ dataDir, log: silentLog })
  const store = createPostgresEventStore(ownerUrl)
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  try {
    const ids = new Set<string>()
    const log = async function* () {
      for await (const event of store.read({ after: 0 })) {
        ids.add(event.id)
        yield event
      }
    }
    const unsound = await findUnsound(log())
    const lost = findLost(told, ids)
    const live = await rowsWhenCaughtUp(owner)
    await rebuild(owner)
    const rebuilt = await rowsWhenCaughtUp(owner)
    const same = JSON.stringify(live) === JSON.stringify(rebuilt)
    say(`calls         ${told.calls}, of them unanswered ${told.unreachable.length}`)
    say(`outcomes      ${JSON.stringify(Object.fromEntries(told.outcomes))}`)
    say(`kills         server ${kills.server}, postgres ${kills.postgres}; flips ${await flips}`)
    say(`log           ${ids.size} events, ${told.reached.size} dispatches acknowledged`)
    say(`lost          ${lost.length}`)
    say(`unsound       ${unsound.length} ${unsound.slice(0, 5).join('; ')}`)
    say(`read models   ${same ? 'the same after a rebuild' : 'DIFFER after a rebuild'}`)
    say(JSON.stringify(live))
    return lost.length === 0 && unsound.length === 0 && same
  } finally {
    await owner.end()
    await store.close()
    await release()
  }
}

type Digests = Record<string, { rows: number; digest: string }>

/** Rows and digest of every table of the read models, once they stand at the head of the log. */
async function rowsWhenCaughtUp(owner: pg.Client): Promise<Digests> {
  await untilFollowed(owner)
  const digests: Digests = {}
  for (const schema of PROJECTIONS.map(schemaOf)) {
    const { rows: tables } = await owner.query<{ name: string }>(
      'select tablename as name from pg_tables where schemaname = $1 order by 1',
      [schema],
    )
    for (const { name } of tables) {
      const text = `select count(*)::int as rows, coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') as digest from ${schema}.${name} t`
      digests[`${schema}.${name}`] = (await owner.query(text)).rows[0]
    }
  }
  return digests
}

/** The read models are gone, and a server starts with the log alone. */
async function rebuild(owner: pg.Client): Promise<void> {
  for (const schema of PROJECTIONS.map(schemaOf)) await owner.query(`drop schema ${schema} cascade`)
  await stopServer(serving, 'SIGKILL')
  serving = await startServer({ LEDGER_DATA_DIR: dataDir })
}
