import type { Recorded } from '../../domain/events.ts'

const SEQUENCE_DIGITS = 15

/**
 * An event as a CloudEvent 1.0 in structured JSON. What CloudEvents has no attribute for is an
 * extension. `sequence` is the position with leading zeros, which order as text as they do as
 * numbers: integers of CloudEvents have 32 bits.
 */
export const cloudEventOf = (event: Recorded) => ({
  specversion: '1.0',
  id: event.id,
  source: '/dispatch-ledger',
  type: event.type,
  subject: event.stream,
  time: event.recordedAt,
  sequence: String(event.position).padStart(SEQUENCE_DIGITS, '0'),
  revision: event.revision,
  actor: event.metadata.actor,
  callid: event.metadata.callId,
  correlationid: event.metadata.correlationId,
  schemaversion: event.metadata.schemaVersion,
  ...(event.void ? { void: true } : {}),
  datacontenttype: 'application/json',
  data: event.data,
})
