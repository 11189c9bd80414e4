import { exitOf, UsageError } from './exit.ts'
import { nameOf, readCommands } from './read-commands.ts'
import { type CommonOptions, openSession, print } from './session.ts'

/** Dispatches every command of a file, in order. The exit code is the highest of theirs. */
export async function dispatch(
  file: string,
  options: CommonOptions & { readonly mode?: string },
): Promise<number> {
  const commands = readCommands(file).map((command, index) => {
    const mode = options.mode ?? command['mode']
    if (mode !== undefined) return { ...command, mode }
    throw new UsageError(
      `Command ${index + 1} of ${nameOf(file)} has no mode: give one with --mode.`,
    )
  })
  const ledger = openSession(options)
  let exit = 0
  for (const command of commands) {
    const answer = await ledger.request('POST', '/v1/dispatches', command)
    print(options, answer, showRecorded)
    exit = Math.max(exit, exitOf(answer))
  }
  return exit
}

type RecordedBody = Readonly<{
  dispatchId: string
  outcome: string
  reached: string
  eventsAppended: number
  position: number
  event: { data: { verdict?: string; outputDigest?: string; outputNamespace?: string } }
}>

export function showRecorded(body: RecordedBody): string {
  const { outcome, reached, eventsAppended, position, dispatchId } = body
  const { verdict, outputNamespace } = body.event.data
  const result = verdict === undefined ? '' : ` ${verdict} -> ${outputNamespace}`
  const events = `${eventsAppended} ${eventsAppended === 1 ? 'event' : 'events'}`
  return `${outcome.padEnd(9)} ${reached}${result}\n          ${dispatchId}  ${events}, position ${position}`
}
