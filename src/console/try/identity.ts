import { dispatchIdOf, hex } from '../dispatch-id.ts'

export type Identity = Readonly<{ digest: string; dispatchId: string }>

type Hashing = {
  digest(algorithm: 'SHA-256', data: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer>
}

/** A page has it on https and on a loopback address alone. */
const hashingOfPage = (): Hashing | undefined =>
  (globalThis.crypto as { subtle?: Hashing } | undefined)?.subtle

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
  return { digest: `sha256:${hex(hash)}`, dispatchId: dispatchIdOf(hash) }
}
