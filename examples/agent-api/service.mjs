// The agent API: what is asked of it is done in one transaction, or undone in it for a dry run.
import { dryRun } from 'dispatch-ledger/dry-run'
import Fastify from 'fastify'
import pg from 'pg'

const app = Fastify()
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
// A connection that breaks while it is idle is nobody's request: the pool makes another.
pool.on('error', (error) => console.error(error.message))
await app.register(dryRun, { pool })

app.get('/users/:id', (request, reply) =>
  reply.transact(async (db) => {
    const found = 'select id, name, credits from agent.users where id = $1'
    const { rows } = await db.query(found, [request.params.id])
    return rows[0] ?? no(reply, 404, 'no such user')
  }),
)

const RENAME = `with before as (select id, name from agent.users where id = $1 for update),
    after as (update agent.users set name = $2 from before where users.id = before.id
      returning users.id, before.name as before, users.name as after),
    note as (insert into agent.renames select * from after)
  select * from after`

app.post('/users/:id/rename', (request, reply) =>
  reply.transact(async (db) => {
    const { rows } = await db.query(RENAME, [request.params.id, request.body.name])
    return rows[0] ?? no(reply, 404, 'no such user')
  }),
)

const TAKE = `update agent.users set credits = credits - $2
  where id = $1 and credits >= $2 returning id, credits`
const GIVE = 'update agent.users set credits = credits + $2 where id = $1 returning id, credits'

app.post('/users/:id/give', (request, reply) =>
  reply.transact(async (db) => {
    const { to, credits } = request.body
    const from = await db.query(TAKE, [request.params.id, credits])
    if (from.rows.length === 0) return no(reply, 409, 'no such user, or too few credits')
    const receiver = await db.query(GIVE, [to, credits])
    if (receiver.rows.length === 0) return no(reply, 404, 'nobody to give them to')
    return { users: [...from.rows, ...receiver.rows] }
  }),
)

/** A definite "no": the answer carries the marker as well, so the ledger records it. */
function no(reply, status, error) {
  reply.code(status)
  return { error }
}

const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 8081) })
console.log(`agent-api/users listens on ${url}`)
