import { readFileSync } from 'node:fs'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import type { JsonObject } from '../../domain/json.ts'

const DOCUMENT = new URL('../../examples/iu-cutter/document/rfc6962.txt', import.meta.url)
const HEADING = /^([\d.]+)\.  (.+)$/gm

const headings = Object.fromEntries(
  [...readFileSync(DOCUMENT, 'utf8').matchAll(HEADING)].map(
    ([, number = '', title = '']) => [number, title] as const,
  ),
)

/**
 * The smallest question one can ask of the iu-cutter's document: which heading a section has. The
 * example's own contract cuts all of the document and takes tens of milliseconds in the simulator;
 * this one shows what the ledger costs.
 */
export const SMALL_CATALOGUE: readonly JsonObject[] = [
  { kind: 'Fixture', id: 'iu.headings', version: 1, data: { headings } },
  {
    kind: 'Contract',
    id: 'iu.find',
    version: 1,
    executor: 'simulator',
    targets: 'iu-cutter/*',
    fixture: 'iu.headings@1',
    sideEffects: 'none',
    params: {
      type: 'object',
      required: ['section'],
      additionalProperties: false,
      properties: { section: { type: 'string', maxLength: 32, pattern: '^[1-9][0-9.]*$' } },
    },
    program: {
      jsonata: `( $found := $lookup(fixture.headings, params.section);
        { "verdict": $exists($found) ? "would_succeed" : "would_fail", "output": { "title": $found } } )`,
    },
    limits: { timeMs: 1_000 },
    baseline: [
      {
        name: 'finds a section',
        params: { section: '2.1' },
        verdict: 'would_succeed',
        output: { title: 'Merkle Hash Trees' },
      },
    ],
  },
]

export const smallCommand: AskedCommand = {
  contract: { id: 'iu.find', version: 1 },
  target: 'iu-cutter/rfc-6962',
  params: { section: '2.1.1' },
  outputNamespace: 'DRYRUN-NS:iu-cutter/rfc-6962/headings',
  occurrence: '',
  mode: 'DRY_RUN',
}
