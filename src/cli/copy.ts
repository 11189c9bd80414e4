import pc from 'picocolors'
import { type CopyProgress, NotACopy } from '../copy-ledger.ts'
import { copyBetween } from '../wiring.ts'
import { EXIT, UsageError } from './exit.ts'
import type { CommonOptions } from './session.ts'

type CopyOptions = CommonOptions &
  Readonly<{ from?: string; to?: string; fromPrefix?: string; toPrefix?: string }>

/** Moves a whole ledger into another store, and shows that both hold the same. */
export async function copy(options: CopyOptions): Promise<number> {
  const from = placeOf('--from', options.from, options.fromPrefix)
  const to = placeOf('--to', options.to, options.toPrefix)
  try {
    const { difference, ...done } = await copyBetween({ from, to }, tell(options))
    if (options.json) process.stdout.write(`${JSON.stringify({ ...done, difference })}\n`)
    else if (difference === null) process.stdout.write(`${showCopied(done)}\n`)
    else process.stderr.write(`The ledgers differ: ${difference}.\n`)
    return difference === null ? EXIT.yes : EXIT.no
  } catch (error) {
    if (!(error instanceof NotACopy)) throw error
    process.stderr.write(`${error.message}.\n`)
    return EXIT.no
  }
}

function placeOf(option: string, url: string | undefined, prefix = '') {
  if (url !== undefined && /^postgres(ql)?:\/\//.test(url)) return { url, eventStoreDb: null }
  if (url !== undefined && /^esdb(\+discover)?:\/\//.test(url)) {
    return { url: '', eventStoreDb: { url, prefix } }
  }
  throw new UsageError(`${option} takes a store: postgres://… or esdb://…`)
}

const TELL_EVERY_MS = 1_000

/** A line each second, on standard error. */
function tell({ json }: CopyOptions): (progress: CopyProgress) => void {
  let toldMs = performance.now()
  return ({ step, events, part }) => {
    if (json || performance.now() - toldMs < TELL_EVERY_MS) return
    toldMs = performance.now()
    const done = step === 'copy' ? 'copied' : 'compared'
    const percent = Math.floor(part * 100)
    process.stderr.write(pc.dim(`${done} ${events.toLocaleString('en')} events, ${percent} %\n`))
  }
}

function showCopied({ resumedAt, events }: { resumedAt: number; events: number }): string {
  const resumed = resumedAt === 0 ? '' : ', after those of an earlier copy'
  return `Copied ${events.toLocaleString('en')} events${resumed}. Both ledgers hold the same events.`
}
