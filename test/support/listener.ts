import pg from 'pg'
import type { Login } from './sql-source.ts'

export type Listener = Readonly<{
  /** What was told since this was last asked. */
  heard(): Promise<readonly string[]>
  end(): Promise<void>
}>

/** A session that hears every notification of a channel. */
export async function createListener({ url }: Login, channel: string): Promise<Listener> {
  const client = new pg.Client({ connectionString: url })
  const payloads: string[] = []
  client.on('notification', ({ payload }) => payloads.push(payload ?? ''))
  await client.connect()
  await client.query(`listen ${channel}`)
  return {
    async heard() {
      // What was told before a query reaches its session before the answer does.
      await client.query('select 1')
      return payloads.splice(0)
    },
    end: () => client.end(),
  }
}
