import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { LedgerError } from '../../errors.ts'

/**
 * The page is Swagger UI from its package, read when somebody asks for it: its plugin would cost
 * every start more than all our routes, and offer the document a second and a third time.
 */
const FILES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

const START = 'start.js'
const START_SCRIPT = `SwaggerUIBundle({
  url: '/openapi.json', dom_id: '#page', deepLinking: true, validatorUrl: null, persistAuthorization: false,
})
`

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Dispatch Ledger</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="page"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/${START}"></script>
</body>
</html>
`

/** Everything comes from this server, and no script stands in the page. Swagger UI draws with data: images. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export const docsRoutes: FastifyPluginAsyncZod = async (app) => {
  const open = { config: { scope: null } } as const

  app.get('/docs', { ...open, schema: { hide: true } }, async (_, reply) =>
    reply
      .header('content-security-policy', PAGE_POLICY)
      .type('text/html; charset=utf-8')
      .send(PAGE),
  )

  app.get(
    '/docs/:file',
    { ...open, schema: { hide: true, params: z.object({ file: z.string() }) } },
    async (request, reply) => {
      const { file } = request.params
      if (file === START) return reply.type('text/javascript; charset=utf-8').send(START_SCRIPT)
      const type = Object.hasOwn(FILES, file) ? FILES[file] : undefined
      if (type === undefined) throw new LedgerError('not-found', 'The page has no such file')
      return reply.type(type).send(await readFile(join(staticFolder(), file)))
    },
  )
}

const staticFolder = (): string =>
  join(dirname(createRequire(import.meta.url).resolve('@fastify/swagger-ui')), 'static')
