import type { Recorded } from '../../../domain/events.ts'
import { CONTROL_STREAM } from '../../../domain/identity.ts'
import { LIMITS } from '../../../domain/limits.ts'
import { isVoid } from '../../../domain/void.ts'
import { LedgerError } from '../../errors.ts'
import type { Appended, Conflict, ControlAppend, DispatchAppend, Stale } from '../../ports.ts'
import { Turns } from '../../turns.ts'
import type { ControlTail } from './control.ts'
import { failureOf } from './failure.ts'
import { readStream } from './read.ts'
import { type Append, appendedAt, createSender, type SendPorts } from './send.ts'

/** More at a time only wait longer: the server takes them one after the other. */
const IN_FLIGHT_MAX = 64
const WAITING_MAX = 50_000

/** The calls at one stream, and the last append that went in since the first of them came. */
type Queue = { calls: number; last: { callId: string; revision: number } | null }

type Send = (append: Append) => Promise<Appended | Conflict>
type FencePorts = SendPorts & Readonly<{ control: ControlTail; send: Send }>

/** Appends that are fenced: see `appendFenced`. An append to `control` waits for none of them. */
export function createAppends(ports: SendPorts & Readonly<{ control: ControlTail }>) {
  const limits = { waiting: WAITING_MAX, waitMs: LIMITS.statementTimeMs, tooMany }
  const streams = new Turns({ working: 1, ...limits })
  const places = new Turns({ working: IN_FLIGHT_MAX, ...limits })
  const queues = new Map<string, Queue>()
  const send = createSender(ports)
  const sendInPlace: Send = async (append) => {
    const leave = await places.take('dispatches')
    return send(append).finally(leave)
  }
  return {
    async appendDispatch(append: DispatchAppend): Promise<Appended | Conflict | Stale> {
      assertJudged(append)
      assertEvents(append)
      const { stream, controlRevision } = append
      return inQueue(queues, stream, async (queue) => {
        const endTurn = await streams.take(stream)
        try {
          const overtaken = overtakenIn(queue, append)
          if (overtaken !== null) return overtaken
          const sent =
            controlRevision === null
              ? await sendInPlace(append)
              : await appendFenced({ ...ports, send: sendInPlace }, append, controlRevision)
          if (sent.outcome === 'appended') note(queue, append)
          return sent
        } finally {
          endTurn()
        }
      })
    },
    async appendControl(append: ControlAppend): Promise<Appended | Conflict> {
      assertEvents(append)
      const endTurn = await streams.take(CONTROL_STREAM)
      try {
        const sent = await send({ ...append, stream: CONTROL_STREAM })
        // From here on this process judges by it, and sends nothing that it overtook.
        if (sent.outcome === 'appended') await ports.control.read().catch(() => undefined)
        return sent
      } finally {
        endTurn()
      }
    },
  }
}

async function inQueue<T>(
  queues: Map<string, Queue>,
  stream: string,
  work: (queue: Queue) => Promise<T>,
): Promise<T> {
  const queue = queues.get(stream) ?? { calls: 0, last: null }
  queues.set(stream, queue)
  queue.calls += 1
  try {
    return await work(queue)
  } finally {
    queue.calls -= 1
    if (queue.calls === 0) queues.delete(stream)
  }
}

function note(queue: Queue, { callId, expected, events }: DispatchAppend): void {
  queue.last = { callId, revision: expected + events.length }
}

/** Of a thousand equal calls one goes in: the others need not ask the server one after the other. */
function overtakenIn({ last }: Queue, { callId, expected }: DispatchAppend): Conflict | null {
  if (last === null || last.callId === callId || last.revision <= expected) return null
  return { outcome: 'conflict', revision: last.revision }
}

/**
 * An append that a control event may overtake: the server cannot look before it writes. So it is not
 * sent where the end of `control`, as known here, is another than it was judged at; and once it is
 * in, the end of `control` is read, and what was overtaken is void: `stale`.
 */
async function appendFenced(
  ports: FencePorts,
  append: DispatchAppend,
  judgedAt: number,
): Promise<Appended | Conflict | Stale> {
  const { control, send } = ports
  if (control.known().revision < judgedAt) await control.read()
  if (control.known().revision !== judgedAt) return settleOvertaken(ports, append)
  const sent = await send(append)
  if (sent.outcome !== 'appended') return sent
  // No control event that came before it can be missing now.
  const { revision } = await control.read()
  const next = control.positionOf(judgedAt + 1)
  const overtaken = next !== undefined && next < sent.position
  return overtaken ? { outcome: 'stale', controlRevision: revision } : sent
}

/** It is not sent any more; but it may have been before, and its answer lost. */
async function settleOvertaken(
  { control, source }: FencePorts,
  append: DispatchAppend,
): Promise<Appended | Conflict | Stale> {
  const { stream, expected } = append
  const stored = await readStream(source, stream, 0).catch((error: unknown) => {
    throw failureOf(error, 'unknown')
  })
  const stale: Stale = { outcome: 'stale', controlRevision: (await control.read()).revision }
  const known = appendedAt(append, stored)
  const first = stored[expected + 1] as Recorded
  if (known !== null) return isVoid(first, control.positionOf) ? stale : known
  const revision = stored.length - 1
  return revision === expected ? stale : { outcome: 'conflict', revision }
}

function assertEvents({ events }: ControlAppend): void {
  if (events.length === 0) throw new Error('an append needs an event')
}

function assertJudged({ events, controlRevision }: DispatchAppend): void {
  if (events.every((event) => event.type === 'Refused') !== (controlRevision === null)) {
    throw new Error('only refusals are appended without a control revision')
  }
}

const tooMany = (): LedgerError =>
  new LedgerError('store-unavailable', 'Too many requests wait for the store')
