import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Document, isNode, isScalar, parseAllDocuments, visit } from 'yaml'
import { isExact } from '../../domain/exact-number.ts'
import { isObject, type Json, type JsonObject } from '../../domain/json.ts'
import { LIMITS } from '../../domain/limits.ts'
import type { Answer, Ledger } from '../client/index.ts'
import { LedgerError } from '../errors.ts'
import { parseStrictJson } from '../strict-json/parse-strict-json.ts'
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

/**
 * Registers the manifests of a folder. Each request is tried first, so that new, unchanged and
 * conflict are shown before anything is written; `--check` stops there.
 */
export async function apply(
  folder: string,
  options: CommonOptions & { readonly check?: boolean },
): Promise<number> {
  const requests = inRequests(readManifests(folder))
  const ledger = openSession(options)
  for (const [index, manifests] of requests.entries()) {
    const tried = await send(ledger, { manifests, validateOnly: true })
    if (!options.json || options.check || exitOf(tried) !== EXIT.yes) show(tried, options)
    if (exitOf(tried) !== EXIT.yes) return stopped(exitOf(tried), index, requests.length, options)
    if (options.check) continue
    const applied = await send(ledger, { manifests, validateOnly: false })
    if (options.json || exitOf(applied) !== EXIT.yes) show(applied, options)
    if (exitOf(applied) !== EXIT.yes)
      return stopped(exitOf(applied), index, requests.length, options)
  }
  return EXIT.yes
}

/** A set of several requests that stopped: what is in, and what could not be told. */
function stopped(
  exit: number,
  index: number,
  requests: number,
  { check }: { readonly check?: boolean },
): number {
  if (requests === 1) return exit
  const place = `request ${index + 1} of ${requests}`
  if (!check) process.stderr.write(`Stopped at ${place}: the ones before are registered.\n`)
  if (!check || index === 0) return exit
  process.stderr.write(`Stopped at ${place}: it may need what an earlier one would register.\n`)
  return EXIT.unknown
}

const send = (
  ledger: Ledger,
  body: Readonly<{ manifests: readonly JsonObject[]; validateOnly: boolean }>,
): Promise<Answer> => ledger.request('POST', '/v1/catalogue', body)

function show(answer: Answer, options: CommonOptions): void {
  const { results } = answer.body as { results?: readonly Result[] }
  const text = results === undefined ? showProblem(answer) : showResults(results, answer)
  process.stdout.write(`${options.json ? JSON.stringify(answer.body) : text}\n`)
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
  const text = utf8Of(file)
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
    Pair(_, { key }) {
      if (!isScalar(key) || typeof key.value !== 'string') return stop('keys are not all strings')
      return key.value === '<<' ? stop('merges are not read') : undefined
    },
    Node(_, node) {
      if (isScalar(node) && typeof node.value === 'number' && !isKept(node.source, node.value)) {
        return stop(`the number ${node.source} cannot be kept exactly: write it as a string`)
      }
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

const JSON_NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/

/** Only what JSON could say too, and to the last digit. */
const isKept = (source: string | undefined, value: number): boolean =>
  source !== undefined && JSON_NUMBER.test(source) && isExact(source, value)

function utf8Of(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readBytes(file))
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${file} is not UTF-8.`)
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
