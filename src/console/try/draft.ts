import { isObject, type JsonObject } from '../../../domain/json.ts'
import { readJson } from './json-text.ts'

/** What a person chose so far. Null stands for what the form begins with. */
export type Draft = Readonly<{
  /** `id@version` */
  contract: string | null
  target: string | null
  namespace: string | null
  occurrence: string
  params: JsonObject | null
}>

export const emptyDraft = (contract: string | null): Draft => ({
  contract,
  target: null,
  namespace: null,
  occurrence: '',
  params: null,
})

/** What a link may hold: a server reads 16 KiB of a request's head, and browsers keep this much. */
export const LINK_LENGTH_MAX = 6_000

/** The draft of an address, and what of the address is no draft. */
export function readDraft(
  query: URLSearchParams,
): Readonly<{ draft: Draft; wrong: string | null }> {
  const text = query.get('params')
  const read = text === null ? null : readJson(text)
  const params = read?.ok === true && isObject(read.value) ? read.value : null
  const draft = {
    contract: query.get('contract'),
    target: query.get('target'),
    namespace: query.get('namespace'),
    occurrence: query.get('occurrence') ?? '',
    params,
  }
  const wrong = text === null || params !== null ? null : whyNoParams(read)
  return { draft, wrong }
}

const whyNoParams = (read: ReturnType<typeof readJson> | null): string =>
  `The params of the link are left out: ${read?.ok === false ? read.wrong : 'they are not an object'}.`

/** The address of a draft. Params that make it too long are left out: `isWhole` says so. */
export function writeDraft(draft: Draft): Readonly<{ query: string; isWhole: boolean }> {
  const { params, ...rest } = draft
  const query = new URLSearchParams(
    Object.entries(rest).filter(
      (it): it is [string, string] => it[1] !== null && !(it[0] === 'occurrence' && it[1] === ''),
    ),
  )
  const short = query.toString()
  if (params === null) return { query: short, isWhole: true }
  query.set('params', JSON.stringify(params))
  const whole = query.toString()
  const isWhole = whole.length <= LINK_LENGTH_MAX
  return { query: isWhole ? whole : short, isWhole }
}
