import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import type { JsonObject } from '../../domain/json.ts'

const text = z.string()
/** As it is: a record of zod would leave out what it thinks dangerous, and that is what is to be tried. */
const object = z.custom<JsonObject>((it) => typeof it === 'object' && it !== null)
const head = z.array(text).min(1)

/** What a service sends, in order; texts are bytes, one a character. At the end it holds the line. */
const Step = z.union([
  text,
  /** A head whose first line may leave `HTTP/1.1` out; a body gets its length. */
  z.strictObject({ head, body: text.optional() }),
  /** So many zeros behind a head, packed until little is left of them. */
  z.strictObject({ head, packed: z.enum(['gzip', 'deflate', 'br']), zeros: z.int().min(1) }),
  /** Without `times` it goes on for as long as somebody is there. */
  z.strictObject({
    repeat: text,
    times: z.int().min(1).optional(),
    everyMs: z.int().min(1).optional(),
  }),
  /** `end` says that nothing more comes, `cut` resets the connection. */
  z.strictObject({ last: z.enum(['end', 'cut']) }),
])

const TlsKind = z.enum([
  ...(['good', 'self-signed', 'other-authority', 'expired', 'not-yet', 'other-name'] as const),
  ...(['address-as-name', 'asks-for-certificate', 'old'] as const),
  ...(['speaks-no-tls', 'never-speaks', 'cut-in-handshake'] as const),
])
const Connection = z.enum([
  ...(['refused', 'never-made', 'made-late'] as const),
  ...(['never-resolved', 'resolved-late', 'unresolvable'] as const),
])

const inputs = {
  /** Laid over a good target, or over the program or the limits of a good contract. */
  manifest: z.strictObject({
    target: object.optional(),
    program: object.optional(),
    limits: object.optional(),
  }),
  params: z.strictObject({
    path: text.optional(),
    bind: z.record(text, text).optional(),
    body: z.json().optional(),
    params: object,
  }),
  /** `rebinds` is what the name is resolved to when it is connected to; else what it was before. */
  network: z.strictObject({
    origin: text,
    allow: text,
    resolves: z.array(text).optional(),
    rebinds: z.array(text).optional(),
    method: text.default('POST'),
    marker: object.nullable().optional(),
    body: z.json().optional(),
  }),
  service: z.strictObject({
    sends: z.array(Step).default([]),
    /** What a second request is sent, after the first was answered as it should be. */
    next: z.array(Step).optional(),
    tls: TlsKind.optional(),
    /** The host of the origin, where a name or TLS matters. */
    host: text.optional(),
    connection: Connection.optional(),
    methods: z.array(z.enum(['GET', 'HEAD', 'POST'])).default(['POST']),
    marker: object.nullable().optional(),
  }),
}

/** `why`: where in a manifest, pointers, or what the executor says of what comes as far as that. */
const RefusedBy = z.strictObject({
  layer: z.enum(['manifest', 'params', 'gate', 'connector', 'answer']),
  code: z.enum([
    ...(['manifest-invalid', 'params-invalid', 'executor-unsafe'] as const),
    ...(['executor-failed', 'executor-timeout', 'mutation-suspected'] as const),
  ]),
  why: z.union([text, z.array(text)]).transform((it) => [it].flat()),
})
const Passes = z.strictObject({
  verdict: z.enum(['would_succeed', 'would_fail']).default('would_succeed'),
  /** Of the output, where there is one. */
  body: z.json().optional(),
  /** The path of the request that was made of params. */
  path: text.optional(),
})

const Case = z.strictObject({
  name: text.min(3),
  source: text.optional(),
  manifest: inputs.manifest.optional(),
  params: inputs.params.optional(),
  network: inputs.network.optional(),
  service: inputs.service.optional(),
})
const hasOneInput = (it: z.infer<typeof Case>): boolean =>
  INPUTS.filter((key) => it[key] !== undefined).length === 1

const Category = z.strictObject({
  source: text,
  /** What is like the entries, and must be let through: else nothing is shown by their refusal. */
  controls: z.array(Case.extend({ passes: Passes }).refine(hasOneInput)).min(1),
  entries: z.array(Case.extend({ refusedBy: RefusedBy }).refine(hasOneInput)).min(1),
})

const INPUTS = ['manifest', 'params', 'network', 'service'] as const
type Inputs = { readonly [K in (typeof INPUTS)[number]]: z.infer<(typeof inputs)[K]> }

export type HostileStep = z.infer<typeof Step>
export type HostileTls = z.infer<typeof TlsKind>
export type HostileNetwork = Inputs['network']
export type HostileService = Inputs['service']
export type HostileLayer = z.infer<typeof RefusedBy>['layer']
export type HostileEntry = z.infer<typeof Category>['entries'][number]

const FOLDER = new URL('../golden/hostile-http/', import.meta.url)

type Read = Readonly<{ category: string }> & z.infer<typeof Category>

/** The corpus, one category a file. What an entry names no source for has the one of its file. */
export const HOSTILE_HTTP: readonly Read[] = readdirSync(FOLDER)
  .toSorted()
  .map((file) => {
    const { data: read, error } = Category.safeParse(
      parse(readFileSync(new URL(file, FOLDER), 'utf8')),
    )
    if (error !== undefined) throw new Error(`${file} is no category`, { cause: error })
    const entries = read.entries.map((it) => ({ ...it, source: it.source ?? read.source }))
    return { ...read, category: file.replace(/\.yaml$/, '').replaceAll('-', ' '), entries }
  })

/** The entries and the controls that have an input of this kind, by category. */
export function casesOf<K extends keyof Inputs>(key: K) {
  const only = <T extends HostileEntry | Read['controls'][number]>(all: readonly T[]) =>
    all.flatMap((it) => {
      const input = it[key]
      return input === undefined ? [] : [{ ...it, input: input as Inputs[K] }]
    })
  return HOSTILE_HTTP.map(({ category, entries, controls }) => ({
    category,
    entries: only(entries),
    controls: only(controls),
  })).filter(({ entries, controls }) => entries.length + controls.length > 0)
}
