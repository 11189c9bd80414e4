import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { describe, expect, inject, it } from 'vitest'
import { runCli, spawnCli } from '../support/cli.ts'
import { newLogSettings } from '../support/ledger.ts'
import { createSqlSource, sqlServers } from '../support/sql-source.ts'

const GOLDEN = '../golden/demo.ndjson'
const UUID = /"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"/g

/** Services listen where there is room, so their targets have other digests; and rows say who wrote them. */
const withoutPorts = (line: string): string =>
  line.startsWith('{"step":"agent-')
    ? line
        .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:<port>')
        .replaceAll(/("target":\{[^}]*"sha256":)"[^"]+"/g, '$1"<target>"')
        .replaceAll(/("rows":)"sha256:[^"]+"/g, '$1"<rows>"')
    : line

/** Event ids, key ids and times differ from run to run; dispatch ids and digests never do. */
function masked(line: string): string {
  const dispatchIds = [...line.matchAll(/"dispatchId":("[^"]+")/g)].map((match) => match[1])
  return line
    .replaceAll(UUID, (id) => (dispatchIds.includes(id) ? id : '"<event>"'))
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>')
    .replaceAll(/key:[a-z2-7]{12}/g, 'key:<key>')
    .replaceAll(/"version":"[^"]+"/g, '"version":"<version>"')
    .replaceAll(/"serverVersion":\d+/g, '"serverVersion":"<version>"')
}

type Checked = Readonly<{
  status: number
  body: {
    dispatchId: string
    reached: string
    event: { data: { outputNamespace: string; verdict: string } }
  }
}>

/** What the checks find is the state of a server, and they are dispatched at once. */
function withoutFindings(line: string): string {
  const { step, status, body } = JSON.parse(line) as {
    step: string
    status: number
    body: { results: readonly Checked[] }
  }
  if (step !== 'health-dry-runs') return line
  const results = body.results.map(({ status: answered, body: { dispatchId, reached, event } }) => {
    const { outputNamespace, verdict } = event.data
    return { status: answered, dispatchId, reached, outputNamespace, verdict }
  })
  return JSON.stringify({ step, status, body: { results } })
}

/** Positions count events in an atomic log; elsewhere they only order, and that is left of them. */
function ranked(transcript: string): string {
  const positions = [...transcript.matchAll(POSITION)].map((it) => Number(it[1]))
  const ranks = [...new Set(positions)].toSorted((a, b) => a - b)
  return transcript.replaceAll(POSITION, (_, it) => `"position":${ranks.indexOf(Number(it)) + 1}`)
}
const POSITION = /"position":(\d+)/g

const env = newLogSettings()

describe('the demo', () => {
  it('prints the committed transcript: `npx vitest run --project system test/e2e/demo.test.ts -u` after a wanted change', async () => {
    const { code, stdout, stderr } = await runCli(['demo', '--json'], { env })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trim().split('\n').map(withoutFindings).map(withoutPorts).map(masked)
    const transcript = `${lines.join('\n')}\n`
    if (inject('eventStoreUrl') === null) await expect(transcript).toMatchFileSnapshot(GOLDEN)
    else
      expect(ranked(transcript)).toBe(
        ranked(await readFile(new URL(GOLDEN, import.meta.url), 'utf8')),
      )
  }, 120_000)

  it.each(sqlServers().slice(1))(
    'checks a database on %s',
    async (_name, serverUrl) => {
      const source = await createSqlSource(serverUrl)
      const { name, url } = await source.login()
      const { code, stdout, stderr } = await runCli(['demo', '--json', '--database', url], { env })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const checks = stdout.split('\n').find((line) => line.includes('"health-dry-runs"')) ?? ''
      expect(checks.split('"verdict":"would_succeed"').length - 1).toBe(34)
      expect(checks).toContain(`"role":"${name}"`)
      await source.drop()
    },
    120_000,
  )

  it('leaves nothing behind when it is interrupted as soon as it has begun', async () => {
    const child = spawnCli(['demo'], { env })
    const [line] = (await once(child.stdout as Readable, 'data')) as [Buffer]
    const dataDir = /Starting a ledger in (\S+)/.exec(String(line))?.[1] ?? ''
    expect(existsSync(dataDir)).toBe(true)
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([130, null])
    expect(existsSync(dataDir)).toBe(false)
  }, 60_000)

  it.each([
    ['mysql://nowhere', 2, '--database must start with postgres://\n'],
    ['postgres://x@127.0.0.1:1/x', 3, /^The database of --database: it cannot be asked/],
  ])('begins nothing for %s', async (url, code, stderr) => {
    const ran = await runCli(['demo', '--database', url], { env })
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code, stdout: '' })
    expect(ran.stderr).toMatch(stderr)
  })
})
