import type pg from 'pg'
import { schemaOf } from '../../projections/projection.ts'
import { PROJECTIONS } from '../../src/projector/read-models.ts'
import { until } from './until.ts'

const TIMEOUT_MS = 600_000

/** Until every read model holds the log to its end. One that is not there yet is waited for. */
export async function untilFollowed(owner: pg.ClientBase): Promise<void> {
  const positions = PROJECTIONS.map((it) => `(select position from ${schemaOf(it)}.follower)`)
  const text = `select position = all (array[${positions.join(', ')}]) as there from ledger.head`
  await until(
    async () => {
      const { rows } = await owner.query<{ there: boolean }>(text)
      return rows[0]?.there === true
    },
    { what: 'the read models to catch up', timeoutMs: TIMEOUT_MS },
  )
}
