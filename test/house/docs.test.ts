import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { KNOWN_EVENTS } from '../../domain/events.ts'
import type { Field } from '../../domain/filter/field.ts'
import { parseFilter } from '../../domain/filter/parse-filter.ts'
import { EVIDENCE_NAMES } from '../../domain/gates/evidence.ts'
import { GATES } from '../../domain/gates/index.ts'
import type { JsonObject } from '../../domain/json.ts'
import { LIMITS } from '../../domain/limits.ts'
import { dispatchFields } from '../../projections/dispatches/fields.ts'
import { outputFields } from '../../projections/outputs/fields.ts'
import { refusalFields } from '../../projections/refusals/fields.ts'
import { ROLES } from '../../src/access/scopes.ts'
import { readConfig } from '../../src/config.ts'
import {
  parseManifest,
  REQUEST_HEADERS,
  type ReceivedManifest,
} from '../../src/control/manifest.ts'
import { ERRORS, type ErrorCode } from '../../src/errors.ts'
import { ALLOWED_FUNCTIONS, ALLOWED_TYPES } from '../../src/executors/sql-read/allowed-names.ts'
import { whyBadSqlProgram } from '../../src/executors/sql-read/sql-read.ts'
import { whyBadSchema } from '../../src/facts/params.ts'
import type { HttpPorts } from '../../src/http/ports.ts'
import { STATUS } from '../../src/http/problem.ts'
import { createServer } from '../../src/http/server.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { runCli } from '../support/cli.ts'

const read = (file: string): string => readFileSync(file, 'utf8')

/** The rows of the table that stands below a header row, as plain cells. */
function table(file: string, header: string): string[][] {
  const lines = read(file).split('\n')
  const from = lines.findIndex((line) => line.startsWith(`| ${header}`))
  if (from < 0) throw new Error(`${file} has no table with the header ${header}`)
  const rows = lines.slice(from + 2)
  const end = rows.findIndex((line) => !line.startsWith('|'))
  return rows.slice(0, end < 0 ? undefined : end).map(cellsOf)
}

const cellsOf = (line: string): string[] =>
  line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim())
const plain = (cell = ''): string => cell.replaceAll('`', '')

describe('docs/errors.md', () => {
  it('lists every code with what the code says, and no other', () => {
    const listed = table('docs/errors.md', 'status | code').map((row) => row.map(plain))
    const expected = Object.entries(ERRORS).map(([code, entry]) => [
      String(STATUS[code as ErrorCode]),
      code,
      String(entry.rule ?? '-'),
      entry.whoMustAct,
      entry.retryable ? 'yes' : 'no',
      entry.title,
      entry.remedy,
    ])
    const byCode = (rows: string[][]) =>
      rows.toSorted((a, b) => (a[1] ?? '').localeCompare(b[1] ?? ''))
    expect(byCode(listed)).toEqual(byCode(expected))
  })
})

describe('docs/events.md', () => {
  it('lists every event type with its versions', () => {
    const listed = table('docs/events.md', 'event | version').map((row) =>
      row.slice(0, 2).map(plain),
    )
    expect(listed).toEqual(Object.entries(KNOWN_EVENTS).map(([type, of]) => [type, of.join(', ')]))
  })

  it('lists every gate in the order of judging', () => {
    const listed = table('docs/events.md', 'gate | stage').map((row) => row.slice(0, 3).map(plain))
    expect(listed).toEqual(GATES.map((gate) => [gate.name, gate.stage, String(gate.rule)]))
  })
})

describe('docs/safety-contract.md', () => {
  it('leads from each rule to files and tests that are there', () => {
    const rows = table('docs/safety-contract.md', 'rule | promise')
    expect(rows.map((row) => row[0])).toEqual(Array.from('0123456789'))
    for (const row of rows) {
      const files = [...`${row[2]} ${row[3]}`.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
      expect(files.filter((file) => !existsSync(file))).toEqual([])
      expect(files.some((file) => file.startsWith(`test/rules/rule-${row[0]}-`))).toBe(true)
    }
  })

  it('names every gate', () => {
    const text = read('docs/safety-contract.md')
    expect(GATES.filter((gate) => !text.includes(`domain/gates/${gate.name}.ts`))).toEqual([])
  })
})

describe('docs/reference.md', () => {
  let app: Awaited<ReturnType<typeof createServer>>
  beforeAll(async () => {
    const ports = {
      version: '0.0.0',
      negativeControls: [],
      consoleFiles: [],
    } as unknown as HttpPorts
    app = await createServer(ports, pino({ level: 'silent' }))
  })
  afterAll(() => app.close())

  it('lists every setting, as .env.example does', () => {
    const rows = [...table('docs/reference.md', 'variable | default')]
    const settings = rows.map((row) => plain(row[0]))
    for (const name of settings) {
      if (name === 'LEDGER_DATA_DIR' || name === 'LEDGER_HOST') continue
      expect(() => readConfig({ [name]: '\u0000' }), name).toThrow(name)
    }
    const example = [...read('.env.example').matchAll(/^([A-Z_]+)=/gm)].map((match) => match[1])
    const source = [...read('src/config.ts').matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(
      (match) => match[1],
    )
    const client = ['LEDGER_KEY', 'LEDGER_KEY_FILE', 'LEDGER_URL']
    expect(new Set(settings)).toEqual(new Set(source))
    expect(new Set(example)).toEqual(new Set([...settings, ...client]))
  })

  it('lists every route with its scope', () => {
    const listed = table('docs/reference.md', 'route | scope').map((row) =>
      row.slice(0, 2).map(plain),
    )
    const { paths = {} } = app.swagger() as unknown as {
      paths?: Record<string, Record<string, Operation>>
    }
    const served = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { security }]) => [
        `${method.toUpperCase()} ${path}`,
        security.length === 0 ? 'none' : (security[0]?.key[0] ?? 'any key'),
      ]),
    )
    const hidden = ['/openapi.json', '/metrics', '/docs', '/docs/{file}'].map((path) => [
      `GET ${path}`,
      'none',
    ])
    expect(new Set(listed.map(String))).toEqual(new Set([...served, ...hidden].map(String)))
  })

  it('lists every field of every list with what it is', () => {
    const fields = { dispatches: dispatchFields, refusals: refusalFields, outputs: outputFields }
    const wanted = Object.entries(fields).flatMap(([list, of]) =>
      Object.entries<Field>(of).map(([field, { type, values = [], nullable, ordered }]) => {
        const oneOf = values.length === 0 ? '' : `: ${values.join(', ')}`
        return [list, field, `${type}${nullable ? ', or none' : ''}${oneOf}`, ordered ? 'yes' : '']
      }),
    )
    expect(table('docs/reference.md', 'list | field').map((row) => row.map(plain))).toEqual(wanted)
    const limits = [LIMITS.filterLength, LIMITS.filterTerms, LIMITS.filterDepth]
    const [length = 0, terms, depth] = limits
    expect(read('docs/reference.md')).toContain(
      `At most ${length.toLocaleString('en')} characters, ${terms} comparisons and ${depth} parentheses`,
    )
  })

  it('shows filters that a list would take', () => {
    const block = /## Lists[\s\S]*?```\n([\s\S]*?)```/.exec(read('docs/reference.md'))?.[1] ?? ''
    const filters = block.trim().split('\n')
    const fields = { ...refusalFields, ...dispatchFields }
    expect(filters.map((it) => parseFilter(it, fields).ok)).toEqual([true, true, true])
  })

  it('lists every role with its scopes', () => {
    const everybody = ['catalogue:read', 'switch:read']
    const listed = table('docs/reference.md', 'role | scopes').map(([role, scopes]) => [
      plain(role),
      [...plain(scopes).split(', '), ...everybody],
    ])
    expect(listed).toEqual(Object.entries(ROLES).map(([role, scopes]) => [role, scopes]))
  })

  it('lists every command', async () => {
    const listed = table('docs/reference.md', 'command | does').map((row) => plain(row[0]))
    const groups = ['switch', 'catalogue', 'keys']
    const top = await commandsOf([])
    const below = await Promise.all(
      groups.map(async (group) => (await commandsOf([group])).map((name) => `${group} ${name}`)),
    )
    const bare = ['catalogue', 'keys']
    const offered = [...top.filter((name) => !bare.includes(name)), ...below.flat()]
    expect(listed.toSorted()).toEqual(offered.toSorted())
  })

  it('shows manifests that the server would take', () => {
    const yaml = /```yaml\n([\s\S]*?)```/.exec(read('docs/reference.md'))?.[1] ?? ''
    const documents = parseAllDocuments(yaml) as unknown as { toJS(): ReceivedManifest }[]
    const manifests = documents.map((document) => document.toJS())
    expect(manifests.map((it) => parseManifest(it).invalid)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(manifests.map((it) => it.kind)).toEqual(['Target', 'Fixture', 'Contract'])
    const schema = manifests[2]?.['params'] as Parameters<typeof whyBadSchema>[0]
    expect(whyBadSchema(schema)).toBeNull()
  })
})

describe('docs/executors.md', () => {
  const block = (name: string): string[] =>
    (new RegExp(`\`\`\`${name}\\n([\\s\\S]*?)\`\`\``).exec(read('docs/executors.md'))?.[1] ?? '')
      .split(/\s+/)
      .filter((word) => word !== '')

  it('lists every type with the evidence that it must show', () => {
    const listed = table('docs/executors.md', 'type | invokes').map(([type, , names]) => [
      plain(type),
      plain(names).split(', '),
    ])
    expect(Object.fromEntries(listed)).toEqual(EVIDENCE_NAMES)
  })

  it('lists every function and type that a statement may name', () => {
    expect(block('functions')).toEqual([...ALLOWED_FUNCTIONS].toSorted())
    expect(block('types')).toEqual([...ALLOWED_TYPES].toSorted())
  })

  it('lists every header that a target may send', () => {
    expect(block('headers')).toEqual([...REQUEST_HEADERS].toSorted())
  })

  it('shows manifests that the server would take', () => {
    const blocks = [...read('docs/executors.md').matchAll(/```yaml[^\n]*\n([\s\S]*?)```/g)]
    const manifests = blocks.flatMap(([, yaml = '']) =>
      (parseAllDocuments(yaml) as unknown as { toJS(): ReceivedManifest }[]).map((it) => it.toJS()),
    )
    expect(manifests.map(({ kind }) => kind).join(' ')).toBe(
      'Target Contract Target Contract Contract',
    )
    expect(manifests.flatMap((it) => parseManifest(it).invalid ?? [])).toEqual([])
    for (const manifest of manifests) {
      const { program, crossCheck = program } = manifest as Readonly<Record<string, JsonObject>>
      if (crossCheck && 'sql' in crossCheck) expect(whyBadSqlProgram(crossCheck)).toBeNull()
    }
  })
})

type Operation = Readonly<{ security: readonly { key: readonly string[] }[] }>

/** What `--help` offers below a group. */
async function commandsOf(group: readonly string[]): Promise<string[]> {
  const { stdout } = await runCli([...group, '--help'], { fromSource: true })
  const section = stdout.split('Commands:')[1]?.split('\n\n')[0] ?? ''
  const names = [...section.matchAll(/^ {2}([a-z-]+)/gm)].map((match) => match[1] ?? '')
  return names.filter((name) => name !== 'help')
}

describe('docs/operations.md', () => {
  it('lists every metric of the ledger with its labels, and no other', async () => {
    const listed = table('docs/operations.md', 'metric | tells').map((row) => plain(row[0]))
    const metrics = createMetrics().registry.getMetricsAsArray() as unknown as readonly Metric[]
    const own = metrics.filter(({ name }) => name.startsWith('ledger_'))
    const named = own.map(({ name, labelNames }) =>
      labelNames.length === 0 ? name : `${name}{${labelNames.join(',')}}`,
    )
    expect(listed.toSorted()).toEqual(named.toSorted())
  })
})

describe('the table of doctor', () => {
  it('has every check that doctor makes, and no other', () => {
    const listed = table('docs/operations.md', 'check | found').map((row) => plain(row[0]))
    const sources = ['src/cli/doctor.ts', 'src/cli/machine.ts', 'src/wiring.ts']
    const stores = ['postgres/examine.ts', 'postgres/examine-schema.ts', 'eventstoredb/examine.ts']
    const named = [...sources, ...stores.map((file) => `src/stores/${file}`)].flatMap((file) => [
      ...read(file).matchAll(/(?:check: |check = |(?:ok|warning|problem)\(\s*)'([a-z ]+)'/g),
    ])
    const ofSources = ['source NAME']
    expect(new Set([...named.map((match) => match[1]), ...ofSources])).toEqual(new Set(listed))
  })
})

/** What prom-client keeps of a metric and does not type. */
type Metric = Readonly<{ name: string; labelNames: readonly string[] }>

describe('docs/operations.md', () => {
  it('lists every limit of the load with its value', () => {
    const listed = table('docs/operations.md', 'limit | value').map((row) =>
      row.slice(0, 2).map(plain),
    )
    const ofLoad =
      /^(requests|requestHead|requestArrival|bodyBytesIn|key|lane|failedKeys|stream|conn|stop)/
    const limits = Object.entries(LIMITS).filter(([name]) => ofLoad.test(name))
    const wanted = limits.map(([name, value]) => [name, String(value)])
    expect(new Map(listed as [string, string][])).toEqual(new Map(wanted as [string, string][]))
  })
})

describe('a document', () => {
  it.each(['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'docs/trust.md'])(
    '%s links only to what is there',
    (file) => {
      const links = [...read(file).matchAll(/\]\(([^)#]+)\)/g)].map((match) => match[1] ?? '')
      expect(links.filter((link) => !existsSync(join(dirname(file), link)))).toEqual([])
    },
  )
})

describe('the README', () => {
  it('links only to what is there', () => {
    const links = [...read('README.md').matchAll(/\]\(([^)#]+)\)/g)].map((match) => match[1] ?? '')
    expect(links.length).toBeGreaterThan(4)
    expect(links.filter((link) => !existsSync(link))).toEqual([])
  })
})
