import { LedgerError } from './errors.ts'

export type Grouping<Q, R> = Readonly<{
  /** Groups under way at a time. */
  lanes: number
  /** Requests in one group at most. */
  sizeMax: number
  /** What a group carries at most; a heavier request goes alone. Left out, nothing weighs. */
  weight?: Readonly<{ max: number; of(request: Q): number }>
  /** Two requests of one key never go in the same group. Left out, any may. */
  keyOf?(request: Q): string
  /** Answers in the order of the requests. */
  send(requests: readonly [Q, ...Q[]]): Promise<readonly R[]>
  /** Whether one of the requests may be the culprit, so that the others can go without it. */
  isAboutData?(error: unknown): boolean
}>

type Waiting<Q, R> = Readonly<{
  request: Q
  resolve: (answer: R) => void
  reject: (reason: unknown) => void
}>
type Group<Q, R> = readonly [Waiting<Q, R>, ...Waiting<Q, R>[]]

/** More than the door lets in at a time. */
const WAITING_MAX = 50_000

/**
 * Group commit, without a timer: what comes in one turn of the event loop leaves at its end, and
 * what comes while every lane is busy leaves together as soon as one is free.
 *
 * A group that fails on data is repeated one request at a time, so that only the culprit fails.
 * Any other failure is everybody's.
 */
export function inGroups<Q, R>(grouping: Grouping<Q, R>): (request: Q) => Promise<R> {
  const waiting: Waiting<Q, R>[] = []
  let busy = 0
  let leaving = false
  const leave = (): void => {
    leaving = false
    while (busy < grouping.lanes) {
      const group = takeGroup(waiting, grouping)
      if (group === null) return
      busy += 1
      void settle(grouping, group).finally(() => {
        busy -= 1
        leave()
      })
    }
  }
  return (request) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= WAITING_MAX) {
        return reject(new LedgerError('store-unavailable', 'Too many requests wait for the store'))
      }
      waiting.push({ request, resolve, reject })
      if (leaving || busy === grouping.lanes) return
      leaving = true
      setImmediate(leave)
    })
}

const WEIGHTLESS = { max: 1, of: () => 0 }

/** Takes the first requests that may travel together; the rest keeps its order. */
function takeGroup<Q, R>(
  waiting: Waiting<Q, R>[],
  { sizeMax, weight = WEIGHTLESS, keyOf }: Grouping<Q, R>,
): Group<Q, R> | null {
  const group: Waiting<Q, R>[] = []
  const left: Waiting<Q, R>[] = []
  const keys = new Set<string>()
  let carried = 0
  let looked = 0
  for (; looked < waiting.length && group.length < sizeMax && carried < weight.max; looked++) {
    const next = waiting[looked] as Waiting<Q, R>
    const key = keyOf?.(next.request)
    const fits = group.length === 0 || carried + weight.of(next.request) <= weight.max
    if (!fits || (key !== undefined && keys.has(key))) {
      left.push(next)
      continue
    }
    if (key !== undefined) keys.add(key)
    carried += weight.of(next.request)
    group.push(next)
  }
  waiting.splice(0, looked, ...left)
  const [first, ...others] = group
  return first === undefined ? null : [first, ...others]
}

async function settle<Q, R>(grouping: Grouping<Q, R>, group: Group<Q, R>): Promise<void> {
  try {
    const [first, ...others] = group.map((it) => it.request)
    const answers = await grouping.send([first as Q, ...others])
    if (answers.length !== group.length) throw new Error('a group came back with other answers')
    for (const [index, it] of group.entries()) it.resolve(answers[index] as R)
  } catch (error) {
    if (group.length === 1 || grouping.isAboutData?.(error) !== true) {
      for (const it of group) it.reject(error)
      return
    }
    for (const it of group) await settle(grouping, [it])
  }
}
