import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openReadyLedger, type TestLedger } from '../support/ledger.ts'
import { sampleCommand } from '../support/sample.ts'
import { until } from '../support/until.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const traced = { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } }

let ledger: TestLedger
beforeAll(async () => {
  ledger = await openReadyLedger()
  return () => ledger.close()
})

/** The correlation id of the events of a dispatch. */
async function correlationOf(dispatchId: string): Promise<string> {
  const { body } = await ledger.ask('GET', `/v1/dispatches/${dispatchId}/events`)
  return body.events[0].metadata.correlationId
}

// The SDK is the process's own, so this comes first.
describe('without an OpenTelemetry SDK', () => {
  it('a caller’s trace id is the correlation id, and one is drawn where none came', async () => {
    const sent = await ledger.dispatch(sampleCommand({ occurrence: 'sent' }), traced)
    expect(await correlationOf(sent.body.dispatchId)).toBe(TRACE)
    const drawn = await ledger.dispatch(sampleCommand({ occurrence: 'drawn' }))
    expect(await correlationOf(drawn.body.dispatchId)).toMatch(/^(?!0{32})[0-9a-f]{32}$/)
  })
})

describe('with an OpenTelemetry SDK', () => {
  const exporter = new InMemorySpanExporter()
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  beforeAll(() => provider.register())
  afterAll(() => provider.shutdown())

  /** The finished spans of one trace, once its server span is among them. */
  const spansOf = (traceId: string) =>
    until(() => {
      const spans = exporter.getFinishedSpans().filter((it) => it.spanContext().traceId === traceId)
      return spans.some((it) => it.name.startsWith('POST ')) && spans
    })
  const named = (spans: readonly ReadableSpan[], name: string) =>
    spans.find((span) => span.name === name)

  it('a dry run is one tree that goes on from the span of its caller', async () => {
    const secret = sampleCommand({ params: { say: 'hush-hush' }, occurrence: 'tree' })
    expect((await ledger.dispatch(secret, traced)).status).toBe(201)
    const spans = await spansOf(TRACE)
    const server = named(spans, 'POST /v1/dispatches')
    expect(server?.parentSpanContext?.spanId).toBe(PARENT)
    const below = spans.filter((span) => span !== server)
    const parents = new Set(below.map((span) => span.parentSpanContext?.spanId))
    expect(parents).toEqual(new Set([server?.spanContext().spanId]))
    expect(below.map(nameOf)).toEqual([
      'load',
      'judge params',
      'judge executor',
      'judge read-only',
      'judge baseline',
      'execute',
      'append',
    ])
    expect(named(spans, 'append')?.attributes).toEqual({
      'ledger.events': 3,
      'ledger.append.outcome': 'appended',
    })
    expect(JSON.stringify(spans.map(({ attributes, events }) => [attributes, events]))).not.toMatch(
      /hush|dry"|dl_/,
    )
  })

  it('the trace id of a call without a traceparent is its correlation id', async () => {
    const { body } = await ledger.dispatch(sampleCommand({ occurrence: 'rooted' }))
    const spans = await spansOf(await correlationOf(body.dispatchId))
    expect(spans.map(nameOf)).toContain('append')
  })

  it('what failed has the code of its problem and no message', async () => {
    const headers = { traceparent: `00-${'f'.repeat(32)}-${PARENT}-01` }
    await ledger.dispatch(sampleCommand({ params: { throw: true } }), { headers })
    const spans = await spansOf('f'.repeat(32))
    expect(named(spans, 'execute')?.status).toEqual({ code: 2, message: 'unexpected' })
    expect(named(spans, 'POST /v1/dispatches')?.attributes).toMatchObject({
      'http.response.status_code': 502,
      'ledger.code': 'executor-failed',
    })
  })

  it('a batch of a read model is a span of its own', async () => {
    await ledger.dispatch(sampleCommand({ occurrence: 'projected' }))
    const batches = () => exporter.getFinishedSpans().filter((span) => span.name === 'project')
    const projections = () => batches().map((span) => span.attributes['ledger.projection'])
    await until(() => projections().includes('dispatches'))
  })
})

const nameOf = ({ name }: ReadableSpan): string => name
