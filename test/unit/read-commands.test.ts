import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inRequests, readManifests } from '../../src/cli/catalogue.ts'
import { UsageError } from '../../src/cli/exit.ts'
import { readCommands } from '../../src/cli/read-commands.ts'

const folder = mkdtempSync(join(tmpdir(), 'dispatch-ledger-read-'))
function file(name: string, content: string | Buffer): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

describe('NDJSON', () => {
  it('is read line by line, and empty lines are none', () => {
    expect(readCommands(file('two.ndjson', '{"a":1}\n\n{"a":2}\n'))).toEqual([{ a: 1 }, { a: 2 }])
  })

  it('is refused where a line is no UTF-8: two different bytes must not become one command', () => {
    const line = Buffer.from('{"a":"caf\u00e9"}\n', 'latin1')
    const path = file('latin.ndjson', Buffer.concat([Buffer.from('{"a":1}\n'), line]))
    expect(() => readCommands(path)).toThrow(/malformed-json/)
  })
})

describe('a YAML manifest', () => {
  const target = (version: string): string =>
    file('t.yaml', `kind: Target\nid: a/b\nversion: ${version}\nexecutor: simulator\n`)

  it('is read as the values it shows', () => {
    expect(readManifests(target('1'))).toEqual([
      { kind: 'Target', id: 'a/b', version: 1, executor: 'simulator' },
    ])
  })

  it.each(['12345678901234567890', '.nan', '-.inf', '0x1F', '0.10000000000000001'])(
    'is refused for the number %s, which JSON would change',
    (number) => {
      expect(() => readManifests(target(number))).toThrow(UsageError)
      expect(() => readManifests(target(number))).toThrow(/cannot be kept exactly/)
    },
  )

  it('is refused for a key that is no string, and for bytes that are no UTF-8', () => {
    expect(() => readManifests(file('key.yaml', '? { a: b }\n: c\n'))).toThrow(/keys/)
    const bytes = Buffer.from('kind: caf\u00e9\n', 'latin1')
    expect(() => readManifests(file('bytes.yaml', bytes))).toThrow(/not UTF-8/)
  })
})

describe('a set that is too large for one request', () => {
  it('is sent in several, fixtures and targets first', () => {
    const big = 'x'.repeat(300 * 1024)
    const manifests = [
      { kind: 'Contract' },
      { kind: 'Fixture', data: big },
      { kind: 'Target', big },
    ]
    const kinds = inRequests(manifests).map((request) => request.map((it) => it['kind']))
    expect(kinds).toEqual([['Fixture'], ['Target', 'Contract']])
  })
})
