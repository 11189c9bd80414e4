import type { GateOutcome } from '../api.ts'
import { isIndeterminate } from './codes.ts'
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

export function CodePill({ code }: Readonly<{ code: string }>) {
  return <Pill kind={isIndeterminate(code) ? 'indeterminate' : 'refused'} text={code} />
}
