import type { Plan } from '../../../domain/dispatch/plan.ts'
import type { Verdict } from '../../../domain/events.ts'
import { LIMITS } from '../../../domain/limits.ts'
import { type Evidence, type Executor, ExecutorFailure, type Report } from '../../ports.ts'
import { within } from '../../within.ts'
import { bodyOf, type MarkerSeen, seeMarker } from './answer.ts'
import { isUnchanged, type Look, look, planOfCrossCheck, unchangedEvidence } from './cross-check.ts'
import type { Answer } from './lane.ts'
import { isSafe } from './request.ts'
import type { Time } from './time.ts'

/** One request that is ready to go: `send` sends it, once. */
export type Sending = Readonly<{ method: string; send(): Promise<Answer> }>
type Ports = Readonly<{ reader: Executor; time: Time }>
type Dry = Omit<Report, 'stats'>

/**
 * Sends one request and says what its answer shows. Whatever shows that something was changed, or
 * does not show that nothing was, is reported as it was seen; what shows neither is a failure.
 */
export async function invoke(plan: Plan, sending: Sending, ports: Ports): Promise<Dry> {
  const seen = await sendBetweenLooks(plan, sending, ports)
  const { answer, looks } = seen
  if (answer instanceof ExecutorFailure && !isChanged(looks)) throw answer
  const marker = markerIn(plan, answer)
  const evidence = evidenceOf(sending.method, marker, seen)
  const { dryRunProven, sourceUnchanged } = evidence
  if (
    answer instanceof ExecutorFailure ||
    !dryRunProven?.holds ||
    sourceUnchanged?.holds === false
  ) {
    // Of an answer that may be a lie nothing is kept.
    return { verdict: 'would_fail', output: null, evidence }
  }
  const verdict = verdictOf(answer.status, marker)
  return { verdict, output: { status: answer.status, body: bodyOf(answer) }, evidence }
}

const isChanged = (looks: Looks | null): boolean =>
  looks !== null && looks.after !== null && !isUnchanged(looks.before, looks.after)

/** `after` is null where the database could not be looked at again. */
type Looks = Readonly<{ before: Look; after: Look | null }>
type Seen = Readonly<{ answer: Answer | ExecutorFailure; looks: Looks | null }>

/** Looks at the database behind the service before and after, where the target has a cross-check. */
async function sendBetweenLooks(
  plan: Plan,
  { send }: Sending,
  { reader, time }: Ports,
): Promise<Seen> {
  const { crossCheck } = plan.target
  if (crossCheck === undefined) return { answer: await send().catch(asFailure), looks: null }
  const checking = planOfCrossCheck(plan, crossCheck)
  const before = await lookBefore(reader, checking, time)
  const answer = await send().catch(asFailure)
  const after = await lookAfter(reader, checking)
  return { answer, looks: { before, after } }
}

/** Also when the time is over: what a request did before it was given up has to be seen. */
async function lookAfter(reader: Executor, checking: Plan): Promise<Look | null> {
  const controller = new AbortController()
  const looking = look(reader, checking, controller.signal).catch(() => null)
  return within<Look | null>(LIMITS.crossCheckTimeMs, looking, () => {
    controller.abort()
    return null
  })
}

async function lookBefore(reader: Executor, checking: Plan, time: Time): Promise<Look> {
  const controller = new AbortController()
  time.whenOver(() => controller.abort())
  try {
    return await look(reader, checking, controller.signal)
  } catch (cause) {
    throw time.over() ?? new ExecutorFailure('threw', 'cross-check', { cause })
  }
}

function asFailure(error: unknown): ExecutorFailure {
  if (error instanceof ExecutorFailure) return error
  throw error
}

/** Null where the target declares none. */
function markerIn({ target }: Plan, answer: Seen['answer']): MarkerSeen | null {
  if (target.marker === undefined) return null
  return answer instanceof ExecutorFailure ? 'absent' : seeMarker(target.marker, answer)
}

function evidenceOf(method: string, marker: MarkerSeen | null, { answer, looks }: Seen): Evidence {
  const isAnswer = !(answer instanceof ExecutorFailure)
  const status = isAnswer ? answer.status : null
  const { judged = null, connected = null } = (isAnswer ? answer.pinned : null) ?? {}
  return {
    dryRunProven: { holds: isSafe(method) || marker === 'as declared', seen: { method, marker } },
    addressPinned: { holds: judged !== null && judged === connected, seen: { judged, connected } },
    notRedirected: { holds: status !== null && !isRedirect(status), seen: { status } },
    ...(looks && { sourceUnchanged: unchangedEvidence(looks.before, looks.after) }),
  }
}

const isRedirect = (status: number): boolean => status >= 300 && status < 400

/** A "no" counts only with the marker: without it, it may come from anybody on the way. */
function verdictOf(status: number, marker: MarkerSeen | null): Verdict {
  if (status >= 200 && status < 300) return 'would_succeed'
  if (status >= 400 && status < 500 && marker === 'as declared') return 'would_fail'
  throw new ExecutorFailure('threw', `status-${status}`)
}
