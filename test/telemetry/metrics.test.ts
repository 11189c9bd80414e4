import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dryReport, ScriptedExecutor, ScriptedStore, storeGone } from '../support/doubles.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

const COMMAND = { occurrence: 'metrics' }

/** The samples of the ledger's own metrics, by `name{labels}`. */
async function samples({ app }: Pick<TestLedger, 'app'>): Promise<ReadonlyMap<string, number>> {
  const { payload } = await app.inject('/metrics')
  const lines = payload.split('\n').filter((line) => line.startsWith('ledger_'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), valueOf(line)]))
}
const valueOf = (line: string): number => Number(line.slice(line.lastIndexOf(' ') + 1))

/** How much each sample grew while `act` ran; what did not change is left out. */
async function growth(ledger: TestLedger, act: () => Promise<unknown>) {
  const before = await samples(ledger)
  await act()
  const after = await samples(ledger)
  const grown = [...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const)
  return new Map(grown.filter(([, by]) => by !== 0))
}

describe('the metrics of a ledger', () => {
  let ledger: TestLedger
  beforeAll(async () => {
    ledger = await openReadyLedger()
    return () => ledger.close()
  })

  it('are text for Prometheus, without a key, with those of the process', async () => {
    const { headers, payload } = await ledger.app.inject('/metrics')
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(payload).toContain('process_cpu_seconds_total ')
  })

  it('count dispatches by outcome and mode, and time their appends and dry runs', async () => {
    const grown = await growth(ledger, async () => {
      await ledger.dispatch(sampleCommand(COMMAND))
      await ledger.dispatch(sampleCommand(COMMAND))
    })
    expect(grown.get('ledger_dispatches_total{outcome="created",mode="DRY_RUN"}')).toBe(1)
    expect(grown.get('ledger_dispatches_total{outcome="replayed",mode="DRY_RUN"}')).toBe(1)
    expect(grown.get('ledger_append_seconds_count')).toBe(1)
    const ran = 'ledger_executor_seconds_count{type="simulator",verdict="would_succeed"}'
    expect(grown.get(ran)).toBe(1)
    const answered = 'ledger_request_seconds_count{route="POST /v1/dispatches",status="201"}'
    expect(grown.get(answered)).toBe(1)
  })

  it('count a judged refusal once, and not as a rejected request', async () => {
    const grown = await growth(ledger, () => ledger.dispatch(sampleCommand({ mode: 'REAL_RUN' })))
    const code = '{code="production-execution-not-authorized"}'
    expect(grown.get(`ledger_refusals_total${code}`)).toBe(1)
    expect(grown.get('ledger_dispatches_total{outcome="refused",mode="REAL_RUN"}')).toBe(1)
    expect(grown.has(`ledger_rejections_total${code}`)).toBe(false)
  })

  it('give a dry run without a report the kind of its failure', async () => {
    const grown = await growth(ledger, () =>
      ledger.dispatch(sampleCommand({ params: { throw: true } })),
    )
    expect(grown.get('ledger_executor_seconds_count{type="simulator",verdict="threw"}')).toBe(1)
    expect(grown.get('ledger_refusals_total{code="executor-failed"}')).toBe(1)
  })

  it('count what was refused before it had an identity', async () => {
    const grown = await growth(ledger, async () => {
      await ledger.send('/v1/dispatches', '{ not json')
      await ledger.send('/v1/dispatches', '{}')
      await ledger.send('/v1/dispatches', '{}', { key: 'dl_nobody' })
      await ledger.ask('GET', '/v1/nothing-here')
    })
    const rejected = [...grown].filter(([name]) => name.startsWith('ledger_rejections_total'))
    expect(new Map(rejected)).toEqual(
      new Map(
        ['malformed-json', 'schema-invalid', 'unauthenticated', 'not-found'].map((code) => [
          `ledger_rejections_total{code="${code}"}`,
          1,
        ]),
      ),
    )
  })

  it('count the items of a batch like commands of their own', async () => {
    const items = [sampleCommand({ occurrence: 'batch' }), {}, { mode: 'NONE' }]
    const grown = await growth(ledger, () =>
      ledger.ask('POST', '/v1/dispatches/batch', { dispatches: items }),
    )
    expect(grown.get('ledger_dispatches_total{outcome="created",mode="DRY_RUN"}')).toBe(1)
    expect(grown.get('ledger_rejections_total{code="schema-invalid"}')).toBe(2)
  })

  it('show the head and how far each read model has got', async () => {
    const { body } = await ledger.dispatch(sampleCommand({ occurrence: 'last' }))
    const seen = await until(async () => {
      const now = await samples(ledger)
      return now.get('ledger_projection_position{name="dispatches"}') === body.position && now
    })
    expect(seen.get('ledger_head_position')).toBe(body.position)
    expect(seen.get('ledger_projection_lag_seconds{name="dispatches"}')).toBe(0)
  })

  it('say which switches refuse, and time their setting', async () => {
    const halted = 'ledger_switch_halted{scope="global"}'
    expect((await samples(ledger)).get(halted)).toBe(0)
    const grown = await growth(ledger, () => ledger.setSwitch('HALTED'))
    expect(grown.get(halted)).toBe(1)
    expect(grown.get('ledger_switch_flip_seconds_count')).toBe(1)
    await ledger.setSwitch('DRY_RUN_ONLY')
    expect((await samples(ledger)).get(halted)).toBe(0)
  })

  it('hold no id: labels are words of this program', async () => {
    const names = [...(await samples(ledger)).keys()]
    expect(names.length).toBeGreaterThan(50)
    expect(names.filter((name) => /sample|[0-9a-f]{12}|DRYRUN-NS/.test(name))).toEqual([])
  })
})

describe('the metrics of a ledger in trouble', () => {
  const executor = new ScriptedExecutor()
  const store = new ScriptedStore()
  let ledger: TestLedger
  beforeAll(async () => {
    ledger = await openReadyLedger({ executors: executor.registry, store: store.wrap })
    return () => ledger.close()
  })
  afterAll(() => store.reset())

  it('count a suspected mutation', async () => {
    executor.onRun = (plan) =>
      dryReport(plan, { evidence: { isolated: { holds: false, seen: null } } })
    const grown = await growth(ledger, () => ledger.dispatch(sampleCommand()))
    expect(grown.get('ledger_mutation_suspected_total')).toBe(1)
    executor.reset()
  })

  it('count a dispatch that could not be recorded as an error', async () => {
    store.onLoad = () => {
      throw storeGone('none')
    }
    const grown = await growth(ledger, () => ledger.dispatch(sampleCommand()))
    expect(grown.get('ledger_dispatches_total{outcome="error",mode="DRY_RUN"}')).toBe(1)
    expect(grown.get('ledger_rejections_total{code="store-unavailable"}')).toBe(1)
    store.reset()
  })

  it('leave out what the store does not tell rather than show what is old', async () => {
    expect((await samples(ledger)).has('ledger_head_position')).toBe(true)
    await ledger.database.admin(
      `alter database ${new URL(ledger.database.ownerUrl).pathname.slice(1)} connection limit 0`,
    )
    await ledger.database.admin(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
      [new URL(ledger.database.ownerUrl).pathname.slice(1)],
    )
    const gone = await until(async () => {
      const now = await samples(ledger)
      return !now.has('ledger_head_position') && now
    })
    expect(gone.has('ledger_switch_halted{scope="global"}')).toBe(false)
    expect(gone.has('ledger_mutation_suspected_total')).toBe(true)
  })
})
