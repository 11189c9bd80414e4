import Fastify from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { command } from '../../src/http/schemas.ts'

/** The yardstick of the door: the same body, read and checked by zod, and given back. */
const app = Fastify()
app.setValidatorCompiler(validatorCompiler)
app.setSerializerCompiler(serializerCompiler)
app.post('/v1/dispatches', { schema: { body: command, response: { 200: command } } }, (request) =>
  Promise.resolve(request.body),
)
process.stdout.write(`${await app.listen({ host: '127.0.0.1', port: 0 })}\n`)
