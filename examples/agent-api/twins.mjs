// Two services that a ledger has to reckon with: both commit whatever they are asked.
import Fastify from 'fastify'
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
pool.on('error', (error) => console.error(error.message))

async function start(name, port, headers) {
  const app = Fastify()
  app.post('/users/:id/rename', async (request, reply) => {
    const rename = 'update agent.users set name = $2 where id = $1 returning id, name as after'
    const { rows } = await pool.query(rename, [request.params.id, request.body.name])
    return reply.headers(headers).send(rows[0])
  })
  console.log(`agent-api/${name} listens on ${await app.listen({ host: '127.0.0.1', port })}`)
}

const port = Number(process.env.PORT ?? 8082)
// It never heard of a dry run, and so it says nothing of one.
await start('forgetful', port, {})
// It says what it was told to say.
await start('lying', port && port + 1, { 'preference-applied': 'tx=rollback' })
