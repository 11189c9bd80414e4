/**
 * Arrays in the binary form of Postgres (`array_send` in src/backend/utils/adt/arrayfuncs.c): node-pg
 * sends a Buffer as it is, and writes any other array as text, which costs 25-30 % of an append.
 */
const OID = { int4: 23, text: 25, uuid: 2950 } as const
/** Dimensions, has-null flag, element type, length, lower bound: five int4. */
const HEADER_BYTES = 20
const LENGTH_BYTES = 4
const INT4_BYTES = 4
const UUID_BYTES = 16
const NULL_LENGTH = -1

export function textArray(values: readonly string[]): Buffer {
  const sizes = values.map((value) => Buffer.byteLength(value))
  const array = emptyArray(OID.text, sizes)
  let at = HEADER_BYTES
  for (const [index, value] of values.entries()) {
    at = array.writeInt32BE(sizes[index] ?? 0, at)
    at += array.write(value, at)
  }
  return array
}

export function uuidArray(values: readonly string[]): Buffer {
  const array = emptyArray(
    OID.uuid,
    values.map(() => UUID_BYTES),
  )
  let at = HEADER_BYTES
  for (const value of values) {
    at = array.writeInt32BE(UUID_BYTES, at)
    at += array.write(value.replaceAll('-', ''), at, 'hex')
  }
  return array
}

export function intArray(values: readonly (number | null)[]): Buffer {
  const array = emptyArray(
    OID.int4,
    values.map((value) => (value === null ? 0 : INT4_BYTES)),
  )
  array.writeInt32BE(values.includes(null) ? 1 : 0, INT4_BYTES)
  let at = HEADER_BYTES
  for (const value of values) {
    at = array.writeInt32BE(value === null ? NULL_LENGTH : INT4_BYTES, at)
    if (value !== null) at = array.writeInt32BE(value, at)
  }
  return array
}

/** The header, and room for elements of these sizes in bytes. */
function emptyArray(oid: number, sizes: readonly number[]): Buffer {
  const bytes = sizes.reduce((sum, size) => sum + LENGTH_BYTES + size, HEADER_BYTES)
  const array = Buffer.allocUnsafe(bytes)
  for (const [index, value] of [1, 0, oid, sizes.length, 1].entries()) {
    array.writeInt32BE(value, index * INT4_BYTES)
  }
  return array
}
