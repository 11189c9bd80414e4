import type { GateOutcome } from '../api.ts'
import { Icon, type IconName } from './icon.tsx'

export type PillKind =
  | 'created'
  | 'advanced'
  | 'replayed'
  | 'refused'
  | 'void'
  | 'would_succeed'
  | 'would_fail'
  | GateOutcome

/** The mark says what the colour says. */
const MARKS: Readonly<Record<PillKind, IconName>> = {
  created: 'plus',
  advanced: 'right',
  replayed: 'undo',
  refused: 'cross',
  void: 'dash',
  pass: 'check',
  fail: 'cross',
  indeterminate: 'question',
  not_evaluated: 'dash',
  would_succeed: 'check',
  would_fail: 'dash',
}

export function Pill({ kind, text = kind }: Readonly<{ kind: PillKind; text?: string }>) {
  return (
    <span class={`pill is-${kind}`}>
      <Icon name={MARKS[kind]} />
      {text}
    </span>
  )
}

/** Codes of refusals that could not tell: amber, where the others are red. */
const COULD_NOT_TELL: readonly string[] = [
  'kill-switch-indeterminate',
  'gate-indeterminate',
  'executor-failed',
  'executor-timeout',
]

export const isIndeterminate = (code: string): boolean => COULD_NOT_TELL.includes(code)

export function CodePill({ code }: Readonly<{ code: string }>) {
  return <Pill kind={isIndeterminate(code) ? 'indeterminate' : 'refused'} text={code} />
}
