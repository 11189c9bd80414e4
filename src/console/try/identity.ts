export type Identity = Readonly<{ digest: string; dispatchId: string }>

type Hashing = {
  digest(algorithm: 'SHA-256', data: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer>
}

/** A page has it on https and on a loopback address alone. */
const hashingOfPage = (): Hashing | undefined =>
  (globalThis.crypto as { subtle?: Hashing } | undefined)?.subtle

const ID_BYTES = 16

/**
 * The digest and the id of an identity text: sha256, and the UUIDv8 (RFC 9562, section 5.8) of its
 * first 16 bytes. Null where the page may not hash.
 */
export async function identify(
  text: string,
  hashing: Hashing | null = hashingOfPage() ?? null,
): Promise<Identity | null> {
  if (hashing === null) return null
  const bytes = new Uint8Array(new TextEncoder().encode(text))
  const hash = new Uint8Array(await hashing.digest('SHA-256', bytes))
  return { digest: `sha256:${hex(hash)}`, dispatchId: uuidV8(hash) }
}

function uuidV8(hash: Uint8Array): string {
  const bytes = hash.slice(0, ID_BYTES)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
