import type { Plan } from '../../../domain/dispatch/plan.ts'
import type { HttpAllow } from '../../http-allow.ts'
import type { Executor } from '../../ports.ts'
import type { Dial } from './connector.ts'
import { planOfCrossCheck } from './cross-check.ts'
import { createGuard, type Guard, type Lookup, systemLookup } from './guard.ts'
import { invoke } from './invoke.ts'
import type { Answer, Asked, Lane } from './lane.ts'
import { createOrigins } from './origins.ts'
import { type HttpTarget, requestOf, sendsMarker } from './request.ts'
import { startTime, type Time } from './time.ts'

export type HttpOptions = Readonly<{
  /** Where requests may go. */
  allow: HttpAllow
  /** Asks the databases of cross-checks. */
  reader: Executor
  /** How names are resolved. */
  lookup?: Lookup
  /** How an address is connected to, once it was judged. */
  dial?: Dial
}>

/**
 * The executor of type `http`: the one request of a contract, sent to the origin of a target.
 *
 * Trust: it goes only where the operator allows, and asks for no change, or is told by the answer
 * that none was kept. It cannot see what a service does behind its answer: a service that lies in
 * its marker is seen by a cross-check of its database, where the target has one.
 *
 * | failure  | code            | the run gave no report because |
 * |----------|-----------------|---|
 * | threw    | no-program      | the contract's program is no request, or a pointer finds nothing usable |
 * | threw    | no-marker       | it would be a POST, and the target declares no marker |
 * | threw    | sends-marker    | the request itself holds the marker |
 * | threw    | no-address      | the name of the origin cannot be resolved |
 * | threw    | address-refused | an address of the origin may not be reached |
 * | threw    | no-connection   | nobody takes the connection |
 * | threw    | tls             | the certificate does not hold |
 * | threw    | connection-lost | the connection broke before the answer was complete |
 * | threw    | malformed       | what came is no answer of HTTP |
 * | threw    | status-<code>   | a definite answer has another status |
 * | threw    | cross-check     | the database behind the service could not be looked at, so nothing was sent |
 * | timeout  | time            | it took longer than the plan allows |
 * | timeout  | aborted         | the caller gave up |
 * | limit    | request         | the body to be sent is too long |
 * | limit    | headers, output | the answer is longer than the plan, or anybody, allows |
 * | not-json | content-encoding, not-utf-8, or a code of errors.md | the ledger cannot keep the body as it came |
 */
export function createHttp({
  allow,
  reader,
  lookup = systemLookup,
  dial,
}: HttpOptions): Executor & { close(): Promise<void> } {
  const guard = createGuard(allow, lookup)
  const origins = createOrigins(laneMaker(guard, dial))
  const send = async (plan: Plan, asked: Asked, time: Time): Promise<Answer> => {
    const { origin } = plan.target as HttpTarget
    const taken = origins.take(origin)
    const lane = taken instanceof Promise ? await taken : taken
    try {
      const answer = await lane.ask(asked, plan.limits.outputBytes, time)
      if (answer.body === null) lane.close()
      else origins.giveBack(origin, lane)
      return answer
    } catch (error) {
      lane.close()
      throw error
    }
  }
  return {
    type: 'http',
    sideEffects: 'none',
    build: 1,
    io: true,
    async facts(plan) {
      const { origin, crossCheck } = plan.target as HttpTarget
      const { by } = await guard(origin)
      const isChecked = by !== null && crossCheck !== undefined
      return {
        origin: { allowed: by !== null, by: by ?? [] },
        sendsMarker: sendsMarker(plan),
        crossCheck: isChecked ? await reader.facts(planOfCrossCheck(plan, crossCheck)) : null,
      }
    },
    async dryRun(plan, signal) {
      const begun = performance.now()
      const asked = requestOf(plan)
      const time = startTime(plan.limits.timeMs, signal)
      try {
        const sending = { method: asked.method, send: () => send(plan, asked, time) }
        const report = await invoke(plan, sending, { reader, time })
        return { ...report, stats: { durationMs: performance.now() - begun } }
      } finally {
        time.end()
      }
    },
    async close() {
      origins.close()
    },
  }
}

/** undici takes a while to load: a ledger that asks no service never does. */
function laneMaker(guard: Guard, dial: Dial | undefined): (origin: string) => Promise<Lane> {
  let making: Promise<(origin: string) => Lane> | null = null
  const load = async () => {
    const [{ createLane }, { verifyingDial }] = await Promise.all([
      import('./lane.ts'),
      import('./dial.ts'),
    ])
    const connecting = { guard, dial: dial ?? verifyingDial() }
    return (origin: string) => createLane(origin, connecting)
  }
  return async (origin) => {
    making ??= load()
    return (await making)(origin)
  }
}
