import { loadDotEnv } from '../dot-env.ts'
import { EXIT } from './exit.ts'

/** Runs a command and ends the process with its exit code; a failure becomes one sentence. */
export async function run(command: () => Promise<number>): Promise<void> {
  try {
    loadDotEnv()
    process.exitCode = await command()
  } catch (error) {
    process.stderr.write(`${sentenceOf(error)}\n`)
    process.exitCode = exitOfError(error)
  }
}

/** Errors that are the person's to mend, by name: nothing is loaded just to compare with its class. */
const WRONG_USAGE = ['UsageError', 'ConfigError', 'StartError', 'LedgerError']

const exitOfError = (error: unknown): number =>
  error instanceof Error && WRONG_USAGE.includes(error.constructor.name) ? EXIT.usage : EXIT.unknown

/** A connection refused on every address has no message of its own. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as { code?: string }
  return error.message || code || error.name
}
