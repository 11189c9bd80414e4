import * as crypto from 'node:crypto'
import { stringify, validate, version } from 'uuid'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { DispatchCommand } from '../domain/dispatch/command.ts'
import { eventIdText, identityText } from '../domain/identity.ts'
import type { Json } from '../domain/json.ts'
import { uuidV8Bytes } from '../domain/uuid-v8.ts'

export type Identity = { readonly digest: string; readonly dispatchId: string }

/** In one shot, which costs a third of a hash object. */
const sha256 = (text: string): Buffer => crypto.hash('sha256', text, 'buffer')

/** `sha256:<hex>` of the RFC 8785 text of a value. */
export const digestOf = (value: Json): string =>
  `sha256:${sha256(canonicalJson(value)).toString('hex')}`

const uuidV8 = (hash: Buffer): string => stringify(uuidV8Bytes(hash))

/** Who a command is. Any client computes the same offline: no clock, no key, no mode takes part. */
export function identify(command: DispatchCommand): Identity {
  const hash = sha256(identityText(command))
  return { digest: `sha256:${hash.toString('hex')}`, dispatchId: uuidV8(hash) }
}

export const eventId = (event: Parameters<typeof eventIdText>[0]): string =>
  uuidV8(sha256(eventIdText(event)))

export const isDispatchId = (text: string): boolean => validate(text) && version(text) === 8
