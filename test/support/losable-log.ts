import { newEventStoreDb, type TestLedger } from './ledger.ts'
import { startRelay } from './relay.ts'
import { until } from './until.ts'

/**
 * A log that can be taken from the ledger that is opened with it, wherever this run has its logs: in
 * Postgres the login of the server may neither read nor append, EventStoreDB is not reached.
 */
export type LosableLog = Readonly<{
  eventStoreDb: TestLedger['eventStoreDb']
  lose(ledger: TestLedger): Promise<void>
  /** Until it answers again. */
  giveBack(ledger: TestLedger): Promise<void>
  close(): Promise<void>
}>

export async function openLosableLog(): Promise<LosableLog> {
  const place = newEventStoreDb()
  return place === null ? losableInPostgres : losableInEventStoreDb(place)
}

const grant = ({ database }: TestLedger, verb: string, word: string) =>
  database.query(`
    ${verb} select on ledger.head ${word} ledger_writer, ledger_projector;
    ${verb} execute on function ledger.append ${word} ledger_writer`)

const losableInPostgres: LosableLog = {
  eventStoreDb: null,
  lose: async (ledger) => void (await grant(ledger, 'revoke', 'from')),
  giveBack: async (ledger) => void (await grant(ledger, 'grant', 'to')),
  close: () => Promise.resolve(),
}

async function losableInEventStoreDb(
  place: NonNullable<TestLedger['eventStoreDb']>,
): Promise<LosableLog> {
  const relay = await startRelay(place.url)
  return {
    eventStoreDb: { ...place, url: relay.url },
    lose: () => relay.shut(),
    async giveBack(ledger) {
      await relay.open()
      await until(async () => (await ledger.ask('GET', '/v1/switch')).status === 200)
    },
    close: () => relay.shut(),
  }
}
