import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Answer, connect, type Ledger } from '../client/index.ts'
import { exitOf, UsageError } from './exit.ts'

/** The options that every command has. */
export type CommonOptions = Readonly<{ json?: boolean; url?: string; keyFile?: string }>

const DEFAULT_URL = 'http://127.0.0.1:4400'

/** A connection with the key of --key-file, LEDGER_KEY, LEDGER_KEY_FILE or the data directory. */
export function openSession(options: CommonOptions): Ledger {
  const url = options.url || process.env['LEDGER_URL'] || DEFAULT_URL
  if (!URL.canParse(url)) throw new UsageError(`${url} is no URL: use http://host:port`)
  return connect({ url, key: readKey(options) })
}

function readKey({ keyFile }: CommonOptions): string {
  const { LEDGER_KEY, LEDGER_KEY_FILE, LEDGER_DATA_DIR } = process.env
  if (keyFile === undefined && LEDGER_KEY) return LEDGER_KEY
  const file =
    keyFile || LEDGER_KEY_FILE || join(LEDGER_DATA_DIR || '.dispatch-ledger', 'admin.key')
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
    throw new UsageError(
      `The key file ${file} ${why}: name one with --key-file, or set LEDGER_KEY.`,
    )
  }
}

/**
 * Sends one request, prints its answer (as JSON where asked for, else as `show` writes it), and
 * returns the exit code.
 */
export async function ask(
  options: CommonOptions,
  request: { method: string; path: string; body?: unknown },
  show: (body: never, answer: Answer) => string,
): Promise<number> {
  const ledger = openSession(options)
  const answer = await ledger.request(request.method, request.path, request.body)
  print(options, answer, show)
  return exitOf(answer)
}

/** Answers go to standard output; so do refusals, which are answers too. */
export function print(
  { json }: CommonOptions,
  answer: Answer,
  show: (body: never, answer: Answer) => string,
): void {
  if (json) return void process.stdout.write(`${JSON.stringify(answer.body)}\n`)
  const text = answer.status < 300 ? show(answer.body as never, answer) : showProblem(answer)
  process.stdout.write(`${text}\n`)
}

type ProblemBody = Readonly<{
  code: string
  title: string
  detail: string
  rule: number | null
  whoMustAct: string
  recorded: string
}>

export function showProblem({ body, status }: Answer): string {
  const { code, title, detail, rule, whoMustAct, recorded } = body as ProblemBody
  const ofRule = rule === null ? '' : `, rule ${rule}`
  const acts = whoMustAct === 'nobody' ? '' : ` Who must act: ${whoMustAct}.`
  return `refused   ${code} (${status}${ofRule}) ${title}\n          ${detail}${acts} Recorded: ${recorded}.`
}

/** The `--database-url` of a command that acts as the owner of the database. */
export function ownerUrl(given: string | undefined): string | undefined {
  if (given !== undefined && !/^postgres(ql)?:\/\//.test(given)) {
    throw new UsageError('--database-url must start with postgres://')
  }
  return given
}
