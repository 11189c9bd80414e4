import { setImmediate as immediate } from 'node:timers/promises'
import { canonicalJson } from '../../domain/canonical-json.ts'
import {
  type CandidateManifest,
  type CatalogueDecision,
  decideCatalogue,
  decideRetire,
  type ManifestResult,
} from '../../domain/control/decide.ts'
import {
  type ContractBody,
  type FixtureBody,
  type ManifestBody,
  parseReference,
} from '../../domain/control/manifest.ts'
import { type ControlState, findFixture } from '../../domain/control/state.ts'
import type { ManifestRetired } from '../../domain/events.ts'
import type { JsonObject } from '../../domain/json.ts'
import { LIMITS } from '../../domain/limits.ts'
import { LedgerError } from '../errors.ts'
import { digestOf } from '../identity.ts'
import type { Call, RunBaseline } from '../ports.ts'
import { appendControl, type ControlPorts } from './append-control.ts'
import { parseManifest, type ReceivedManifest } from './manifest.ts'

export type CataloguePorts = ControlPorts &
  Readonly<{
    runBaseline: RunBaseline
    whyBadSchema(schema: JsonObject): string | null
    /** Asked of manifests of good shape, about what they would have an executor ask. */
    whyNotAllowed(body: ManifestBody): string | null
  }>

export type CatalogueApplied = Readonly<{
  results: readonly ManifestResult[]
  appended: number
  position: number
}>

/**
 * Registers manifests: all of them in one append, or none. Throws `manifest-invalid` or
 * `manifest-conflict` with the results; with `validateOnly` it only says what would happen.
 */
export async function applyCatalogue(
  call: Call & {
    readonly manifests: readonly ReceivedManifest[]
    readonly validateOnly: boolean
  },
  ports: CataloguePorts,
): Promise<CatalogueApplied> {
  const shaped: CandidateManifest[] = []
  for (const manifest of call.manifests) {
    // Compiling a schema takes a while: others get their turn in between.
    await immediate()
    shaped.push(candidate(manifest, ports))
  }
  const checked = new Map<string, string | undefined>()
  const baselinesUntilMs = performance.now() + LIMITS.baselineRegistrationMs
  const deadlineMs = LIMITS.baselineRegistrationMs + LIMITS.requestSlackMs
  const { decision, appended, position } = await appendControl(
    call,
    ports,
    deadlineMs,
    async (control) => {
      const decided = await decideWithBaselines(
        control,
        shaped,
        { checked, baselinesUntilMs },
        ports,
      )
      return call.validateOnly ? { ...decided, events: [] } : decided
    },
  )
  refuseUnacceptable(decision.results)
  return { results: decision.results, appended, position }
}

function candidate(manifest: ReceivedManifest, ports: CataloguePorts): CandidateManifest {
  const { body, invalid } = parseManifest(manifest)
  const sha256 = digestOf(manifest)
  const bytes = Buffer.byteLength(canonicalJson(manifest))
  const tooLarge =
    bytes > LIMITS.manifestBytes ? `it has ${bytes} bytes, more than ${LIMITS.manifestBytes}` : null
  const wrong = tooLarge ?? invalid ?? whyBad(body, ports)
  return { body, sha256, invalid: wrong ?? undefined }
}

const whyBad = (body: ManifestBody, ports: CataloguePorts): string | null =>
  (body.kind === 'Contract' ? ports.whyBadSchema(body.params) : null) ?? ports.whyNotAllowed(body)

/** All baselines of one request share one time. */
type Checking = Readonly<{ checked: Map<string, string | undefined>; baselinesUntilMs: number }>

/** Baselines are run for what would be registered, and once per content however often we decide. */
async function decideWithBaselines(
  control: ControlState,
  candidates: readonly CandidateManifest[],
  { checked, baselinesUntilMs }: Checking,
  ports: CataloguePorts,
): Promise<CatalogueDecision> {
  const first = decideCatalogue(control, candidates)
  if (first.events.length === 0) return first
  for (const [index, it] of candidates.entries()) {
    if (first.results[index]?.outcome !== 'new' || checked.has(it.sha256)) continue
    const runBaseline: RunBaseline = (contract, fixture) =>
      ports.runBaseline(contract, fixture, Math.max(1, baselinesUntilMs - performance.now()))
    checked.set(it.sha256, await whyBadBaseline(control, candidates, it, runBaseline))
  }
  const judged = candidates.map((it) => ({ ...it, invalid: it.invalid ?? checked.get(it.sha256) }))
  return decideCatalogue(control, judged)
}

async function whyBadBaseline(
  control: ControlState,
  all: readonly CandidateManifest[],
  { body, sha256 }: CandidateManifest,
  runBaseline: RunBaseline,
): Promise<string | undefined> {
  if (body.kind !== 'Contract' || (body.baseline ?? []).length === 0) return undefined
  const fixture = fixtureOf(control, all, body)
  if (fixture === undefined) return undefined
  try {
    const timeMs = LIMITS.baselineRegistrationMs
    const { cases, matched, differing } = await runBaseline({ sha256, body }, fixture, timeMs)
    if (cases === matched) return undefined
    return `${cases - matched} of ${cases} baseline cases differ: ${differing.join(', ')}`
  } catch (error) {
    return `its baseline gave no answer: ${error instanceof Error ? error.message : String(error)}`
  }
}

function fixtureOf(
  control: ControlState,
  all: readonly CandidateManifest[],
  contract: ContractBody,
): { sha256: string; body: FixtureBody } | undefined {
  const reference = parseReference(contract.fixture)
  const sent = all.find(
    ({ body }) =>
      body.kind === 'Fixture' && body.id === reference?.id && body.version === reference.version,
  )
  return (sent ?? findFixture(control, contract)) as ReturnType<typeof fixtureOf>
}

function refuseUnacceptable(results: readonly ManifestResult[]): void {
  const worst = (['manifest-invalid', 'manifest-conflict'] as const).find((code) =>
    results.some((it) => it.code === code),
  )
  if (worst === undefined) return
  const bad = results.filter((it) => it.code === worst)
  const names = bad.map((it) => `${it.kind} ${it.id}@${it.version} (${it.detail})`)
  throw new LedgerError(worst, `Nothing was registered: ${names.join('; ')}`, {
    members: { results },
  })
}

/** Retires one version for ever. Retiring it again appends nothing. */
export async function retireManifest(
  call: Call & { readonly manifest: ManifestRetired['data'] },
  ports: ControlPorts,
): Promise<{ appended: number; position: number }> {
  const { manifest } = call
  const { appended, position } = await appendControl(
    call,
    ports,
    LIMITS.switchDeadlineMs,
    (control) => {
      const events = decideRetire(control, manifest)
      if (events !== null) return { events }
      const name = `${manifest.kind} ${manifest.id}@${manifest.version}`
      throw new LedgerError('not-found', `${name} is not registered`)
    },
  )
  return { appended, position }
}
