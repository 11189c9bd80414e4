/**
 * For services: a real no-mutation entry point in ten lines. What the ledger asks by
 * `Prefer: tx=rollback` is run in a transaction, undone, and answered with
 * `Preference-Applied: tx=rollback`. It needs nothing of the ledger.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'
import { type Client, type Pool, transact } from './transaction.ts'

export {
  asksDryRun,
  type Client,
  type Ended,
  NotRolledBack,
  type Pool,
  type RequestHeaders,
  transact,
} from './transaction.ts'

/** What a handler does with the database, on the connection that it is given. */
export type Work<C extends Client, T> = (client: C) => Promise<T>

declare module 'fastify' {
  interface FastifyReply {
    /** Runs `work` in a transaction: undone and marked for a dry run, else committed. */
    transact<C extends Client, T>(work: Work<C, T>): Promise<T>
  }
}

/**
 * A Fastify plugin: `reply.transact(work)` gives what the work gave, or throws what it threw; the
 * marker is on the answer either way. A handler that never calls it sends no marker.
 */
export const dryRun = plugin(
  async (app: FastifyInstance, { pool }: Readonly<{ pool: Pool<Client> }>) => {
    app.decorateReply('transact', async function inTransaction<
      C extends Client,
      T,
    >(this: FastifyReply, work: Work<C, T>): Promise<T> {
      const request: FastifyRequest = this.request
      const { headers, outcome } = await transact(pool as Pool<C>, request.headers, work)
      this.headers(headers)
      if (outcome.status === 'fulfilled') return outcome.value
      throw outcome.reason
    })
  },
  { name: 'dispatch-ledger-dry-run', fastify: '5.x' },
)
