/** Every limit of the ledger, in one place. Sizes in bytes, times in milliseconds. */
export const LIMITS = {
  bodyBytes: 64 * 1024,
  catalogueBodyBytes: 512 * 1024,
  batchBodyBytes: 16 * 1024 * 1024,
  batchItems: 1_000,
  /** Commands of one batch that are under way at a time. */
  batchAtOnce: 64,
  jsonDepth: 32,
  paramsBytes: 32 * 1024,
  outputBytes: 64 * 1024,
  manifestBytes: 256 * 1024,
  namespaceLength: 200,
  executorTimeMs: 30_000,
  /** A request may last as long as its executor, and this much longer. */
  requestSlackMs: 10_000,
  baselineRegistrationMs: 30_000,
  switchDeadlineMs: 5_000,
  statementTimeMs: 5_000,
  minPositionWaitMs: 2_000,
  pageSize: 1_000,
  appendTries: 5,
  refusalBucketSize: 50,
  refusalBucketPerSecond: 1,
  /** On one stream an executor starts at most once in this time after a refused execution. */
  executionPauseMs: 1_000,
  switchReasonLength: 500,
  refusalListedNames: 10,
} as const
