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

type Asked = Readonly<Record<'namespace' | 'filter' | 'orderBy', string | undefined>>
type ListOptions = CommonOptions & Partial<Asked> & { readonly pageSize?: string }

/** The dispatches, the last opened first. */
export const list = (options: ListOptions): Promise<number> =>
  askList('dispatches', options, showList)

/** The recorded refusals, the last first. */
export const refusals = (options: ListOptions): Promise<number> =>
  askList('refusals', options, showRefusals)

async function askList(
  name: string,
  { pageSize = '20', namespace, filter, orderBy, ...options }: ListOptions,
  showRows: (body: never) => string,
): Promise<number> {
  const asked = { namespace, filter, orderBy }
  const given = Object.entries(asked).filter((it): it is [string, string] => it[1] !== undefined)
  const query = new URLSearchParams([['pageSize', pageSize], ...given]).toString()
  const answer = await openSession(options).request('GET', `/v1/${name}?${query}`)
  print(options, answer, showRows)
  if (!options.json) process.stdout.write(showCharacter(answer.body, asked))
  return exitOf(answer)
}

/** The text that could not be read, with a caret under the character that the server named. */
function showCharacter(body: unknown, asked: Asked): string {
  const { parameter, character } = body as { parameter?: keyof Asked; character?: number }
  if (parameter === undefined || character === undefined) return ''
  const text = (asked[parameter] ?? '').replace(/\p{Cc}/gu, ' ')
  const indent = ' '.repeat(10)
  return `\n${indent}${text}\n${indent}${' '.repeat(character - 1)}^\n`
}

type Refusal = Readonly<{
  recordedAt: string
  code: string
  whoMustAct: string
  contract: { id: string; version: number }
  target: string
  dispatchId: string
}>

function showRefusals({ refusals: found }: { refusals: readonly Refusal[] }): string {
  if (found.length === 0) return 'No refusals yet.'
  const table = plainTable(['recorded', 'code', 'who must act', 'contract', 'target', 'dispatch'])
  for (const it of found) {
    const contract = `${it.contract.id}@${it.contract.version}`
    table.push([it.recordedAt, it.code, it.whoMustAct, contract, it.target, it.dispatchId])
  }
  return table.toString()
}

type Projection = Readonly<{
  name: string
  version: number
  state: string
  detail: string
  position: number
  lag: { positions: number; seconds: number }
}>

/** The read models: how far each is, and what this server does for it. */
export const projections = (options: CommonOptions): Promise<number> =>
  ask(options, { method: 'GET', path: '/v1/projections' }, showProjections)

function showProjections(body: { projections: readonly Projection[] }): string {
  const table = plainTable(['projection', 'state', 'position', 'behind', 'seconds', ''])
  for (const { name, version, state, detail, position, lag } of body.projections) {
    const seconds = Math.round(lag.seconds)
    table.push([`${name}_v${version}`, state, position, lag.positions, seconds, detail])
  }
  return table.toString()
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

type EventOptions = CommonOptions & Readonly<{ after?: string; type?: string; follow?: boolean }>

/** Every event after a position, one a line: to the end of the log, or for ever. */
export async function events({ follow = false, ...options }: EventOptions): Promise<number> {
  const after = Number(options.after ?? 0)
  if (!Number.isSafeInteger(after) || after < 0) {
    throw new UsageError(`--after takes a position, a whole number from 0: found ${options.after}.`)
  }
  const range = { after, follow, ...(options.type === undefined ? {} : { type: options.type }) }
  for await (const event of openSession(options).events(range)) {
    const { position, recordedAt, type, stream, revision } = event
    const mark = event.void ? '  void' : ''
    const line = options.json
      ? JSON.stringify(event)
      : `${String(position).padStart(7)}  ${recordedAt}  ${type.padEnd(18)} ${stream}@${revision}${mark}`
    process.stdout.write(`${line}\n`)
  }
  return 0
}
