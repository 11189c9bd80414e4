import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Answer, Ledger } from '../client/index.ts'
import { packageRoot } from '../package.ts'
import { inRequests, readManifests } from './catalogue.ts'
import { showRecorded } from './dispatch.ts'
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
    register: async (ledger: Ledger): Promise<Answer> => {
      const [manifests] = inRequests(readManifests(exampleFile(name, 'catalogue')))
      return ledger.request('POST', '/v1/catalogue', { manifests })
    },
  }
}

export const recorded = ({ body }: Answer): string => showRecorded(body as never)

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
