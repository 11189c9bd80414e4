import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import pg from 'pg'
import type { JsonObject } from '../../domain/json.ts'
import { dryRun } from '../../src/dry-run/index.ts'
import { digestOf } from '../../src/identity.ts'
import { createEmptyDatabase, type TestDatabase } from './database.ts'

/** A service with a database of its own that keeps its word: made with the toolkit. */
export type UserService = Readonly<{
  origin: string
  database: TestDatabase
  app: FastifyInstance
  /**
   * A digest of all that others can see of its rows, and of who wrote them. What a transaction
   * writes and undoes leaves versions of rows that nobody sees, and VACUUM takes away.
   */
  visible(): Promise<string>
  close(): Promise<void>
}>

const SCHEMA = `create schema app;
  create table app.users (id int primary key, name text not null);
  create table app.notes (user_id int references app.users, note text);
  insert into app.users values (1, 'Ada'), (2, 'Grace')`

const VISIBLE = `select 'users' as table, xmin::text, to_json(u) as row from app.users u
  union all select 'notes', xmin::text, to_json(n) from app.notes n order by 1, 2`

const RENAME = 'update app.users set name = $2 where id = $1 returning id, name'

/** `serverUrl` is a superuser's: the database is made there. */
export async function openUserService(serverUrl: string): Promise<UserService> {
  const database = await createEmptyDatabase(serverUrl)
  await database.query(SCHEMA)
  const pool = new pg.Pool({ connectionString: database.ownerUrl })
  const app = Fastify()
  await app.register(dryRun, { pool })
  app.post<{ Params: { id: string }; Body: { name: string } }>(
    '/users/:id/rename',
    (request, reply) =>
      reply.transact(async (db: pg.PoolClient) => {
        const { rows } = await db.query(RENAME, [request.params.id, request.body.name])
        await db.query('insert into app.notes select id, name from app.users where id = $1', [
          request.params.id,
        ])
        return rows[0] ?? no(reply, 404, 'no such user')
      }),
  )
  app.get<{ Params: { id: string } }>('/users/:id', (request, reply) =>
    reply.transact(async (db: pg.PoolClient) => {
      const { rows } = await db.query('select id, name from app.users where id = $1', [
        request.params.id,
      ])
      return rows[0] ?? no(reply, 404, 'no such user')
    }),
  )
  app.post<{ Params: { bytes: string } }>('/large/:bytes', (request, reply) =>
    reply.transact(async () => ({ text: 'x'.repeat(Number(request.params.bytes)) })),
  )
  app.post('/endless', () => new Promise(() => undefined))
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    origin,
    database,
    app,
    visible: async () => digestOf(await database.query<JsonObject>(VISIBLE)),
    async close() {
      app.server.closeAllConnections()
      await app.close()
      await pool.end()
      await database.drop()
    },
  }
}

function no(reply: FastifyReply, status: number, error: string) {
  reply.code(status)
  return { error }
}
