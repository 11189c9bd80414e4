import type { Answer, Ledger } from '../client/index.ts'
import { exampleAt, type Runner, recorded, type Step, showRegistered } from './demo-step.ts'

const setSwitch = (state: string, reason: string) => (ledger: Ledger) =>
  ledger.request('PUT', '/v1/switch/global', { state, reason })

const inForce = ({ body }: Answer): string => {
  const { state, position } = body as { state: string; position: number }
  return `switch    ${state}, in force from position ${position}`
}

const { dispatch, commandOf, register } = exampleAt('iu-cutter')

/** The life of a dispatch, in the simulator: iu-cutter cuts a document. */
export const cutter = (): Runner => ({
  name: 'iu-cutter',
  executor: 'simulator',
  steps: [...opening(), ...lifeCycle(), ...refusals(), ...reading()],
})

const opening = (): readonly Step[] => [
  {
    name: 'unset',
    says: 'A fresh ledger refuses everything: its kill switch was never set.',
    expect: 503,
    ask: dispatch('cut-section', { mode: 'DRY_RUN' }),
    show: recorded,
  },
  {
    name: 'switch',
    says: 'An operator sets it.',
    expect: 200,
    ask: setSwitch('DRY_RUN_ONLY', 'the demo begins'),
    show: inForce,
  },
  {
    name: 'catalogue',
    says: 'Its owner registers a contract, its fixture and its target; 26 golden cases must hold.',
    expect: 201,
    ask: register(),
    show: showRegistered,
  },
]

const lifeCycle = (): readonly Step[] => [
  {
    name: 'plan',
    says: 'A service plans a cut of RFC 6962 into its sections.',
    expect: 201,
    ask: dispatch('cut-all', { mode: 'PLAN_ONLY' }),
    show: recorded,
  },
  {
    name: 'verify',
    says: 'The same command goes further: preflight.',
    expect: 200,
    ask: dispatch('cut-all', { mode: 'VERIFY_ONLY' }),
    show: recorded,
  },
  {
    name: 'dry-run',
    says: 'It really runs, in the simulator, and leaves evidence.',
    expect: 200,
    ask: dispatch('cut-all', { mode: 'DRY_RUN' }),
    show: (answer) => `${recorded(answer)}\n    ${unitsOf(answer)}`,
  },
  {
    name: 'repeat',
    says: 'The same command again: same id, no event, nothing runs.',
    expect: 200,
    ask: dispatch('cut-all', { mode: 'DRY_RUN' }),
    show: recorded,
  },
  {
    name: 'would-fail',
    says: 'A section that the document does not have: a result too, recorded for ever.',
    expect: 201,
    ask: dispatch('cut-missing-section', { mode: 'DRY_RUN' }),
    show: recorded,
  },
  {
    name: 'explain',
    says: 'What would another command be answered? Nothing is recorded.',
    expect: 200,
    async ask(ledger) {
      return ledger.request('POST', '/v1/explain', await commandOf('cut-chapters'))
    },
    show: ({ body }) => `would answer: ${(body as { wouldAnswer: string }).wouldAnswer}`,
  },
]

function unitsOf({ body }: Answer): string {
  const { output } = (body as { event: { data: { output: { units: { title: string }[] } } } }).event
    .data
  return `${output.units.length} units, from “${output.units[0]?.title}” to “${output.units.at(-1)?.title}”`
}

const refusals = (): readonly Step[] => [
  {
    name: 'real-run',
    says: 'A real run is never authorized. There is nothing that could carry it out.',
    expect: 403,
    ask: dispatch('cut-all', { mode: 'REAL_RUN' }),
    show: recorded,
  },
  {
    name: 'production',
    says: 'Output goes to a dry-run namespace, or nowhere.',
    expect: 403,
    ask: dispatch('cut-all', { outputNamespace: 'PROD:iu-cutter' }),
    show: recorded,
  },
  {
    name: 'halt',
    says: 'An operator halts everything.',
    expect: 200,
    ask: setSwitch('HALTED', 'the demo shows the switch'),
    show: inForce,
  },
  {
    name: 'halted',
    says: 'Now even what is recorded already is refused.',
    expect: 423,
    ask: dispatch('cut-all', { mode: 'DRY_RUN' }),
    show: recorded,
  },
  {
    name: 'resume',
    says: 'The operator releases it.',
    expect: 200,
    ask: setSwitch('DRY_RUN_ONLY', 'the demo goes on'),
    show: inForce,
  },
]

const reading = (): readonly Step[] => [
  {
    name: 'replay',
    says: 'And the recorded answer is there again.',
    expect: 200,
    ask: dispatch('cut-all', { mode: 'DRY_RUN' }),
    show: recorded,
  },
  {
    name: 'list',
    says: 'Analysts read it from Postgres; this is the same read model over HTTP.',
    expect: 200,
    async ask(ledger) {
      const { position } = await ledger.request('GET', '/v1/switch')
      return ledger.request('GET', `/v1/dispatches?minPosition=${position}`)
    },
    show: ({ body }) =>
      (body as { dispatches: Record<string, string | null>[] }).dispatches
        .map(
          (it) =>
            `${it['dispatchId']}  ${it['reached'] ?? '-'}  ${it['verdict'] ?? it['lastRefusal']}`,
        )
        .join('\n    '),
  },
]
