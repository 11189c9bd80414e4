import Table from 'cli-table3'
import { isDispatchId } from '../identity.ts'
import { exitOf, UsageError } from './exit.ts'
import { showWhy } from './explain.ts'
import { ask, type CommonOptions, openSession, print } from './session.ts'

/** One dispatch with everything that justified it. As JSON: the dispatch and its events. */
export async function show(dispatchId: string, options: CommonOptions): Promise<number> {
  if (!isDispatchId(dispatchId)) throw new UsageError(`${dispatchId} is no dispatch id.`)
  if (!options.json) {
    return ask(options, { method: 'GET', path: `/v1/dispatches/${dispatchId}/explain` }, showWhy)
  }
  const ledger = openSession(options)
  const one = await ledger.request('GET', `/v1/dispatches/${dispatchId}`)
  if (one.status >= 300) print(options, one, String)
  else {
    const { body } = await ledger.request('GET', `/v1/dispatches/${dispatchId}/events`)
    print(options, { ...one, body: { ...(one.body as object), ...(body as object) } }, String)
  }
  return exitOf(one)
}

type Listed = Readonly<{
  dispatchId: string
  contract: { id: string; version: number }
  target: string
  reached: string | null
  verdict: string | null
  lastRefusal: string | null
  changedAt: string
}>

/** The dispatches, the last opened first. */
export function list(options: CommonOptions & { readonly pageSize?: string }): Promise<number> {
  const query = new URLSearchParams({ pageSize: options.pageSize ?? '20' })
  return ask(options, { method: 'GET', path: `/v1/dispatches?${query.toString()}` }, showList)
}

function showList({ dispatches }: { dispatches: readonly Listed[] }): string {
  if (dispatches.length === 0) return 'No dispatches yet.'
  const table = plainTable(['dispatch', 'contract', 'target', 'reached', 'verdict or refusal'])
  for (const it of dispatches) {
    const contract = `${it.contract.id}@${it.contract.version}`
    const result = it.verdict ?? it.lastRefusal ?? ''
    table.push([it.dispatchId, contract, it.target, it.reached ?? '-', result])
  }
  return table.toString()
}

export const plainTable = (head: string[]) =>
  new Table({
    head,
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '  ',
    },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })

/** Every event after a position, one a line, to the end of the log. */
export async function events(
  options: CommonOptions & { readonly after?: string; readonly type?: string },
): Promise<number> {
  const after = Number(options.after ?? 0)
  if (!Number.isSafeInteger(after) || after < 0) {
    throw new UsageError(`--after takes a position, a whole number from 0: found ${options.after}.`)
  }
  const range = { after, ...(options.type === undefined ? {} : { type: options.type }) }
  for await (const event of openSession(options).events(range)) {
    const { position, recordedAt, type, stream, revision } = event
    const line = options.json
      ? JSON.stringify(event)
      : `${String(position).padStart(7)}  ${recordedAt}  ${type.padEnd(18)} ${stream}@${revision}`
    process.stdout.write(`${line}\n`)
  }
  return 0
}
