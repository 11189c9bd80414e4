import { fileURLToPath } from 'node:url'
import type { ContractBody, FixtureBody, TargetBody } from '../../domain/control/manifest.ts'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import { limitsOf, type Plan } from '../../domain/dispatch/plan.ts'
import type { JsonObject } from '../../domain/json.ts'
import { readManifests } from '../../src/cli/catalogue.ts'
import { readCommands } from '../../src/cli/read-commands.ts'
import type { ReceivedManifest } from '../../src/control/manifest.ts'

/** As a file has it: with a mode, and without an occurrence. */
export type ExampleCommand = Omit<AskedCommand, 'occurrence'>

/** A catalogue of examples/ with one fixture and one target, as the command line reads it. */
export type Example = Readonly<{
  folder: string
  manifests: readonly ReceivedManifest[]
  contracts: readonly ContractBody[]
  target: TargetBody
  commandsOf(file: string): readonly ExampleCommand[]
  /** What an executor is to invoke for a contract of this id. */
  plan(id: string, params: JsonObject): Plan
}>

export function readExample(name: string): Example {
  const folder = fileURLToPath(new URL(`../../examples/${name}/`, import.meta.url))
  const manifests = readManifests(`${folder}catalogue`) as readonly ReceivedManifest[]
  const ofKind = <T>(kind: string) => manifests.filter((it) => it.kind === kind) as unknown as T[]
  const contracts = ofKind<ContractBody>('Contract')
  const [target] = ofKind<TargetBody>('Target')
  const [fixture] = ofKind<FixtureBody>('Fixture')
  if (target === undefined || fixture === undefined) throw new Error(`${name} lacks a manifest`)
  return {
    folder,
    manifests,
    contracts,
    target,
    commandsOf: (file) =>
      readCommands(`${folder}commands/${file}`) as unknown as readonly ExampleCommand[],
    plan(id, params) {
      const contract = contracts.find((it) => it.id === id)
      if (contract === undefined) throw new Error(`no contract ${id}`)
      const { program } = contract
      return { program, params, fixture: fixture.data, target, limits: limitsOf(contract) }
    },
  }
}
