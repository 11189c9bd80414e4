import type { JsonObject } from '../../domain/json.ts'
import type { Answer, Ledger } from '../client/index.ts'
import {
  evidenceOf,
  exampleAt,
  explainAfter,
  outputOf,
  type Runner,
  recorded,
  type Step,
  showRegistered,
} from './demo-step.ts'

const { dispatch, register } = exampleAt('agent-api')
const dryRun = (command: string) => dispatch(command, { mode: 'DRY_RUN' })

/** Origins by the ids of targets; the lying twin is the same one under both of its ids. */
export type Origins = Readonly<Record<string, string>>

/** The fourth runner: services, asked over HTTP, that must prove that they were dry. */
export const agentApi = (origins: Origins): Runner => ({
  name: 'agent-api',
  executor: 'http',
  steps: [...honest(origins), ...forgetful(), ...lying()],
})

const honest = (origins: Origins): readonly Step[] => [
  {
    name: 'agent-api',
    says: 'A fourth runner asks services over HTTP. This one undoes what a dry run did, and says so.',
    expect: 201,
    ask: register(at(origins)),
    show: showRegistered,
  },
  {
    name: 'agent-dry-run',
    says: 'The service really renames a user, in a transaction that it rolls back.',
    expect: 201,
    ask: dryRun('rename-user'),
    show: withBody,
  },
  {
    name: 'agent-read',
    says: 'And the user has the old name.',
    expect: 201,
    ask: dryRun('read-user'),
    show: withBody,
    whyWrong: (answer) => (bodyOf(answer)['name'] === 'Ada' ? null : 'the user was renamed'),
  },
  {
    name: 'agent-evidence',
    says: 'Why is it known that nothing was mutated?',
    expect: 200,
    ask: explainAfter(dryRun('rename-user')),
    show: evidenceOf,
  },
  {
    name: 'agent-would-fail',
    says: 'Too few credits: a “no” that carries the marker is a result.',
    expect: 201,
    ask: dryRun('give-too-many-credits'),
    show: withBody,
  },
]

const CONTRACT_SCOPE = `/v1/switch/${encodeURIComponent('contract:agent.rename-user')}`

const forgetful = (): readonly Step[] => [
  {
    name: 'agent-forgetful',
    says: 'A twin that commits and says nothing: whoever proves nothing is suspected.',
    expect: 502,
    ask: dryRun('rename-at-forgetful'),
    show: recorded,
  },
  {
    name: 'agent-halted',
    says: 'Its target asked for it: the contract is halted, at every service.',
    expect: 423,
    ask: dryRun('rename-user'),
    show: recorded,
  },
  {
    name: 'agent-resume',
    says: 'An operator has looked, and releases it.',
    expect: 200,
    ask: (ledger: Ledger) =>
      ledger.request('PUT', CONTRACT_SCOPE, { state: 'DRY_RUN_ONLY', reason: 'looked at' }),
    show: ({ body }) => `switch    ${(body as { state: string }).state}`,
  },
]

const lying = (): readonly Step[] => [
  {
    name: 'agent-lying',
    says: 'A twin that commits and says that it did not: no ledger can see that in its answer.',
    expect: 201,
    ask: dryRun('rename-at-lying'),
    show: withBody,
  },
  {
    name: 'agent-watched',
    says: 'With a look at its database before and after, it is seen.',
    expect: 502,
    ask: dryRun('rename-at-lying-watched'),
    show: recorded,
  },
]

/** The catalogue names the ports of its README; here they are whichever were free. */
const at =
  (origins: Origins) =>
  (manifest: JsonObject): JsonObject => {
    const { kind, id } = manifest
    if (kind !== 'Target' || typeof id !== 'string') return manifest
    return { ...manifest, origin: origins[id.replace('-watched', '')] ?? null }
  }

const bodyOf = (answer: Answer) =>
  (outputOf(answer) as { body: Readonly<Record<string, unknown>> }).body

function withBody(answer: Answer): string {
  const { status } = outputOf(answer) as { status: number }
  return `${recorded(answer)}\n    ${status} ${JSON.stringify(bodyOf(answer))}`
}
