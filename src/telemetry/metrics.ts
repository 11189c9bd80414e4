import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Appends take a fraction of a millisecond; executors up to half a minute. */
const STORE_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5]
const WORK_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30]

/**
 * Every metric of one ledger, in a registry of its own. A label never holds an id: its values are
 * words of this program, routes, or types of executors, so the number of series is bounded.
 * docs/operations.md says what each is for; test/house/docs.test.ts compares the two.
 */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    ...countersIn(registers),
    ...histogramsIn(registers),
    ...gaugesIn(registers),
  }
}

export type Metrics = ReturnType<typeof createMetrics>

const countersIn = (registers: Registry[]) => ({
  dispatches: new Counter({
    name: 'ledger_dispatches_total',
    help: 'Dispatch calls by what they came to; error: nothing could be judged or recorded.',
    labelNames: ['outcome', 'mode'],
    registers,
  }),
  refusals: new Counter({
    name: 'ledger_refusals_total',
    help: 'Judged refusals by code, as answered: an equal one is recorded once.',
    labelNames: ['code'],
    registers,
  }),
  rejections: new Counter({
    name: 'ledger_rejections_total',
    help: 'Problems that no gate judged, by code: malformed, unauthenticated, overloaded.',
    labelNames: ['code'],
    registers,
  }),
  mutationSuspected: new Counter({
    name: 'ledger_mutation_suspected_total',
    help: 'Dry runs whose evidence did not show that nothing was mutated.',
    registers,
  }),
})

const histogramsIn = (registers: Registry[]) => ({
  requestSeconds: new Histogram({
    name: 'ledger_request_seconds',
    help: 'Time from the first byte of a request to the last of its answer.',
    labelNames: ['route', 'status'],
    buckets: WORK_SECONDS,
    registers,
  }),
  appendSeconds: new Histogram({
    name: 'ledger_append_seconds',
    help: 'Time of one append as its caller sees it, waiting included.',
    buckets: STORE_SECONDS,
    registers,
  }),
  executorSeconds: new Histogram({
    name: 'ledger_executor_seconds',
    help: 'Time of one dry run of a dispatch; without a report the verdict says what failed.',
    labelNames: ['type', 'verdict'],
    buckets: WORK_SECONDS,
    registers,
  }),
  switchFlipSeconds: new Histogram({
    name: 'ledger_switch_flip_seconds',
    help: 'Time until a setting of the kill switch was in force everywhere.',
    buckets: STORE_SECONDS,
    registers,
  }),
})

/** Read when somebody asks for the metrics: see scrape.ts. */
const gaugesIn = (registers: Registry[]) => ({
  switchHalted: new Gauge({
    name: 'ledger_switch_halted',
    help: 'Switches of a scope that refuse; all contracts are counted under one label.',
    labelNames: ['scope'],
    registers,
  }),
  headPosition: new Gauge({
    name: 'ledger_head_position',
    help: 'Position of the last event of the log; absent while the store does not answer.',
    registers,
  }),
  projectionPosition: new Gauge({
    name: 'ledger_projection_position',
    help: 'Position of the last event that a read model holds.',
    labelNames: ['name'],
    registers,
  }),
  projectionLagSeconds: new Gauge({
    name: 'ledger_projection_lag_seconds',
    help: 'Age of the oldest event that a read model does not hold, 0 where it holds all.',
    labelNames: ['name'],
    registers,
  }),
})
