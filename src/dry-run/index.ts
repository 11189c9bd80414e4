/**
 * For services: a real no-mutation entry point in ten lines. What the ledger asks by
 * `Prefer: tx=rollback` is run in a transaction, undone, and answered with
 * `Preference-Applied: tx=rollback`. It needs nothing of the ledger.
 */
import type { FastifyInstance, FastifyReply } from 'fastify'
import plugin from 'fastify-plugin'
import { type Client, MARKER, type Pool, transact } from './transaction.ts'

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
 * marker is on the answer either way. A handler that never calls it sends no marker, and so does one
 * of which anything was committed, or is not yet undone when the answer leaves.
 */
export const dryRun = plugin(
  async (app: FastifyInstance, { pool }: Readonly<{ pool: Pool<Client> }>) => {
    const runs = new WeakMap<FastifyReply, { begun: number; undone: number }>()
    app.decorateReply('transact', async function inTransaction<
      C extends Client,
      T,
    >(this: FastifyReply, work: Work<C, T>): Promise<T> {
      const run = runs.get(this) ?? { begun: 0, undone: 0 }
      runs.set(this, run)
      run.begun += 1
      const { headers, outcome } = await transact(pool as Pool<C>, this.request.headers, work)
      if ('preference-applied' in headers) run.undone += 1
      if (outcome.status === 'fulfilled') return outcome.value
      throw outcome.reason
    })
    app.addHook('onSend', async (_, reply) => {
      const run = runs.get(reply)
      if (run === undefined) return
      if (run.begun === run.undone) reply.headers(MARKER)
      // Whoever passes on the headers of somebody else passes on no claim.
      else for (const name of Object.keys(MARKER)) reply.removeHeader(name)
    })
  },
  { name: 'dispatch-ledger-dry-run', fastify: '5.x' },
)
