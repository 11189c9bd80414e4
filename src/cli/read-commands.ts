import { readFileSync } from 'node:fs'
import { isObject, type Json, type JsonObject } from '../../domain/json.ts'
import { LedgerError } from '../errors.ts'
import { parseStrictJson } from '../strict-json/parse-strict-json.ts'
import { UsageError } from './exit.ts'

/** Reads commands from a file, or standard input for `-`: one, a JSON array, or NDJSON. */
export function readCommands(file: string): readonly JsonObject[] {
  const bytes = readBytes(file)
  const values = parseMany(bytes, file)
  if (values.length === 0) throw new UsageError(`${nameOf(file)} holds no command.`)
  return values.map((value, index) => {
    if (isObject(value)) return value
    throw new UsageError(`Command ${index + 1} of ${nameOf(file)} is not a JSON object.`)
  })
}

export const nameOf = (file: string): string => (file === '-' ? 'standard input' : file)

const STDIN = 0

export function readBytes(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? STDIN : file)
  } catch (error) {
    throw new UsageError(`${nameOf(file)} cannot be read: ${(error as Error).message}`)
  }
}

function parseMany(bytes: Buffer, file: string): readonly Json[] {
  const lines = linesOf(bytes)
  try {
    // One value to a line is NDJSON only if the first line is a whole value.
    if (lines.length > 1 && isWhole(lines[0])) return lines.map(parse)
    const value = parse(bytes)
    return Array.isArray(value) ? (value as readonly Json[]) : [value]
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error
    throw new UsageError(`${nameOf(file)}: ${error.message} (${error.code}).`)
  }
}

const parse = (bytes: Uint8Array): Json => parseStrictJson(bytes)

const NEWLINE = 0x0a

/** Cut as bytes: text that is no UTF-8 must reach the strict parser as it is. */
function linesOf(bytes: Buffer): readonly Buffer[] {
  const lines: Buffer[] = []
  for (let from = 0; from <= bytes.length; ) {
    const at = bytes.indexOf(NEWLINE, from)
    const end = at < 0 ? bytes.length : at
    const line = bytes.subarray(from, end)
    if (line.toString('latin1').trim() !== '') lines.push(line)
    from = end + 1
  }
  return lines
}

function isWhole(line: Buffer | undefined): boolean {
  try {
    return isObject(JSON.parse(String(line)) as Json)
  } catch {
    return false
  }
}
