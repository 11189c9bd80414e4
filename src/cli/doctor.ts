import { type Config, ConfigError, readConfig } from '../config.ts'
import type { Finding } from '../ports.ts'
import { createLog } from '../telemetry/log.ts'
import { examineSqlSource, examineSqlSources, examineStore, sqlForReader } from '../wiring.ts'
import { EXIT, UsageError } from './exit.ts'
import { examineMachine, examineServer } from './machine.ts'
import type { CommonOptions } from './session.ts'

type DoctorOptions = CommonOptions & Readonly<{ source?: string; sql?: boolean }>

/** Looks at everything a ledger rests on, one line a finding, and changes nothing. */
export async function doctor(options: DoctorOptions): Promise<number> {
  if (options.sql) return printReaderSql(options)
  const findings: Finding[] = []
  for await (const finding of examineAll(options)) {
    findings.push(finding)
    process.stdout.write(`${options.json ? JSON.stringify(finding) : lineOf(finding)}\n`)
  }
  return exitOf(findings)
}

async function* examineAll(options: DoctorOptions): AsyncGenerator<Finding> {
  const config = configuration()
  if ('check' in config) return yield config
  if (options.source !== undefined) {
    return yield* await examineSqlSource(options.source, urlOf(options.source, config))
  }
  yield* await examineMachine(config, process.env)
  yield* await examineStore(config, await createLog('silent'))
  yield* await examineSqlSources(config)
  yield* await examineServer(options.url, process.env)
}

/** The statements that make a login for a source; they can be piped into psql as they are. */
async function printReaderSql({ source }: DoctorOptions): Promise<number> {
  if (source === undefined) throw new UsageError('--sql prints a login for a source: --source NAME')
  const sql = await sqlForReader(source, urlOf(source, readConfig(process.env)))
  process.stdout.write(`${sql}\n`)
  return EXIT.yes
}

function urlOf(source: string, { sqlSources }: Config): string {
  const url = Object.hasOwn(sqlSources, source) ? sqlSources[source] : undefined
  if (url !== undefined) return url
  const names = Object.keys(sqlSources).join(', ') || 'none'
  throw new UsageError(`LEDGER_SQL_SOURCES has no source ${source}; it has: ${names}.`)
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
