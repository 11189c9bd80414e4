import pino from 'pino'
import { describe, expect, it } from 'vitest'
import type { HttpPorts } from '../../src/http/ports.ts'
import { createServer } from '../../src/http/server.ts'

describe('the OpenAPI document', () => {
  it('is the committed one: `npx vitest run test/house/openapi.test.ts -u` after a wanted change', async () => {
    const ports = {
      version: '0.0.0',
      negativeControls: [],
      consoleFiles: [],
    } as unknown as HttpPorts
    const app = await createServer(ports, pino({ level: 'silent' }))
    const document = `${JSON.stringify(app.swagger(), null, 2)}\n`
    await expect(document).toMatchFileSnapshot('../../docs/openapi.json')
    await app.close()
  })
})
