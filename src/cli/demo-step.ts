import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '../../domain/json.ts'
import type { Answer, Ledger } from '../client/index.ts'
import { packageRoot } from '../package.ts'
import { inRequests, readManifests } from './catalogue.ts'
import { showRecorded } from './dispatch.ts'
import { showEvidence } from './explain.ts'
import { readCommands } from './read-commands.ts'

/** One thing the tour does, and what must come of it. */
export type Step = Readonly<{
  name: string
  says: string
  expect: number
  ask(ledger: Ledger): Promise<Answer>
  show(answer: Answer): string
  /** What is wrong with an answer of the expected status, or null. */
  whyWrong?(answer: Answer): string | null
}>

/** What the tour does with one of the four runners that the contract was distilled from. */
export type Runner = Readonly<{ name: string; executor: string; steps: readonly Step[] }>

/** The file of an example. */
export const exampleFile = (name: string, ...path: string[]): string =>
  join(packageRoot(), 'examples', name, ...path)

/** What the tour asks of one example. */
export function exampleAt(name: string) {
  const commandOf = async (command: string): Promise<object> =>
    JSON.parse(await readFile(exampleFile(name, 'commands', `${command}.json`), 'utf8')) as object
  return {
    commandOf,
    commands: (file: string) => readCommands(exampleFile(name, 'commands', file)),
    dispatch: (command: string, change: object) => async (ledger: Ledger) =>
      ledger.request('POST', '/v1/dispatches', { ...(await commandOf(command)), ...change }),
    /** Registers its catalogue, each manifest as `change` gives it. */
    register:
      (change: (manifest: JsonObject) => JsonObject = (it) => it) =>
      async (ledger: Ledger): Promise<Answer> => {
        const read = readManifests(exampleFile(name, 'catalogue'))
        const [manifests] = inRequests(read.map(change))
        return ledger.request('POST', '/v1/catalogue', { manifests })
      },
  }
}

/** Why the dispatch of another question stands where it stands. */
export const explainAfter = (ask: Step['ask']) => async (ledger: Ledger) => {
  const { dispatchId } = (await ask(ledger)).body as { dispatchId: string }
  return ledger.request('GET', `/v1/dispatches/${dispatchId}/explain`)
}

export const recorded = ({ body }: Answer): string => showRecorded(body as never)

export const outputOf = ({ body }: Answer): unknown =>
  (body as { event: { data: { output: unknown } } }).event.data.output

type Why = Readonly<{ steps: readonly { evidence: Parameters<typeof showEvidence>[0] }[] }>

export const evidenceOf = ({ body }: Answer): string =>
  showEvidence((body as Why).steps.at(-1)?.evidence ?? []).join('\n    ')

type Result = Readonly<{ kind: string; id: string; version: number; outcome: string }>

export const showRegistered = ({ body }: Answer): string =>
  (body as { results: readonly Result[] }).results
    .map(({ kind, id, version, outcome }) => `${outcome.padEnd(9)} ${kind} ${id}@${version}`)
    .join('\n    ')

/** `34 Contracts, 1 Fixture`: for catalogues too long to be read aloud. */
export function countRegistered({ body }: Answer): string {
  const { results } = body as { results: readonly Result[] }
  const kinds = [...new Set(results.map((it) => it.kind))]
  return kinds
    .map((kind) => {
      const count = results.filter((it) => it.kind === kind).length
      return `${count} ${kind}${count === 1 ? '' : 's'}`
    })
    .join(', ')
}
