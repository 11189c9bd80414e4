import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { LedgerError } from '../../errors.ts'
import type { HttpPorts } from '../ports.ts'

/** Everything comes from this server, no script and no style stands in the page, and nobody frames it. */
const PAGE_POLICY = [
  "default-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
].join('; ')

/** The addresses of its screens: each is the one page. */
const SCREENS = ['/', '/dispatches', '/dispatches/:id', '/refusals', '/try', '/switch']

const PAGE = '/index.html'
const open = { config: { scope: null }, schema: { hide: true } } as const

/** The console as it was built. It is a client like any other: it sees what its key may see. */
export const consoleRoutes: FastifyPluginAsyncZod<HttpPorts> = async (app, { consoleFiles }) => {
  for (const { path, type, body, gzip } of consoleFiles) {
    // The name of an asset holds a digest of its content.
    const keep = path === PAGE ? 'no-cache' : 'public, max-age=31536000, immutable'
    const headers = { 'content-security-policy': PAGE_POLICY, vary: 'accept-encoding' }
    for (const url of path === PAGE ? SCREENS : [path]) {
      app.get(url, open, async (request, reply) => {
        const zipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
        reply.headers({ ...headers, 'cache-control': keep }).type(type)
        if (!zipped) return reply.send(body)
        return reply.header('content-encoding', 'gzip').send(gzip)
      })
    }
  }
  if (consoleFiles.length > 0) return
  app.get('/', open, async () => {
    throw new LedgerError('not-found', 'The console is not built here. Run: npm run build')
  })
}
