import type { Gate, Reached } from '../../api.ts'
import { span } from '../../words.ts'

/** One event of a dispatch as the log has it. */
export type StreamEvent = Readonly<{
  id: string
  revision: number
  position: number
  type: 'Planned' | 'PreflightPassed' | 'DryRunRecorded' | 'Refused'
  recordedAt: string
  data: Readonly<Record<string, unknown>> & {
    readonly mode: string
    readonly code?: string
    readonly stage?: string
    readonly snapshot: Readonly<{ controlRevision: number }>
  }
  metadata: Readonly<{ actor: string; correlationId: string }>
  void?: true
}>

/** The same event with the gates that justified it, in plain words. */
export type Step = Readonly<{
  id: string
  gates: readonly Gate[]
  evidence: readonly Readonly<{ name: string; holds: boolean; says: string }>[]
}>

export type Dispatch = Readonly<{
  dispatchId: string
  digest: string
  command: Readonly<{
    contract: Readonly<{ id: string; version: number }>
    target: string
    params: Readonly<Record<string, unknown>>
    outputNamespace: string
    occurrence: string
  }>
  reached: Reached
  verdict: 'would_succeed' | 'would_fail' | null
  position: number
  pins: Readonly<Record<string, Readonly<{ sha256: string }>>> | null
}>

/** What a mode that is sent now is answered where nothing else changed: it is known, or it goes further. */
export function answerOf(mode: string, reached: Reached): string {
  const level = LEVELS.indexOf(reached)
  const wanted = MODES.indexOf(mode) + 1
  if (wanted === 0) return '403, always'
  if (wanted <= level) return '200 replayed, 0 events'
  return `judged, adds up to ${wanted - level} ${wanted - level === 1 ? 'event' : 'events'}`
}

const LEVELS: readonly Reached[] = [null, 'Planned', 'PreflightPassed', 'DryRunRecorded']
const MODES = ['PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN']

/** A point of the staircase: what an event did to how far the dispatch got. */
export type StairPoint = Readonly<{
  event: StreamEvent
  /** 0 for nothing up to 3 for DryRunRecorded, after the event. */
  level: number
  refused: boolean
  /** Since the event before, in words; the day for the first. */
  gap: string
}>

/** The furthest point reached, event by event. A refusal never moves it, and a void event is none. */
export function staircase(events: readonly StreamEvent[]): readonly StairPoint[] {
  let level = 0
  return events.map((event, at) => {
    const refused = event.type === 'Refused'
    if (!refused && event.void !== true) level = LEVELS.indexOf(event.type)
    const before = events[at - 1]
    const gap =
      before === undefined
        ? event.recordedAt.slice(0, 10)
        : `+${span(Date.parse(event.recordedAt) - Date.parse(before.recordedAt))}`
    return { event, level, refused, gap }
  })
}

/** One sentence on what an event says. The name of a code is said where a title is known. */
export function said(event: StreamEvent, title: string | undefined): string {
  const { type, data } = event
  if (event.void === true) {
    return `Judged at control revision ${data.snapshot.controlRevision}, but a control event stands before it in the log. It counts for nothing; the call was judged again.`
  }
  switch (type) {
    case 'Planned':
      return `${data.mode} was asked. The admission gates passed; contract, fixture and target are pinned by digest.`
    case 'PreflightPassed':
      return `${data.mode} went on from the plan. The executor is shown unable to write.`
    case 'DryRunRecorded':
      return data['verdict'] === 'would_fail'
        ? 'The dry run was really invoked, and the target gave a definite no. This is a result, recorded for ever.'
        : 'The dry run was really invoked and would succeed. The evidence shows that nothing changed.'
    case 'Refused':
      return `${data.mode} was refused at ${data.stage ?? 'a gate'}. ${title ?? data.code ?? ''}.`
  }
}

/** What the buttons copy. A key is never in it: the shell adds it. */
export const curlOf = (origin: string, dispatchId: string): string =>
  `curl -s ${origin}/v1/dispatches/${dispatchId} -H "Authorization: Bearer $LEDGER_KEY"`
export const cliOf = (dispatchId: string): string => `dispatch-ledger show ${dispatchId}`
export const typescriptOf = (origin: string, dispatchId: string): string =>
  `import { connect } from 'dispatch-ledger/client'

const ledger = connect({ url: '${origin}', key: process.env.LEDGER_KEY })
const { body } = await ledger.request('GET', '/v1/dispatches/${dispatchId}')
`
