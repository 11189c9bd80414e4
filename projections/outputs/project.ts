import { canonicalJson } from '../../domain/canonical-json.ts'
import type { DryRunRecorded, Recorded } from '../../domain/events.ts'
import { dispatchIdOf } from '../../domain/identity.ts'
import type { Facts, Projection, Row } from '../projection.ts'

/** One row per recorded dry run: what came out, under the namespace it was asked for. */
export const outputs: Projection & Facts = {
  name: 'outputs',
  version: 2,
  handles: ['DryRunRecorded'],
  tables: ['outputs'],
  facts: (event) =>
    event.void ? [] : [{ table: 'outputs', row: outputOf(event as Recorded<DryRunRecorded>) }],
}

const outputOf = ({ id, stream, position, recordedAt, data }: Recorded<DryRunRecorded>): Row => ({
  position,
  event_id: id,
  dispatch_id: dispatchIdOf(stream),
  output_namespace: data.outputNamespace,
  verdict: data.verdict,
  // The text that the digest is of: whoever reads the row can check it.
  output: canonicalJson(data.output),
  output_digest: data.outputDigest,
  executor_type: data.executor.type,
  executor_build: data.executor.build,
  recorded_at: recordedAt,
})
