import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Document, isNode, isScalar, parseAllDocuments, visit } from 'yaml'
import { isObject, type Json, type JsonObject } from '../../domain/json.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { Answer, Ledger } from '../client/index.ts'
import { LedgerError } from '../errors.ts'
import { parseStrictJson } from '../http/strict-json.ts'
import { EXIT, exitOf, UsageError } from './exit.ts'
import { plainTable } from './read.ts'
import { readBytes } from './read-commands.ts'
import { ask, type CommonOptions, openSession, showProblem } from './session.ts'

type Result = Readonly<{
  kind: string
  id: string
  version: number
  outcome: string
  detail: string | null
}>

/** Registers the manifests of a folder: shows new, unchanged and conflict first, then writes. */
export async function apply(
  folder: string,
  options: CommonOptions & { readonly check?: boolean },
): Promise<number> {
  const batches = inRequests(readManifests(folder))
  const ledger = openSession(options)
  for (const validateOnly of options.check ? [true] : [true, false]) {
    // A later request may need what an earlier one registers, so only the first can be tried alone.
    const tried = validateOnly ? batches.slice(0, batches.length === 1 ? 1 : 0) : batches
    for (const [index, manifests] of tried.entries()) {
      const exit = await send(ledger, { manifests, validateOnly }, options)
      if (exit !== EXIT.yes) return stopped(exit, index, batches.length)
    }
  }
  return EXIT.yes
}

function stopped(exit: number, index: number, of: number): number {
  if (of > 1) {
    process.stderr.write(
      `Stopped at request ${index + 1} of ${of}: the ones before are registered.\n`,
    )
  }
  return exit
}

type Body = Readonly<{ manifests: readonly JsonObject[]; validateOnly: boolean }>

async function send(ledger: Ledger, body: Body, options: CommonOptions): Promise<number> {
  const answer = await ledger.request('POST', '/v1/catalogue', body)
  const { results } = answer.body as { results?: readonly Result[] }
  const decisive = !body.validateOnly || options.json === true || exitOf(answer) !== EXIT.yes
  if (options.json) process.stdout.write(`${JSON.stringify(answer.body)}\n`)
  else if (results === undefined) process.stdout.write(`${showProblem(answer)}\n`)
  else if (decisive || 'check' in options) process.stdout.write(`${showResults(results, answer)}\n`)
  return exitOf(answer)
}

function showResults(results: readonly Result[], answer: Answer): string {
  const lines = results.map(({ kind, id, version, outcome, detail }) => {
    const why = detail === null ? '' : `  ${detail}`
    return `${outcome.padEnd(9)} ${kind} ${id}@${version}${why}`
  })
  return answer.status < 300 ? lines.join('\n') : [showProblem(answer), ...lines].join('\n')
}

/** Manifests are YAML 1.2 core, without anchors, merges or tags, or strict JSON. */
export function readManifests(folder: string): readonly JsonObject[] {
  const manifests = manifestFiles(folder).flatMap((file) =>
    file.endsWith('.json') ? readJson(file) : readYaml(file),
  )
  if (manifests.length > 0) return manifests
  throw new UsageError(`${folder} holds no manifest: *.yaml, *.yml or *.json.`)
}

function manifestFiles(folder: string): readonly string[] {
  try {
    if (statSync(folder).isFile()) return [folder]
    return readdirSync(folder)
      .filter((name) => /\.(ya?ml|json)$/.test(name))
      .toSorted()
      .map((name) => join(folder, name))
  } catch (error) {
    throw new UsageError(`${folder} cannot be read: ${(error as Error).message}`)
  }
}

function readJson(file: string): readonly JsonObject[] {
  try {
    const value = parseStrictJson(readBytes(file))
    return (Array.isArray(value) ? value : [value]).map((it: Json) => asManifest(it, file))
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error
    throw new UsageError(`${file}: ${error.message} (${error.code}).`)
  }
}

/** What YAML reads is written as JSON and read again strictly, so that both know one set of values. */
function readYaml(file: string): readonly JsonObject[] {
  const text = readBytes(file).toString('utf8')
  const documents = parseAllDocuments(text, { version: '1.2', schema: 'core', merge: false })
  if (!Array.isArray(documents)) return []
  return documents.map((document) => {
    const [error] = [...document.errors, ...document.warnings]
    const why = error?.message ?? whyNotPlain(document)
    if (why !== null) throw new UsageError(`${file}: ${why}`)
    const plain: unknown = document.toJS()
    return asManifest(parseStrictJson(Buffer.from(JSON.stringify(plain))), file)
  })
}

/** Anchors, aliases, merges and tags say what a reader of the text does not see there. */
function whyNotPlain(document: Document): string | null {
  let why: string | null = null
  visit(document, {
    Alias: () => stop('aliases are not read: write the value where it belongs'),
    Pair: (_, { key }) =>
      isScalar(key) && key.value === '<<' ? stop('merges are not read') : undefined,
    Node(_, node) {
      if ('anchor' in node && node.anchor) return stop('anchors are not read')
      return isNode(node) && node.tag ? stop('tags are not read') : undefined
    },
  })
  return why

  function stop(reason: string): symbol {
    why = reason
    return visit.BREAK
  }
}

function asManifest(value: Json, file: string): JsonObject {
  if (isObject(value)) return value
  throw new UsageError(`${file} holds something that is no manifest.`)
}

const ORDER: Readonly<Record<string, number>> = { Fixture: 0, Target: 1, Contract: 2 }
const placeOf = ({ kind }: JsonObject): number =>
  (typeof kind === 'string' ? ORDER[kind] : undefined) ?? Object.keys(ORDER).length

/** Room for the members around the manifests. */
const REQUEST_BYTES = LIMITS.catalogueBodyBytes - 1_024

/** As few requests as fit, fixtures and targets first. */
export function inRequests(manifests: readonly JsonObject[]): readonly (readonly JsonObject[])[] {
  const sorted = manifests.toSorted((a, b) => placeOf(a) - placeOf(b))
  const requests: JsonObject[][] = [[]]
  let bytes = 0
  for (const manifest of sorted) {
    const size = Buffer.byteLength(JSON.stringify(manifest)) + 1
    if (bytes + size > REQUEST_BYTES && bytes > 0) {
      requests.push([])
      bytes = 0
    }
    requests.at(-1)?.push(manifest)
    bytes += size
  }
  return requests
}

type Registered = Readonly<{
  kind: string
  id: string
  version: number
  executor?: string
  retired: boolean
}>

export const listCatalogue = (options: CommonOptions): Promise<number> =>
  ask(options, { method: 'GET', path: '/v1/catalogue' }, (body: { manifests: Registered[] }) => {
    if (body.manifests.length === 0) return 'The catalogue is empty.'
    const table = plainTable(['kind', 'id', 'version', 'executor', ''])
    for (const it of body.manifests) {
      table.push([it.kind, it.id, it.version, it.executor ?? '-', it.retired ? 'retired' : ''])
    }
    return table.toString()
  })

export const retire = (
  [kind, id, version]: readonly [string, string, string],
  options: CommonOptions,
): Promise<number> => {
  const path = `/v1/catalogue/${kind.toLowerCase()}/${encodeURIComponent(id)}/${version}/retire`
  return ask(options, { method: 'POST', path }, () => `retired   ${kind} ${id}@${version}`)
}
