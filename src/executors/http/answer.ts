import type { IncomingHttpHeaders } from 'node:http'
import type { Marker } from '../../../domain/control/manifest.ts'
import type { Json } from '../../../domain/json.ts'
import { valueAt } from '../../../domain/json-pointer.ts'
import { commaList } from '../../comma-list.ts'
import { LedgerError } from '../../errors.ts'
import { ExecutorFailure } from '../../ports.ts'
import { parseStrictJson } from '../../strict-json/parse-strict-json.ts'
import type { Answer } from './lane.ts'

/** What stands where a marker should. Never the text itself: it is somebody else's. */
export type MarkerSeen = 'as declared' | 'another value' | 'absent'

const textOf = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value: string | string[] | undefined = Object.hasOwn(headers, name)
    ? headers[name]
    : undefined
  return Array.isArray(value) ? value.join(',') : value
}

/**
 * Reads the marker of an answer. A body that is not JSON, or that two parsers could read differently,
 * holds none; one that was too long to be read could hold any, which is a failure.
 */
export function seeMarker(marker: Marker, answer: Answer): MarkerSeen {
  if ('header' in marker) {
    const text = textOf(answer.headers, marker.header.toLowerCase())
    if (text === undefined) return 'absent'
    return commaList(text).includes(marker.value) ? 'as declared' : 'another value'
  }
  if (answer.body === null) throw new ExecutorFailure('limit', 'output')
  try {
    const value = isJson(answer) ? valueAt(bodyOf(answer), marker.pointer) : undefined
    if (value === undefined) return 'absent'
    return value === marker.value ? 'as declared' : 'another value'
  } catch {
    return 'absent'
  }
}

const JSON_TYPE = /^application\/(?:[\w!#$&^.+-]+\+)?json[ \t]*(?:;|$)/i
const isJson = ({ headers }: Answer): boolean =>
  JSON_TYPE.test(textOf(headers, 'content-type') ?? '')

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The body as it is recorded: JSON where it says so, else its text; null where there is none.
 * Nothing is ever decompressed. Rejects what the ledger cannot keep as it came.
 */
export function bodyOf(answer: Answer): Json {
  const { headers, body } = answer
  if (body === null) throw new ExecutorFailure('limit', 'output')
  const transfer = textOf(headers, 'transfer-encoding') ?? 'chunked'
  if (textOf(headers, 'content-encoding') !== undefined || !/^chunked$/i.test(transfer)) {
    throw new ExecutorFailure('not-json', 'content-encoding')
  }
  if (body.length === 0) return null
  try {
    return isJson(answer) ? parseStrictJson(body) : UTF8.decode(body)
  } catch (cause) {
    const code = cause instanceof LedgerError ? cause.code : 'not-utf-8'
    throw new ExecutorFailure('not-json', code, { cause })
  }
}
