import type { Answer, Ledger } from '../client/index.ts'
import {
  countRegistered,
  evidenceOf,
  exampleAt,
  explainAfter,
  outputOf,
  type Runner,
  recorded,
  type Step,
  showRegistered,
} from './demo-step.ts'
import { plainTable } from './read.ts'
import { showProblem } from './session.ts'

const command = exampleAt('iu-command')
const health = exampleAt('health-check')

/** Two runners on a real database: a command that would mutate, and checks that only look. */
export const databases = (): readonly Runner[] => [
  { name: 'iu-command', executor: 'sql-read', steps: commandSteps() },
  { name: 'health-check', executor: 'sql-read', steps: healthSteps() },
]

const commandSteps = (): readonly Step[] => [
  {
    name: 'iu-command',
    says: 'A second runner works on a database: commands that mutate. Here they are only asked what they would do.',
    expect: 201,
    ask: command.register(),
    show: showRegistered,
  },
  {
    name: 'iu-verify',
    says: 'Preflight: the SQL is one allowed SELECT, and the login can only read. Nothing was asked yet.',
    expect: 201,
    ask: command.dispatch('merge-zones', { mode: 'VERIFY_ONLY' }),
    show: recorded,
  },
  {
    name: 'iu-dry-run',
    says: 'What would the command do? The database says, gate by gate.',
    expect: 200,
    ask: command.dispatch('merge-zones', { mode: 'DRY_RUN' }),
    show: (answer) => `${recorded(answer)}\n    ${effectOf(answer)}`,
  },
  {
    name: 'iu-evidence',
    says: 'And why is it known that nothing was mutated?',
    expect: 200,
    ask: explainAfter(command.dispatch('merge-zones', { mode: 'DRY_RUN' })),
    show: evidenceOf,
  },
  {
    name: 'iu-would-fail',
    says: 'A zone that is not there: the database itself says no, and that is a result.',
    expect: 201,
    ask: command.dispatch('merge-missing-zone', { mode: 'DRY_RUN' }),
    show: (answer) => `${recorded(answer)}\n    ${errorOf(answer)}`,
  },
]

type Gate = Readonly<{ gate: string; required: string; seen: number; holds: boolean }>
type Effect = Readonly<{ gates: readonly Gate[]; effect: Record<string, Change> }>
type Change = Readonly<{ before: number; after: number }>

/** The gate snapshot of the command, and how many rows each table would have. */
function effectOf(answer: Answer): string {
  const { rows } = outputOf(answer) as { rows: readonly Effect[] }
  return rows
    .flatMap(({ gates, effect }) => [
      ...gates.map(
        ({ gate, required, seen, holds }) =>
          `${holds ? '✓' : '✗'} ${gate.padEnd(25)} required ${required}, seen ${seen}`,
      ),
      ...Object.entries(effect).map(
        ([table, { before, after }]) =>
          `  ${table.padEnd(25)} would have ${after} rows, has ${before}`,
      ),
    ])
    .join('\n    ')
}

const errorOf = (answer: Answer): string => {
  const { sqlstate, message } = (
    outputOf(answer) as { error: { sqlstate: string; message: string } }
  ).error
  return `${sqlstate} ${message}`
}

const healthSteps = (): readonly Step[] => [
  {
    name: 'health-check',
    says: 'A third runner: health checks, each a contract. No code knows one from another.',
    expect: 201,
    ask: health.register(),
    show: (answer) => `new       ${countRegistered(answer)}`,
  },
  {
    name: 'health-dry-runs',
    says: 'All of them, each in a transaction that cannot write, with its evidence.',
    expect: 200,
    async ask(ledger: Ledger) {
      const dispatches = health.commands('all.ndjson')
      return ledger.request('POST', '/v1/dispatches/batch', { dispatches })
    },
    show: showChecked,
    whyWrong(answer) {
      const refused = resultsOf(answer).filter((it) => it.status >= 300)
      return refused.length === 0 ? null : `${refused.length} checks were refused`
    },
  },
]

const resultsOf = ({ body }: Answer): readonly Answer[] =>
  (body as { results: readonly Answer[] }).results

type Row = Readonly<{ status?: string }>
type Checked = Readonly<{
  code?: string
  event: { data: { outputNamespace: string; verdict: string; output: { rows?: readonly Row[] } } }
}>

/** Where the login can do more than read, or nobody answers, all are refused for one reason. */
function showChecked(answer: Answer): string {
  const [refused] = resultsOf(answer).filter((it) => it.status >= 300)
  return refused === undefined ? tableOf(answer) : showProblem(refused)
}

function tableOf(answer: Answer): string {
  const table = plainTable(['    check', 'verdict', 'rows', 'worst'])
  for (const { body } of resultsOf(answer)) {
    const { outputNamespace, verdict, output } = (body as Checked).event.data
    const name = outputNamespace.split('/').at(-1) ?? ''
    table.push([`    ${name}`, verdict, String(output.rows?.length ?? 0), worstOf(output.rows)])
  }
  return table.toString()
}

const WORST_FIRST = ['critical', 'warning', 'unknown', 'ok']

const worstOf = (rows: readonly Row[] = []): string =>
  WORST_FIRST.find((status) => rows.some((row) => row.status === status)) ?? '-'
