import { existsSync } from 'node:fs'
import { isDispatchId } from '../identity.ts'
import { EXIT, exitOf } from './exit.ts'
import { readCommands } from './read-commands.ts'
import { type CommonOptions, openSession, print } from './session.ts'

/** A file: would its commands pass now? An id: why does that dispatch stand where it stands? */
export async function explain(what: string, options: CommonOptions): Promise<number> {
  const ledger = openSession(options)
  if (isDispatchId(what) && !existsSync(what)) {
    const answer = await ledger.request('GET', `/v1/dispatches/${what}/explain`)
    print(options, answer, showWhy)
    return exitOf(answer)
  }
  let exit = 0
  for (const command of readCommands(what)) {
    const answer = await ledger.request('POST', '/v1/explain', { mode: 'DRY_RUN', ...command })
    print(options, answer, showExplanation)
    exit = Math.max(exit, answer.status < 300 ? exitOfExplanation(answer.body) : exitOf(answer))
  }
  return exit
}

const PASSING = ['created', 'advanced', 'replayed']

function exitOfExplanation(body: unknown): number {
  const { wouldAnswer } = body as Explanation
  if (PASSING.includes(wouldAnswer)) return EXIT.yes
  return wouldAnswer.endsWith('indeterminate') ? EXIT.unknown : EXIT.no
}

type Gate = Readonly<{ gate: string; rule: number; outcome: string; says: string }>
type Explanation = Readonly<{ dispatchId: string; wouldAnswer: string; gates: readonly Gate[] }>

const MARKS: Readonly<Record<string, string>> = { pass: '✓', fail: '✗', indeterminate: '?' }

export const showGate = ({ gate, rule, outcome, says }: Gate): string =>
  `  ${MARKS[outcome] ?? '·'} ${gate.padEnd(12)} rule ${rule}  ${says}`

const showExplanation = ({ dispatchId, wouldAnswer, gates }: Explanation): string =>
  [`${dispatchId} would answer: ${wouldAnswer}`, ...gates.map(showGate)].join('\n')

type Why = Readonly<{
  dispatchId: string
  reached: string | null
  steps: readonly Readonly<{
    type: string
    code?: string
    void?: true
    position: number
    recordedAt: string
    gates: readonly Gate[]
    evidence: readonly Readonly<{ name: string; holds: boolean; says: string }>[]
  }>[]
}>

export const showWhy = ({ dispatchId, reached, steps }: Why): string =>
  [
    `${dispatchId} reached ${reached ?? 'nothing'}`,
    ...steps.flatMap((step, index) => showStep(step, steps[index - 1])),
  ].join('\n')

type Step = Why['steps'][number]

const NAME_WIDTH = 10

/** One line for each piece of evidence. */
export function showEvidence(evidence: Step['evidence']): string[] {
  const width = Math.max(NAME_WIDTH, ...evidence.map(({ name }) => name.length))
  return evidence.map(
    ({ name, holds, says }) => `${holds ? '✓' : '✗'} ${name.padEnd(width)} ${says}`,
  )
}

function showStep(step: Step, before: Step | undefined): string[] {
  const { type, code, position, recordedAt, gates, evidence } = step
  return [
    `${type}${code === undefined ? '' : ` ${code}`}  position ${position}, ${recordedAt}`,
    ...(step.void ? ['  void: a control event overtook it, and it counts for nothing'] : []),
    ...showGates(gates, before?.gates.length ?? 0),
    ...showEvidence(evidence).map((line) => `    ${line}`),
  ]
}

/** Gates that the event before shows already, and that passed again, take one line. */
function showGates(gates: readonly Gate[], known: number): string[] {
  const again = gates.slice(0, known)
  const passed = again.length === known && again.every((it) => it.outcome === 'pass')
  if (known === 0 || !passed || gates.length === known) return gates.map(showGate)
  return [`  ✓ the ${known} gates above passed again`, ...gates.slice(known).map(showGate)]
}
