import { z } from 'zod'
import type { DispatchCommand } from '../../domain/dispatch/command.ts'
import * as schemas from '../http/schemas.ts'
import { identify } from '../identity.ts'
import { UsageError } from './exit.ts'
import { nameOf, readCommands } from './read-commands.ts'
import type { CommonOptions } from './session.ts'

/** The mode is no part of who a command is, so a file may leave it out here. */
const command = schemas.command.partial({ mode: true })

/** Computes ids offline, from the file alone. */
export async function id(file: string, options: CommonOptions): Promise<number> {
  for (const [index, value] of readCommands(file).entries()) {
    const parsed = command.safeParse(value)
    if (!parsed.success) {
      const where = `Command ${index + 1} of ${nameOf(file)}`
      throw new UsageError(`${where} does not fit its schema: ${z.prettifyError(parsed.error)}`)
    }
    const { dispatchId, digest } = identify({ occurrence: '', ...parsed.data } as DispatchCommand)
    const line = options.json ? JSON.stringify({ dispatchId, digest }) : `${dispatchId}  ${digest}`
    process.stdout.write(`${line}\n`)
  }
  return 0
}
