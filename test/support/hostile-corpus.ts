import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'

/** What stops a statement that was asked although the SQL judge refuses it. */
const Stop = z.union([
  z.strictObject({ sqlstate: z.string().regex(/^[0-9A-Z]{5}$/), why: z.string().optional() }),
  z.strictObject({
    evidence: z.array(z.enum(['noTransactionId', 'stillReadOnly', 'canaryIntact'])).min(1),
    why: z.string().optional(),
  }),
  z.strictObject({ failure: z.enum(['timeout time', 'limit rows', 'limit output']) }),
  /** It runs, and nothing is left of it. */
  z.strictObject({ leaves: z.literal('nothing'), why: z.string().optional() }),
  /** Nothing but the SQL judge, and the role where there is one: why. It is not run. */
  z.strictObject({ nothing: z.string().min(40) }),
])

const Entry = z.strictObject({
  name: z.string().min(3),
  source: z.string().optional(),
  as: z.enum(['reader', 'superuser']).default('reader'),
  sql: z.string(),
  refusedBy: z.union([z.string(), z.array(z.string())]).transform((it) => [it].flat()),
  stoppedBy: z.union([Stop, z.array(Stop)]).transform((it) => [it].flat()),
})

const Category = z.strictObject({
  source: z.string(),
  entries: z.array(Entry).min(1),
})

export type HostileStop = z.infer<typeof Stop>
export type HostileEntry = z.infer<typeof Entry>
export type HostileCategory = Readonly<{ category: string; entries: readonly HostileEntry[] }>

const FOLDER = new URL('../golden/hostile-sql/', import.meta.url)

/** The corpus, one category a file. What an entry names no source for has the one of its file. */
export const HOSTILE_SQL: readonly HostileCategory[] = readdirSync(FOLDER)
  .toSorted()
  .map((file) => {
    const { source, entries } = Category.parse(parse(readFileSync(new URL(file, FOLDER), 'utf8')))
    const category = file.replace(/\.yaml$/, '').replaceAll('-', ' ')
    return { category, entries: entries.map((it) => ({ ...it, source: it.source ?? source })) }
  })

/** What the SQL judge says when it refuses by a layer: `function pg_sleep` is one of these. */
const SAYS: Readonly<Record<string, (subject: string) => string>> = {
  statement: (it) =>
    /^\d+$/.test(it) ? `it is ${it} statements, not one` : `it is no SELECT: ${it}`,
  node: (it) => `${it} is not allowed`,
  function: (it) => `the function ${it} is not allowed`,
  field: (it) => `the field or function ${it} is not allowed`,
  type: (it) => `the type ${it} is not allowed`,
  operator: (it) => `the operator ${it} is not allowed`,
  collation: (it) => `the collation ${it} is not allowed`,
  relation: (it) => `the relation ${it} needs its schema before it`,
  schema: (it) => `the target does not offer the schema ${it}`,
  alias: () => 'what stands in FROM needs an alias',
  parse: (it) => it,
}

/** The words of the SQL judge that must refuse an entry, or null when it lets it pass. */
export function judgedAs({ refusedBy: [first = ''] }: HostileEntry): string | null {
  const [layer = '', ...subject] = first.split(' ')
  return SAYS[layer]?.(subject.join(' ')) ?? null
}

/** Layers that an entry meets after the SQL judge let it pass. */
export const LATER_LAYERS = ['role', 'database', 'evidence', 'limits', 'nothing']

export const isRun = (entry: HostileEntry): boolean =>
  !entry.stoppedBy.some((it) => 'nothing' in it)
