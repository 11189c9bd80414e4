import { buildConnector } from 'undici'
import type { Dial } from './connector.ts'

const CONNECT_MS = 5_000

/** Verifies TLS whatever NODE_TLS_REJECT_UNAUTHORIZED says; more authorities come by NODE_EXTRA_CA_CERTS. */
export const verifyingDial = (ca?: string): Dial =>
  buildConnector({
    timeout: CONNECT_MS,
    rejectUnauthorized: true,
    maxCachedSessions: 0,
    allowH2: false,
    ...(ca === undefined ? {} : { ca }),
  })
