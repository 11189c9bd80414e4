import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Json } from '../../domain/json.ts'

/** A JSON schema as the document holds it. */
export type Schema = Readonly<{
  $ref?: string
  type?: string
  enum?: readonly Json[]
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  items?: Schema
  minItems?: number
  properties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
  additionalProperties?: boolean | Schema
}>

export type Parameter = Readonly<{
  in: 'path' | 'query' | 'header'
  name: string
  required: boolean
  schema: Schema
}>

export type Operation = Readonly<{
  id: string
  method: string
  /** With `{name}` where a path parameter stands. */
  path: string
  parameters: readonly Parameter[]
  /** The schema of its JSON body, or null where it takes none. */
  body: Schema | null
}>

/** What an answer looked like from outside; `json` is undefined where the text is no JSON. */
export type Answer = Readonly<{
  status: number
  headers: Readonly<Record<string, string | undefined>>
  trailers: Readonly<Record<string, string | undefined>>
  text: string
  json: unknown
}>

type Media = Readonly<Record<string, { schema: Schema }>>
type Described = Readonly<{
  operationId: string
  parameters?: readonly Parameter[]
  requestBody?: { content: Media }
  responses: Readonly<Record<string, { content?: Media }>>
}>
export type OpenApi = Readonly<{
  paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
  components: { schemas: Readonly<Record<string, Schema>> }
}>

/** The promises of an OpenAPI document, to ask for and to hold answers against. */
export type Document = Readonly<{
  operations: readonly Operation[]
  /** The schema itself, where it is a reference. */
  resolve(schema: Schema): Schema
  /** Why an answer is not one that the document gives for an operation; null when it is. */
  whyNotPromised(operation: Operation, answer: Answer): string | null
}>

export function readDocument(document: OpenApi): Document {
  const ajv = new Ajv2020({ strict: true, allErrors: true })
  // A pattern stands beside every format, and says the same.
  for (const format of ['uuid', 'date-time']) ajv.addFormat(format, true)
  ajv.addVocabulary(Object.keys(document))
  ajv.addSchema(document, 'document', true, false)

  const validatorAt = (...steps: readonly string[]): ValidateFunction => {
    const pointer = steps.map((it) => it.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')
    const found = ajv.getSchema(`document#/${encodeURI(pointer)}`)
    if (found === undefined) throw new Error(`the document has nothing at ${pointer}`)
    return found
  }

  return {
    operations: Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, it]) => operationOf(path, method, it)),
    ),
    resolve(schema) {
      const name = schema.$ref?.split('/').at(-1)
      return name === undefined ? schema : (document.components.schemas[name] as Schema)
    },
    whyNotPromised({ method, path }, { status, headers, text, json }) {
      const responses = document.paths[path]?.[method.toLowerCase()]?.responses ?? {}
      const promised = [String(status), `${Math.floor(status / 100)}XX`].find(
        (it) => it in responses,
      )
      if (promised === undefined) return `nothing is said of ${status}`
      const content = responses[promised]?.content ?? {}
      const media = headers['content-type']?.split(';')[0] ?? 'nothing'
      if (!(media in content))
        return `${promised} is said to be ${Object.keys(content).join()}: ${media}`
      const at = ['paths', path, method.toLowerCase(), 'responses', promised, 'content', media]
      const validate = validatorAt(...at, 'schema')
      return validate(/[/+]json$/.test(media) ? json : text)
        ? null
        : ajv.errorsText(validate.errors)
    },
  }
}

const operationOf = (path: string, method: string, described: Described): Operation => ({
  id: described.operationId,
  method: method.toUpperCase(),
  path,
  parameters: described.parameters ?? [],
  body: described.requestBody?.content['application/json']?.schema ?? null,
})
