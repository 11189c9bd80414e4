import { type Line, percentile } from './figures.ts'
import type { Lab } from './lab.ts'
import { startServer } from './server.ts'

const ROWS = 1_000_000
const ASKED = 100
const P99_GOAL_MS = 150

/** Fields as a ledger in use has them: some common, some rare, some of an old half of the rows alone. */
const FILL = `
  create temp table gen as select i, gen_random_uuid() as id, 'sha256:' || encode(sha256(i::text::bytea), 'hex') as digest,
    case when i <= $1 / 2 and i % 10 < 3 then 'old.contract' when i % ($1 / 3) = 10 then 'rare.contract'
      else 'team' || i % 7 || '.check-' || floor(power(random(), 2) * 200)::int end as contract,
    'iu-cutter/t' || floor(power(random(), 2) * 500)::int as target,
    'DRYRUN-NS:team' || i % 20 || '/svc' || floor(random() * 100)::int as ns,
    case when i % ($1 / 3) = 10 then 0 else random() end as r, timestamptz '2026-01-01' + i * interval '20 s' as at
  from generate_series(1, $1) i;
  insert into rm_dispatches_v2.dispatches (dispatch_id, digest, contract_id, contract_version, target, output_namespace, occurrence,
    reached, verdict, output_digest, refusals, last_refusal, last_event, opened_position, opened_at, position, changed_at)
  select id, digest, contract, 1 + i % 3, target, ns, '', case when r < 0.05 then 'Planned' when r >= 0.1 then 'DryRunRecorded' end,
    case when i % ($1 / 3) = 10 then 'would_fail' when r >= 0.1 then 'would_succeed' end, case when r >= 0.1 then digest end,
    case when r < 0.1 then 1 else 0 end, case when i % ($1 / 3) = 10 then 'mutation-suspected' when r < 0.1 then 'plan-stale' end,
    case when r < 0.1 then 'Refused' else 'DryRunRecorded' end, 1e9 + i * 3 - 2, at, 1e9 + i * 3, at + interval '1 s' * floor(random() * 100)
  from gen order by i;
  insert into ledger.calls_hourly (hour, contract_id, mode, outcome, code, appended, server, calls)
  select date_trunc('hour', now()) - h * interval '1 hour', 'team' || c || '.check', 'DRY_RUN', o.outcome, o.code, o.appended, gen_random_uuid(), 1 + c
  from generate_series(0, 23) h, generate_series(0, 99) c, (values ('created', '', 'events'), ('replayed', '', 'none'), ('refused', 'plan-stale', 'events'), ('refused', 'plan-stale', 'none')) o(outcome, code, appended);
  analyze rm_dispatches_v2.dispatches;
  analyze ledger.calls_hourly`

const PAGES: Readonly<Record<string, string>> = {
  'a page, by change': '/v1/dispatches?pageSize=50&orderBy=changedAt%20desc',
  ...Object.fromEntries(
    [
      'reached = Planned',
      'verdict = would_fail',
      'contract.id = rare.contract',
      'contract.id = old.contract',
      'lastRefusal = mutation-suspected',
      'lastRefusal:*',
      'outputNamespace:"DRYRUN-NS:team3"',
      'openedAt < 2026-02-01T00:00:00Z',
      'target = iu-cutter/t3 AND reached = Planned',
    ].map((it) => [it, `/v1/dispatches?pageSize=50&filter=${encodeURIComponent(it)}`]),
  ),
  'calls of 24 hours, 9,600 rows': '/v1/analytics/calls_hourly_v1?pageSize=1000',
}

/** Pages of a list over a million dispatches, and the counters, as the console asks for them. */
export async function listsSection(lab: Lab): Promise<readonly Line[]> {
  const server = await startServer(lab)
  try {
    const fill = FILL.replaceAll('$1', String(ROWS))
    await lab.owner.query(fill)
    const lines: Line[] = []
    for (const [name, path] of Object.entries(PAGES)) {
      lines.push(lineOf(name, await timesOf(lab, new URL(path, server.url).href)))
    }
    return lines
  } finally {
    await server.stop()
  }
}

async function timesOf({ key }: Lab, url: string): Promise<readonly number[]> {
  const times: number[] = []
  // The first one reads from the disk what a list in use has in memory.
  for (let turn = -1; turn < ASKED; turn++) {
    const startMs = performance.now()
    const reply = await fetch(url, { headers: { authorization: `Bearer ${key}` } })
    const text = await reply.text()
    if (reply.status !== 200) throw new Error(text)
    if (turn >= 0) times.push(performance.now() - startMs)
  }
  return times.toSorted((a, b) => a - b)
}

function lineOf(name: string, times: readonly number[]): Line {
  const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)]
  return {
    name,
    value: `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
    goal: `p99 < ${P99_GOAL_MS} ms`,
    met: p99 < P99_GOAL_MS,
  }
}
