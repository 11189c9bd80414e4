import type { WhoMustAct } from './api.ts'

/** How figures, times and people are written. Times are UTC. */

export const num = (value: number): string => value.toLocaleString('en-US')

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${num(count)} ${count === 1 ? one : many}`

/** 17:40 */
export const minute = (iso: string): string => iso.slice(11, 16)
/** 17:40:11 */
export const clock = (iso: string): string => iso.slice(11, 19)
/** 17:40:11.257 */
export const clockMs = (iso: string): string => iso.slice(11, 23)
/** 2026-11-22 17:40:11.257 */
export const dayAndClock = (iso: string): string => `${iso.slice(0, 10)} ${clockMs(iso)}`
/** 11-22 17:40 */
export const shortTime = (iso: string): string => `${iso.slice(5, 10)} ${minute(iso)}`

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A length of time in the largest two units that say something: 350 ms, 2.0 s, 3 min 46 s, 2 d 9 h. */
export function span(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < MINUTE) return `${(ms / SECOND).toFixed(1)} s`
  if (ms < HOUR) return inTwo(ms, [MINUTE, 'min'], [SECOND, 's'])
  if (ms < DAY) return inTwo(ms, [HOUR, 'h'], [MINUTE, 'min'])
  return inTwo(ms, [DAY, 'd'], [HOUR, 'h'])
}

function inTwo(ms: number, [large, one]: [number, string], [small, two]: [number, string]): string {
  const rest = Math.floor((ms % large) / small)
  return `${Math.floor(ms / large)} ${one}${rest === 0 ? '' : ` ${rest} ${two}`}`
}

const WHO: Readonly<Record<WhoMustAct, string>> = {
  caller: 'Caller',
  operator: 'Operator',
  'catalogue-owner': 'Catalogue owner',
  nobody: 'Nobody',
}

export const whoActs = (who: WhoMustAct): string => WHO[who]

/** In two words, beside a figure: who acts, or what follows where nobody can. */
export const whoActsShort = (who: WhoMustAct, retryable: boolean): string => {
  if (who !== 'nobody') return WHO[who].toLowerCase()
  return retryable ? 'send again' : 'never passes'
}

/** A whole sentence: who must act, and what then helps. */
export function whoActsSentence(who: WhoMustAct, retryable: boolean): string {
  if (who === 'nobody')
    return retryable ? 'Nobody must act; send it again.' : 'Nobody can change this.'
  return `The ${WHO[who].toLowerCase()} must act.`
}

/** The nine rules and rule 0, as people call them. */
export const RULE_NAMES: readonly string[] = [
  'Real no-mutation invocation',
  'Mode, REAL_RUN gated off',
  'Kill switch',
  'Dry-run isolation',
  'Read-only guard',
  'Stable idempotency',
  'Output namespace',
  'Fail closed',
  'Preflight',
  'No evidence, did not happen',
]

/** An id as a row has room for: 13 characters and the last 4. */
export const shortId = (id: string): readonly [string, string] => [id.slice(0, 13), id.slice(-4)]

/** `key:ops-lan-0c4e` is written without its kind. */
export const actorName = (actor: string): string => actor.replace(/^key:/, '')
