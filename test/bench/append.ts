import { createPostgresEventStore } from '../../src/stores/postgres/event-store.ts'
import { figureOf, type Line, percentile, perSecond, ratioLine } from './figures.ts'
import { type Lab, newAppend } from './lab.ts'
import { pgbench } from './pgbench.ts'

const RUNS = 3
const SECONDS = 5
const IN_FLIGHT = 64

/** `store.append` of new dispatches beside a transaction per dispatch on the same server. */
export async function appendSection(lab: Lab): Promise<readonly Line[]> {
  const ours: number[] = []
  const best: number[] = []
  const p99: number[] = []
  for (let turn = 0; turn < RUNS; turn++) {
    best.push(Math.max(...(await pgbench(lab, SECONDS))))
    const { rate, latencies } = await appendRate(lab)
    ours.push(rate)
    p99.push(percentile(latencies, 0.99))
  }
  const yardstick = figureOf(best)
  const rate = figureOf(ours)
  return [
    { name: 'pgbench, a transaction per dispatch, best of 8/16/32', value: perSecond(yardstick) },
    { name: `store.append, ${IN_FLIGHT} in flight`, value: perSecond(rate) },
    { name: 'store.append p99', value: `${figureOf(p99).median.toFixed(1)} ms` },
    ratioLine('store.append / pgbench', rate.median / yardstick.median, 2),
  ]
}

export async function appendRate(
  lab: Lab,
  { seconds = SECONDS, inFlight = IN_FLIGHT } = {},
): Promise<{ rate: number; latencies: number[] }> {
  const store = createPostgresEventStore(lab.runtimeUrl)
  const { control } = await store.head()
  const latencies: number[] = []
  const startedMs = performance.now()
  const untilMs = startedMs + seconds * 1_000
  const worker = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      const sentMs = performance.now()
      const { outcome } = await store.appendDispatch(newAppend(lab, control.revision))
      if (outcome !== 'appended') throw new Error(`an append of a new stream met ${outcome}`)
      latencies.push(performance.now() - sentMs)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  const rate = latencies.length / ((performance.now() - startedMs) / 1_000)
  await store.close()
  return { rate, latencies: latencies.toSorted((a, b) => a - b) }
}
