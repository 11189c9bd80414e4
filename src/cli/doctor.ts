import { type Config, ConfigError, readConfig } from '../config.ts'
import type { Finding } from '../ports.ts'
import { createLog } from '../telemetry/log.ts'
import { examineStore } from '../wiring.ts'
import { EXIT } from './exit.ts'
import { examineMachine, examineServer } from './machine.ts'
import type { CommonOptions } from './session.ts'

/** Looks at everything a ledger rests on, one line a finding, and changes nothing. */
export async function doctor(options: CommonOptions): Promise<number> {
  const findings: Finding[] = []
  for await (const finding of examineAll(options)) {
    findings.push(finding)
    process.stdout.write(`${options.json ? JSON.stringify(finding) : lineOf(finding)}\n`)
  }
  return exitOf(findings)
}

async function* examineAll(options: CommonOptions): AsyncGenerator<Finding> {
  const config = configuration()
  if ('check' in config) return yield config
  yield* await examineMachine(config, process.env)
  yield* await examineStore(config, await createLog('silent'))
  yield* await examineServer(options.url, process.env)
}

function configuration(): Config | Finding {
  try {
    return readConfig(process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const todo = 'Set it right in the environment or in .env.'
    return { check: 'configuration', status: 'problem', found: error.message, todo }
  }
}

const lineOf = ({ check, status, found, todo }: Finding): string =>
  `${status.padEnd(8)} ${check.padEnd(14)} ${found}${todo === null ? '' : `. ${todo}`}`

/** 3 where something could not be told, for then nothing says that all is well. */
function exitOf(findings: readonly Finding[]): number {
  const statuses = findings.map((finding) => finding.status)
  if (statuses.includes('unknown')) return EXIT.unknown
  return statuses.every((status) => status === 'ok') ? EXIT.yes : EXIT.no
}
