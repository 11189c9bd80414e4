import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js'
import jsonata from 'jsonata'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

type Params = Readonly<Record<string, unknown>>
type Unit = {
  number: string
  title: string
  page: number
  firstLine: number
  lines: number
  text: string[]
}
type Answer = { verdict: string; output: { units: Unit[]; contents: unknown } }
type Case = { name: string; params: Params; verdict: string; output: unknown }
type Contract = {
  id: string
  version: number
  fixture: string
  params: AnySchema
  program: { jsonata: string }
  limits: { bytes: number }
  baseline: Case[]
}
type Command = {
  contract: { id: string; version: number }
  target: string
  params: Params
  outputNamespace: string
  mode: string
}

const root = new URL('../../examples/iu-cutter/', import.meta.url)
const text = (path: string) => readFileSync(new URL(path, root), 'utf8')

const document = text('document/rfc6962.txt')
const contract = parse(text('catalogue/contract.yaml')) as Contract
const target = parse(text('catalogue/target.yaml')) as { id: string; version: number }
const fixture = JSON.parse(text('catalogue/fixture.json')) as {
  id: string
  version: number
  data: { sha256: string; lines: string[] }
}
const commands = readdirSync(new URL('commands/', root)).map((file) => ({
  file,
  command: JSON.parse(text(`commands/${file}`)) as Command,
}))
const accepts = new Ajv2020({ allErrors: true }).compile(contract.params)
const whole = { maxDepth: 6, text: true, contents: true }

async function cut(params: Params, lines = fixture.data.lines): Promise<Answer> {
  const input = { params, fixture: { ...fixture.data, lines } }
  const answer: unknown = await jsonata(contract.program.jsonata).evaluate(input)
  return JSON.parse(JSON.stringify(answer)) as Answer
}

const isPageBreak = (line: string) =>
  /\[Page \d+\]$/.test(line) || line === '\f' || /^RFC 6962 .* June 2013$/.test(line)

/** The table of contents, read without JSONata: an entry may go on in the next line and ends with its page. */
function readContents(): { number: string; title: string; page: number }[] {
  const lines = document.split('\n')
  const begin = lines.indexOf('Table of Contents') + 1
  const end = lines.findIndex((line, i) => i > begin && line.startsWith('1.  '))
  const entries: string[] = []
  let open = ''
  for (const line of lines.slice(begin, end)) {
    if (isPageBreak(line) || line.trim() === '') continue
    open = `${open} ${line.trim()}`.trim()
    if (!/\.\.\d+$/.test(line)) continue
    entries.push(open)
    open = ''
  }
  return entries.map((entry) => {
    const [number = '', ...words] = entry.replace(/ \.+\d+$/, '').split(' ')
    const page = Number(entry.slice(entry.lastIndexOf('.') + 1))
    return { number: number.slice(0, -1), title: words.join(' '), page }
  })
}

/** What the units share out: from the first heading to the authors' addresses, without page breaks and empty lines. */
function readBody(): string[] {
  const lines = document.split('\n')
  const begin = lines.findIndex((line) => line.startsWith('1.  '))
  return lines
    .slice(begin, lines.indexOf("Authors' Addresses"))
    .filter((line) => !isPageBreak(line) && line.trim() !== '')
}

describe('the cut of RFC 6962', () => {
  it('has the titles, numbers and pages of the table of contents, in order', async () => {
    const { verdict, output } = await cut(whole)
    const contents = readContents()
    expect(contents).toHaveLength(41)
    expect(verdict).toBe('would_succeed')
    expect(output.units.map(({ number, title, page }) => ({ number, title, page }))).toEqual(
      contents,
    )
    expect(output.contents).toEqual(contents)
  })

  it('begins each unit at its heading and counts its lines', async () => {
    const { output } = await cut(whole)
    for (const { number, title, firstLine, lines, text: unitText } of output.units) {
      expect(fixture.data.lines[firstLine - 1]).toBe(`${number}.  ${title}`)
      expect(unitText.filter((line) => line !== '')).toHaveLength(lines)
    }
  })

  it.each([1, 2, 3])('shares out every line of the body once at depth %i', async (maxDepth) => {
    const { output } = await cut({ ...whole, maxDepth })
    expect(output.units.flatMap((unit) => unit.text).filter((line) => line !== '')).toEqual(
      readBody(),
    )
  })

  it('stays within the output limit with everything asked', async () => {
    const { output } = await cut(whole)
    expect(Buffer.byteLength(JSON.stringify(output))).toBeLessThan(contract.limits.bytes)
  })
})

describe('a copy whose headings are not those of its contents', () => {
  const edited = (from: string, to: string) =>
    fixture.data.lines.map((line) => (line.startsWith(from) ? to : line))
  const swapped = (a: string, b: string) =>
    fixture.data.lines.map((line) => (line === a ? b : line === b ? a : line))
  const differ = (onlyInContents: string[], onlyInBody: string[]) => ({
    verdict: 'would_fail',
    output: { reason: 'contents-differ', onlyInContents, onlyInBody },
  })

  it('fails when a heading has another title', async () => {
    expect(await cut(whole, edited('3.4.  Merkle Tree', '3.4.  Merkle Forest'))).toEqual(
      differ(['3.4. Merkle Tree, page 15'], ['3.4. Merkle Forest, page 15']),
    )
  })

  it('fails when a heading is gone', async () => {
    expect(await cut(whole, edited('2.1.3.  Example', ''))).toEqual(
      differ(['2.1.3. Example, page 7'], []),
    )
  })

  it('fails when the contents leave a section out', async () => {
    expect(await cut(whole, edited('   9. Future Changes', ''))).toEqual(
      differ([], ['9. Future Changes, page 25']),
    )
  })

  it('fails when a section stands on another page', async () => {
    const moved = edited('   9. Future Changes', '   9. Future Changes ......24')
    expect(await cut(whole, moved)).toEqual(
      differ(['9. Future Changes, page 24'], ['9. Future Changes, page 25']),
    )
  })

  it('fails when two sections have changed places, though both are there', async () => {
    const lines = swapped('1.1.  Requirements Language', '1.2.  Data Structures')
    expect(await cut(whole, lines)).toEqual(differ([], []))
  })

  it('fails a single section, too', async () => {
    const answer = await cut({ ...whole, section: '8' }, edited('9.  Future Changes', ''))
    expect(answer).toEqual(differ(['9. Future Changes, page 25'], []))
  })

  it('fails without any contents', async () => {
    const answer = await cut(whole, edited('Table of Contents', ''))
    expect(answer).toEqual({ verdict: 'would_fail', output: { reason: 'no-contents' } })
  })
})

describe('the catalogue of iu-cutter', () => {
  it('has at least twenty baseline cases with names of their own and both verdicts', () => {
    const { baseline } = contract
    expect(baseline.length).toBeGreaterThanOrEqual(20)
    expect(new Set(baseline.map(({ name }) => name)).size).toBe(baseline.length)
    expect(new Set(baseline.map(({ verdict }) => verdict)).size).toBe(2)
  })

  it.each(contract.baseline)('baseline: $name', async ({ params, verdict, output }) => {
    expect(accepts(params), JSON.stringify(accepts.errors)).toBe(true)
    expect(await cut(params)).toStrictEqual({ verdict, output })
  })

  it('refuses params that are incomplete, unknown or out of range', () => {
    const { maxDepth, ...noDepth } = whole
    expect(accepts(noDepth)).toBe(false)
    expect(accepts({ ...whole, maxDepth: maxDepth + 1 })).toBe(false)
    expect(accepts({ ...whole, maxDepth: 0 })).toBe(false)
    expect(accepts({ ...whole, section: 'A.1' })).toBe(false)
    expect(accepts({ ...whole, chapter: '2' })).toBe(false)
  })

  it('holds the document byte for byte', () => {
    expect(`${fixture.data.lines.join('\n')}\n`).toBe(document)
    const sha256 = createHash('sha256').update(document).digest('hex')
    expect(fixture.data.sha256).toBe(sha256)
    expect(text('README.md')).toContain(sha256)
  })

  it.each([
    new URL('../../examples/iu-cutter/make-fixture.mjs', import.meta.url),
    new URL('../../examples/iu-cutter/make-baseline.mjs', import.meta.url),
  ])('is what its script makes: %s', (script) => {
    const args = [fileURLToPath(script), '--check']
    expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toBe('')
  })

  it('keeps each manifest within 256 KiB', () => {
    for (const file of readdirSync(new URL('catalogue/', root)))
      expect(JSON.stringify(parse(text(`catalogue/${file}`))).length).toBeLessThan(256 * 1024)
  })
})

describe('the commands of iu-cutter', () => {
  const verdicts: Record<string, string> = {
    'cut-all.json': 'would_succeed',
    'cut-all-with-text.json': 'would_succeed',
    'cut-chapters.json': 'would_succeed',
    'cut-section.json': 'would_succeed',
    'cut-missing-section.json': 'would_fail',
    'cut-long-units.json': 'would_fail',
    'cut-short-copy.json': 'would_fail',
  }

  it('are those of the table in the README', () => {
    const table = [...text('README.md').matchAll(/^\| `(cut[^`]*)` +\|.*\| `(would_\w+)`/gm)]
    expect(Object.fromEntries(table.map(([, name, verdict]) => [`${name}.json`, verdict]))).toEqual(
      verdicts,
    )
    expect(commands.map(({ file }) => file).toSorted()).toEqual(Object.keys(verdicts).toSorted())
  })

  it.each(commands)('$file names what the catalogue has', ({ command }) => {
    expect(command.contract).toEqual({ id: contract.id, version: contract.version })
    expect(contract.fixture).toBe(`${fixture.id}@${fixture.version}`)
    expect(command.target).toBe(target.id)
    expect(command.outputNamespace).toMatch(/^DRYRUN-NS:iu-cutter(\/[a-z0-9][a-z0-9._-]{0,62})+$/)
    expect(command.mode).toBe('DRY_RUN')
    expect(accepts(command.params), JSON.stringify(accepts.errors)).toBe(true)
  })

  it.each(commands)('$file gets its verdict', async ({ file, command }) => {
    expect((await cut(command.params)).verdict).toBe(verdicts[file])
  })
})
