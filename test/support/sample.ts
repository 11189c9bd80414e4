import type { AskedCommand } from '../../domain/dispatch/command.ts'
import type { JsonObject } from '../../domain/json.ts'

/** A small catalogue: `sample.echo` gives back its params, or fails, throws or spins when told. */
export const SAMPLE_EXPRESSION = `(
  params.throw ? $error("told to");
  params.spin ? ($f := function($n) { $f($n + 1) }; $f(0));
  { "verdict": params.fail ? "would_fail" : "would_succeed", "output": { "echo": params.say, "fixture": fixture.word } }
)`

export const sampleTarget = (version = 1): JsonObject => ({
  kind: 'Target',
  id: 'sample/one',
  version,
  executor: 'simulator',
})

export const sampleFixture: JsonObject = {
  kind: 'Fixture',
  id: 'sample.words',
  version: 1,
  data: { word: 'dry' },
}

export const sampleContract: JsonObject = {
  kind: 'Contract',
  id: 'sample.echo',
  version: 1,
  executor: 'simulator',
  targets: 'sample/*',
  fixture: 'sample.words@1',
  sideEffects: 'none',
  params: {
    type: 'object',
    additionalProperties: false,
    properties: {
      say: { type: 'string' },
      fail: { type: 'boolean' },
      throw: { type: 'boolean' },
      spin: { type: 'boolean' },
    },
  },
  program: { jsonata: SAMPLE_EXPRESSION },
  limits: { timeMs: 1_000 },
  baseline: [
    {
      name: 'says hello',
      params: { say: 'hello' },
      verdict: 'would_succeed',
      output: { echo: 'hello', fixture: 'dry' },
    },
  ],
}

export const SAMPLE_CATALOGUE: readonly JsonObject[] = [
  sampleTarget(),
  sampleFixture,
  sampleContract,
]

export const sampleCommand = (change: Partial<AskedCommand> = {}): AskedCommand => ({
  contract: { id: 'sample.echo', version: 1 },
  target: 'sample/one',
  params: { say: 'hello' },
  outputNamespace: 'DRYRUN-NS:sample',
  occurrence: '',
  mode: 'DRY_RUN',
  ...change,
})
