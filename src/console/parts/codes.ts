/** Codes of refusals that could not tell: amber, where the others are red. */
const COULD_NOT_TELL: readonly string[] = [
  'kill-switch-indeterminate',
  'gate-indeterminate',
  'executor-failed',
  'executor-timeout',
]

export const isIndeterminate = (code: string): boolean => COULD_NOT_TELL.includes(code)
