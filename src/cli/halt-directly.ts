import { userInfo } from 'node:os'
import { LIMITS } from '../../domain/limits.ts'
import { readConfig } from '../config.ts'
import type { Flip } from '../control/set-switch.ts'
import { haltDirectly } from '../direct.ts'
import { LedgerError } from '../errors.ts'
import { createLog } from '../telemetry/log.ts'
import { EXIT, UsageError } from './exit.ts'
import type { SwitchOptions } from './switch.ts'

/** Halts through the store, without a server and without a key, and says exactly what happened. */
export async function haltThroughStore(
  state: string,
  { scope = 'global', reason, json }: SwitchOptions,
): Promise<number> {
  if (state !== 'HALTED') {
    throw new UsageError('--direct can only set HALTED. A release goes through a server.')
  }
  if (reason === '' || reason.length > LIMITS.switchReasonLength) {
    throw new UsageError(`--reason takes 1 to ${LIMITS.switchReasonLength} characters.`)
  }
  const log = await createLog('silent')
  const halt = { scope, reason, actor: `direct:${userName()}` }
  try {
    const flip = await haltDirectly(readConfig(process.env), log, halt)
    process.stdout.write(`${json ? JSON.stringify({ scope, ...flip }) : show(scope, flip)}\n`)
    return EXIT.yes
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error
    process.stderr.write(`${error.message}. ${outcomeOf(error)}\n`)
    return error.code === 'not-found' ? EXIT.no : EXIT.unknown
  }
}

const outcomeOf = ({ recorded }: LedgerError): string =>
  recorded === 'unknown'
    ? 'Whether it is halted is not known: run the same command again.'
    : 'Nothing was halted.'

function show(scope: string, { position, appended }: Flip): string {
  const { actor, recordedAt, reason } = position
  const how =
    appended > 0
      ? `appended through the store by ${actor}; no server was asked`
      : `nothing appended: halted already at ${recordedAt} by ${actor}: ${reason}`
  return `${scope}  HALTED  in force from position ${position.position}\n${' '.repeat(scope.length)}  ${how}`
}

/** A container may run as a user that has no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`
  }
}
