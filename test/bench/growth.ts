import { createPostgresEventStore } from '../../src/stores/postgres/event-store.ts'
import { appendRate } from './append.ts'
import { figureOf, type Line, perSecond, ratioLine } from './figures.ts'
import { type Lab, newAppend } from './lab.ts'

const STREAMS = Number(process.env['BENCH_STREAMS'] ?? 1_000_000)
const RUNS = 3
const IN_FLIGHT = 128

/** Whether the append slows down as the log grows. Nothing but the store takes part. */
export async function growthSection(lab: Lab): Promise<readonly Line[]> {
  await fill(lab, 1_000)
  const few = await rates(lab)
  const sizeBefore = await bytes(lab)
  const added = await fill(lab, STREAMS)
  const perDispatch = ((await bytes(lab)) - sizeBefore) / added
  const many = await rates(lab)
  return [
    { name: 'store.append at some 1,000 streams', value: perSecond(few) },
    { name: `store.append at ${STREAMS} streams`, value: perSecond(many) },
    { name: 'bytes stored per dispatch, with index', value: perDispatch.toFixed(0) },
    ratioLine('many / few', many.median / few.median, 0.8),
  ]
}

async function rates(lab: Lab) {
  const found: number[] = []
  for (let turn = 0; turn < RUNS; turn++) found.push((await appendRate(lab)).rate)
  return figureOf(found)
}

/** Appends until there are so many streams, and says how many it appended. */
async function fill(lab: Lab, streams: number): Promise<number> {
  const { rows } = await lab.owner.query<{ n: string }>('select count(*) as n from ledger.commits')
  const missing = streams - Number(rows[0]?.n)
  const store = createPostgresEventStore(lab.runtimeUrl)
  const { control } = await store.head()
  let left = missing
  const worker = async (): Promise<void> => {
    while (left-- > 0) await store.appendDispatch(newAppend(lab, control.revision))
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  await store.close()
  return missing
}

async function bytes(lab: Lab): Promise<number> {
  const { rows } = await lab.owner.query<{ n: string }>(
    `select pg_total_relation_size('ledger.commits') as n`,
  )
  return Number(rows[0]?.n)
}
