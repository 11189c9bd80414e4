import pg from 'pg'
import type { Json, JsonObject } from '../../../domain/json.ts'
import { LedgerError } from '../../errors.ts'
import { ExecutorFailure } from '../../ports.ts'
import { parseStrictJson } from '../../strict-json/parse-strict-json.ts'

const { builtins } = pg.types
const BOOLEAN: number = builtins.BOOL
const NUMBERS: readonly number[] = [
  builtins.INT2,
  builtins.INT4,
  builtins.INT8,
  builtins.OID,
  builtins.FLOAT4,
  builtins.FLOAT8,
]
const JSONS: readonly number[] = [builtins.JSON, builtins.JSONB]

/** Every value as the text that Postgres wrote: what a driver would make of it may lose something. */
export const asText: pg.CustomTypesConfig = { getTypeParser: () => (text: string) => text }

/** A column of an answer: its name, and the oid of its type. */
export type Column = Readonly<{ name: string; dataTypeID: number }>

/**
 * Rows by column. Booleans, JSON, and numbers that a double holds are what they are; all else is the
 * text that Postgres wrote: `numeric`, integers beyond 2^53, `NaN`, dates, arrays, bytes.
 *
 * Two columns of one name would lose one of them, and JSON may hold what the ledger cannot keep:
 * both are failures, `not-json`.
 */
export function rowsAsObjects(
  rows: readonly (readonly (string | null)[])[],
  columns: readonly Column[],
): JsonObject[] {
  if (new Set(columns.map((it) => it.name)).size !== columns.length) {
    throw new ExecutorFailure('not-json', 'duplicate-column')
  }
  return rows.map((row) =>
    Object.fromEntries(
      columns.map(({ name, dataTypeID }, at) => [name, valueOf(dataTypeID, row[at] ?? null)]),
    ),
  )
}

function valueOf(type: number, text: string | null): Json {
  if (text === null) return null
  if (type === BOOLEAN) return text === 't'
  if (NUMBERS.includes(type)) return isKept(Number(text)) ? Number(text) : text
  return JSONS.includes(type) ? jsonOf(text) : text
}

const isKept = (number: number): boolean =>
  Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number))

function jsonOf(text: string): Json {
  try {
    return parseStrictJson(Buffer.from(text))
  } catch (cause) {
    if (!(cause instanceof LedgerError)) throw cause
    throw new ExecutorFailure('not-json', cause.code, { cause })
  }
}
