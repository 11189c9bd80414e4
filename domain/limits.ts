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
  outputRows: 10_000,
  sqlLength: 32 * 1024,
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
  /** A filter of a list: its text, its comparisons, and how deep parentheses nest. */
  filterLength: 2_000,
  filterTerms: 64,
  filterDepth: 16,
  orderByLength: 200,
  pageTokenLength: 1_000,
  appendTries: 5,
  refusalBucketSize: 50,
  refusalBucketPerSecond: 1,
  /** On one stream an executor starts at most once in this time after a refused execution. */
  executionPauseMs: 1_000,
  switchReasonLength: 500,
  refusalListedNames: 10,
  /** What a dry run of type http sends at most. */
  httpBodyBytes: 64 * 1024,
  /** Dry runs under way to one place, an origin or a database: more wait in line, so many, so long. */
  lanes: 32,
  lanesWaiting: 256,
  laneWaitMs: 5_000,
  /** One look at the database behind a service; the second may come when the time of the run is over. */
  crossCheckTimeMs: 2_000,
  /** Requests of everybody that are not answered yet; more are shed with 503. */
  requestsInFlight: 2_048,
  /** The bodies of those requests, together. */
  bodyBytesInFlight: 64 * 1024 * 1024,
  /** Requests of one key: so many at work, so many waiting for their turn, and for how long. */
  keyRequestsAtWork: 64,
  keyRequestsWaiting: 1_024,
  keyTurnWaitMs: 10_000,
  /** Failed authentications of one address that are answered 401; then it is told to slow down. */
  failedKeysBucketSize: 300,
  failedKeysBucketPerSecond: 10,
  /** Live tails and whole exports under way: each reads as long as its client listens. */
  streams: 100,
  streamKeyCheckMs: 30_000,
  /** A client that takes nothing for this long loses its stream. */
  streamStalledMs: 60_000,
  heartbeatMs: 15_000,
  /** A stream that was told to end, and whose client does not read, is cut after this time. */
  streamEndMs: 2_000,
  /** Counts of calls: how often they are written, and how many rows of one hour name a contract, or are there at all. */
  callsWriteEveryMs: 5_000,
  callsContractRows: 10_000,
  callsRows: 20_000,
  /** A request must have arrived whole in this time, its head in that. */
  requestArrivalMs: 30_000,
  requestHeadArrivalMs: 10_000,
  /** A server that stops waits so long for what is under way: no request may last longer. */
  stopMs: 40_000,
  requestHeadBytes: 16 * 1024,
  connections: 8_192,
} as const
