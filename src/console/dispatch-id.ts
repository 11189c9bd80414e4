import { uuidV8Bytes } from '../../domain/uuid-v8.ts'

export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** The id of the dispatch whose identity has this sha256. */
export const dispatchIdOf = (hash: Uint8Array): string =>
  hex(uuidV8Bytes(hash)).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
