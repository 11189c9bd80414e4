import * as fc from 'fast-check'
import type { Json } from '../../domain/json.ts'
import { ERRORS } from '../../src/errors.ts'
import type { TestLedger } from './ledger.ts'
import type { Known } from './requests.ts'
import { sampleCommand, sampleContract, sampleFixture, sampleTarget } from './sample.ts'

/** Scopes of the switch that requests flip. */
export const SCOPES = ['global', 'executor:simulator', 'contract:sample.echo']

/** Few commands, so that they meet again; most of them are recorded. */
const commands: fc.Arbitrary<Json> = fc
  .record({
    params: fc.constantFrom<Json>({ say: 'a' }, { say: '💩' }, { fail: true }, { throw: true }),
    occurrence: fc.constantFrom('a', 'b', 'c'),
    mode: fc.constantFrom('PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN', 'DRY_RUN', 'REAL_RUN'),
    outputNamespace: fc.constantFrom('DRYRUN-NS:sample', 'DRYRUN-NS:sample', 'DRYRUN-NS:other'),
  })
  .map((change) => sampleCommand(change as object) as unknown as Json)
const batches = fc.record({
  dispatches: fc.array(fc.oneof(commands, commands, fc.constant({})), {
    minLength: 1,
    maxLength: 4,
  }),
})

const VERSIONS = [1, 2, 3]
const fixtures = VERSIONS.map((version) => ({ ...sampleFixture, id: 'fuzz/words', version }))
const manifests = fc.constantFrom<Json>(
  ...fixtures,
  ...VERSIONS.map((version) => ({ ...sampleTarget(version), id: 'fuzz/one' })),
  { ...sampleContract, id: 'fuzz/echo' },
  { ...sampleFixture, id: 'fuzz/words', data: 'other content' },
  { ...sampleContract, id: 'fuzz/none', fixture: 'fuzz/none@1' },
)
const catalogues = fc.record(
  {
    manifests: fc.uniqueArray(manifests, { minLength: 1, maxLength: 2 }),
    validateOnly: fc.boolean(),
  },
  { requiredKeys: ['manifests'] },
)

/** Of a row of counts that may be anywhere: a page begins after it, whether it is there or not. */
const ROW_TOKEN = Buffer.from(
  JSON.stringify(['2026-01-01T00:00:00.000Z', 'sample.echo', 'DRY_RUN', 'replayed', '', 'none']),
).toString('base64url')

const ADMIN = { name: 'spare', role: 'admin' }
const LIMITED = { name: 'x', scopes: ['dispatch:read'], namespacePrefixes: ['DRYRUN-NS:a'] }

/** Makes one of everything that a request can name on a ready ledger, and tells what it made. */
export async function makeKnown(ledger: TestLedger): Promise<Known> {
  const get = async (path: string) => (await ledger.ask('GET', path)).body
  const make = async (path: string, body: object = {}) =>
    (await ledger.ask('POST', path, body)).body
  for (const occurrence of ['a', 'b']) {
    await ledger.dispatch(sampleCommand({ occurrence }))
    await ledger.dispatch(sampleCommand({ occurrence, mode: 'REAL_RUN' }))
  }
  await make('/v1/catalogue', { manifests: fixtures })
  const [revoked, spare] = [await make('/v1/keys', ADMIN), await make('/v1/keys', ADMIN)]
  await make(`/v1/keys/${revoked.id}/revoke`)
  const head = (await get('/v1/events')).events.at(-1).position
  const token = async (list: string) =>
    fc.constant((await get(`/v1/${list}?pageSize=1&minPosition=${head}`)).nextPageToken)
  const dispatches: { dispatchId: string }[] = (await get(`/v1/dispatches?minPosition=${head}`))
    .dispatches
  const dispatchId = fc.constantFrom(...dispatches.map((it) => it.dispatchId))
  const projections: { name: string }[] = (await get('/v1/projections')).projections
  const few = fc.constantFrom('1', '2', '9')
  return {
    key: ledger.key,
    otherKeys: [
      revoked.key,
      await ledger.newKey({ scopes: ['projections:write'] }),
      await ledger.newKey({ namespacePrefixes: ['DRYRUN-NS:other'] }),
    ],
    values: {
      // A position that is not reached holds an answer for two seconds: that has its own test.
      'query:minPosition': fc.constantFrom('0', '1', '002'),
      'query:pageSize': few,
      'query:filter': fc.constant('dispatchId != 53228b17-8f0a-8d06-8b40-e018609e9d54'),
      'listDispatches query:orderBy': fc.constantFrom('openedAt', 'changedAt desc'),
      'listRefusals query:orderBy': fc.constant('recordedAt'),
      'listOutputs query:orderBy': fc.constant('recordedAt'),
      'query:namespace': fc.constantFrom('DRYRUN-NS:sample', 'DRYRUN-NS:none'),
      'dispatch body': commands,
      'explain body': commands,
      'dispatchBatch body': batches,
      'getDispatch path:id': dispatchId,
      'listDispatchEvents path:id': dispatchId,
      'explainDispatch path:id': dispatchId,
      'listDispatches query:pageToken': await token('dispatches'),
      'listRefusals query:pageToken': await token('refusals'),
      'listOutputs query:pageToken': await token('outputs'),
      'getProjection path:name': fc.constantFrom(...projections.map((it) => it.name)),
      'readView path:view': fc.constant('calls_hourly_v1'),
      'readView query:after': fc.constantFrom('2026-01-01T00:00Z', '2026-01-01T07:00:00.000Z'),
      'readView query:until': fc.constantFrom('2026-01-01T07:00:00Z', '2999-01-01T00:00Z'),
      'readView query:pageToken': fc.constant(ROW_TOKEN),
      'listEvents query:limit': few,
      'listEvents query:type': fc.constantFrom('Planned', 'SwitchSet'),
      'setSwitch path:scope': fc.constantFrom(...SCOPES),
      'applyCatalogue body': catalogues,
      'getManifest path:kind': fc.constant('fixture'),
      'getManifest path:id': fc.constantFrom('sample.words', 'fuzz/words'),
      'getManifest path:version': fc.constant('1'),
      'retireManifest path:kind': fc.constant('fixture'),
      'retireManifest path:id': fc.constant('fuzz/words'),
      'retireManifest path:version': fc.constantFrom(...VERSIONS.map(String)),
      'createKey body': fc.constantFrom<Json>(ADMIN, LIMITED),
      'listKeys query:pageToken': fc.constant(spare.id),
      'revokeKey path:id': fc.constantFrom(revoked.id, spare.id),
      'getProblem path:code': fc.constantFrom(...Object.keys(ERRORS)),
    },
  }
}
