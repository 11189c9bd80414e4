import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { LedgerError } from '../../src/errors.ts'
import { logTo } from '../../src/telemetry/log.ts'
import { ScriptedStore } from '../support/doubles.ts'
import { catalogueOf, register } from '../support/front-door.ts'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'

const SECRET = 's3cret-of-a-customer'

/** A log at its most talkative level, and everything it wrote. */
function listen(level = 'trace') {
  const lines: string[] = []
  return { lines, log: logTo({ write: (line) => lines.push(line) }, level) }
}
const told = (lines: readonly string[], message: string) =>
  lines.map((line) => JSON.parse(line)).filter((line) => line.msg === message)

/** What a driver of Postgres throws: it quotes the row that failed. */
const driverError = () =>
  Object.assign(new Error(`invalid input syntax: "${SECRET}"`), {
    code: '22P02',
    detail: `Failing row contains (${SECRET}).`,
    where: `JSON data, line 1: ${SECRET}`,
    parameters: [SECRET],
  })

/** What node gives to whoever listens for requests that are no HTTP. */
const brokenRequest = () =>
  Object.assign(new Error('Parse Error'), {
    code: 'HPE_INVALID_HEADER_TOKEN',
    rawPacket: Buffer.from(SECRET),
  })

describe('the log of a ledger', () => {
  const { lines, log } = listen()
  const store = new ScriptedStore()
  let ledger: TestLedger
  beforeAll(async () => {
    ledger = await openReadyLedger({ store: store.wrap }, log)
    return () => ledger.close()
  })
  /** Whatever a test did, nothing of it may stand in the log. */
  afterEach(() => {
    store.reset()
    const text = lines.join('')
    expect(text).not.toContain(SECRET)
    expect(text).not.toContain(ledger.key.split('_').at(-1))
    expect(text).not.toContain('rawPacket')
  })
  const command = (occurrence: string) => sampleCommand({ params: { say: SECRET }, occurrence })

  it('has one line a request, with ids, codes and durations', async () => {
    const { body } = await ledger.dispatch(command('recorded'))
    expect(body.event.data.output.echo).toBe(SECRET)
    const [line] = told(lines, 'answered').slice(-1)
    expect(line).toMatchObject({
      route: 'POST /v1/dispatches',
      status: 201,
      outcome: 'created',
      dispatchId: body.dispatchId,
      durationMs: expect.any(Number),
    })
  })

  it('does not quote what was refused', async () => {
    const { status } = await ledger.dispatch({ ...command('refused'), mode: 'REAL_RUN' })
    expect(status).toBe(403)
    await ledger.dispatch({ ...command('invalid'), params: { [SECRET]: SECRET } })
    expect(told(lines, 'answered').at(-1)).toMatchObject({ code: 'params-invalid' })
  })

  it('does not quote what was malformed, or who was unknown', async () => {
    await ledger.send('/v1/dispatches', `{ "params": "${SECRET}`)
    await ledger.send('/v1/dispatches', `{ "${SECRET}": 1 }`)
    await ledger.send('/v1/dispatches', '{}', { key: `dl_aaaaaaaaaaaa_${SECRET}` })
    const codes = told(lines, 'answered').map((line) => line.code)
    expect(codes.slice(-3)).toEqual(['malformed-json', 'schema-invalid', 'unauthenticated'])
  })

  it('does not quote what an expression throws or gives back', async () => {
    const thrower = catalogueOf('thrower', { program: { jsonata: '$error(params.say)' } })
    const reply = await ledger.ask('POST', '/v1/catalogue', {
      manifests: [thrower.target(), thrower.fixture, { ...thrower.contract, baseline: [] }],
    })
    expect(reply.status).toBe(422)
    const own = catalogueOf('own')
    await register(ledger, own.manifests)
    const params = { say: SECRET, throw: true }
    expect((await ledger.dispatch(own.command({ params }))).status).toBe(502)
  })

  it('keeps of an unexpected error its kind, its code and its place', async () => {
    store.onLoad = () => {
      throw driverError()
    }
    expect((await ledger.dispatch(command('crash'))).status).toBe(503)
    const [line] = told(lines, 'unexpected')
    expect(line.err).toMatchObject({ type: 'Error', code: '22P02' })
    expect(line.err.at[0]).toContain('logs.test.ts')
  })

  it('does not quote the cause of a store that failed', async () => {
    store.onAppend = () => {
      throw new LedgerError('gate-indeterminate', SECRET, { cause: driverError() })
    }
    expect((await ledger.dispatch(command('cause'))).status).toBe(503)
  })

  it('does not keep the bytes of a request that is no HTTP', async () => {
    await ledger.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = ledger.app.server.address() as { port: number }
    const socket = connect(port, '127.0.0.1')
    socket.end(`GET / HTTP/1.1\r\nAuthorization: Bearer ${ledger.key}\r\n${SECRET}\r\n\r\n`)
    await once(socket.resume(), 'close')
  })
})

describe('an error in the log', () => {
  it.each<[string, (log: ReturnType<typeof listen>['log']) => void]>([
    ['alone', (log) => log.error(driverError())],
    ['as a field', (log) => log.fatal({ err: driverError() })],
    ['with its own message', (log) => log.error({ err: driverError() }, driverError().message)],
    ['with a text', (log) => log.error({ err: driverError() }, 'closing')],
    ['as a cause', (log) => log.error({ err: new Error(SECRET, { cause: driverError() }) })],
    ['with the bytes of a request', (log) => log.trace({ err: brokenRequest() }, 'client error')],
    ['of more lines', (log) => log.error(new Error(`one\n    at ${SECRET}\ntwo`))],
  ])('says nothing of what it was about: %s', (_, write) => {
    const { lines, log } = listen()
    write(log)
    expect(lines).toHaveLength(1)
    expect(lines.join('')).not.toMatch(new RegExp(`${SECRET}|rawPacket`))
    expect(JSON.parse(lines[0] ?? '').err.at.length).toBeGreaterThan(0)
  })

  it('is written only at its level', () => {
    const { lines, log } = listen('error')
    log.warn('less')
    log.error('enough')
    expect(told(lines, 'enough')).toHaveLength(lines.length)
  })
})
