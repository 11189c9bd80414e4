import type { z } from 'zod'
import { canonicalJson } from '../../domain/canonical-json.ts'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import type { JsonObject } from '../../domain/json.ts'
import { LIMITS } from '../../domain/limits.ts'
import { LedgerError } from '../errors.ts'
import type { HttpPorts } from './ports.ts'
import type * as schemas from './schemas.ts'

/** No gate is trusted before each has shown that it can refuse. */
export function refuseUnlessReady({ negativeControls }: HttpPorts): void {
  const silent = negativeControls.filter((it) => !it.fired).map((it) => it.gate)
  if (silent.length === 0 && negativeControls.length > 0) return
  throw new LedgerError(
    'not-ready',
    `Gates that did not show they can refuse: ${silent.join(', ')}`,
  )
}

/** The command as it will be digested: nothing trimmed, coerced or filled in but the occurrence. */
export function toCommand(body: z.output<typeof schemas.command>): AskedCommand {
  const { contract, target, outputNamespace, occurrence = '', mode } = body
  const params = body.params as JsonObject
  const bytes = Buffer.byteLength(canonicalJson(params))
  if (bytes > LIMITS.paramsBytes) {
    throw new LedgerError(
      'too-large',
      `The params have ${bytes} bytes, more than ${LIMITS.paramsBytes}`,
    )
  }
  return { contract, target, params, outputNamespace, occurrence, mode }
}
