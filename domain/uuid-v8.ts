const BYTES = 16

/**
 * The bytes of a UUIDv8 (RFC 9562, section 5.8): those that a sha256 begins with, version and
 * variant set.
 */
export function uuidV8Bytes(hash: Uint8Array): Uint8Array {
  // A copy: `slice` of a subclass may share its memory.
  const bytes = Uint8Array.prototype.slice.call(hash, 0, BYTES)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes
}
