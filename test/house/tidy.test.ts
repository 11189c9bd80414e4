import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { GATES } from '../../domain/gates/index.ts'
import { ERRORS, type ErrorCode } from '../../src/errors.ts'
import { STATUS } from '../../src/http/problem.ts'
import { sourceFiles, textOf, trackedFiles } from './source-files.ts'

const FILES = trackedFiles()
const CODE = FILES.filter((file) => /\.(?:[cm]?[jt]s|sql|py)$/u.test(file))
const TESTS = FILES.filter((file) => file.endsWith('.test.ts'))
const BINARY = /\.(?:png|jpg|ico|gif|woff2?|gz|tgz|zip|wasm|parquet)$/u
const TEXTS = FILES.filter((file) => !BINARY.test(file))

/** `file:line: text` of every line that matches. Patterns are spelled so that they do not match themselves. */
const linesOf = (files: readonly string[], pattern: RegExp): readonly string[] =>
  files.flatMap((file) => linesIn(file, textOf(file), pattern))

const linesIn = (file: string, text: string, pattern: RegExp): readonly string[] =>
  text
    .split('\n')
    .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : []))

/** A word that must not stand in this file as it is. */
const split = (...parts: readonly string[]): string => parts.join('')

const catches = (pattern: RegExp, line: string): boolean =>
  linesIn('planted', line, pattern).length === 1

describe('a source file', () => {
  const KEBAB = /^\.?[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*\.[cm]?[jt]s$/u

  it('is named in kebab-case', () => {
    const names = CODE.filter((file) => /\.[cm]?[jt]s$/u.test(file)).map((file) =>
      file.replace(/^.*\//u, ''),
    )
    expect(names.length).toBeGreaterThan(100)
    expect(names.filter((name) => !KEBAB.test(name))).toEqual([])
    expect(
      ['eventStore.ts', 'Event.ts', 'event_store.ts', '-a.ts', 'a--b.ts'].some((it) =>
        KEBAB.test(it),
      ),
    ).toBe(false)
  })

  it('has at most 300 lines', () => {
    const long = sourceFiles().filter((file) => textOf(file).trimEnd().split('\n').length > 300)
    expect(long).toEqual([])
    expect(sourceFiles().length).toBeGreaterThan(100)
  })

  it('leaves nothing for later', () => {
    const later = /\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b/u
    expect(linesOf(CODE, later)).toEqual([])
    expect(catches(later, `// ${split('TO', 'DO')}: later`)).toBe(true)
  })

  it('has no banner', () => {
    const banner =
      /^\s*(?:\/\/|\/\*+|\*|--|#)\s*[-=*#~_+/\\]{4,}|^\s*(?:\/\/|--|#)\s*[-=*#~_+]{2,}\s*\w.*[-=*#~_+]{2,}\s*$/u
    expect(linesOf(CODE, banner)).toEqual([])
    for (const line of [
      '// ----------',
      '/* ======= */',
      '-- ******',
      '// --- events ---',
      '# #### x',
    ]) {
      expect(catches(banner, line), line).toBe(true)
    }
  })
})

describe('a test', () => {
  it('is neither skipped nor alone', () => {
    const switched =
      /\b(?:it|test|describe)\s*\.(?:[a-z]+\.)*(?:skip|only|todo)\b|\bx(?:it|describe)\(/iu
    expect(linesOf(TESTS, switched)).toEqual([])
    for (const call of ['skip', 'only', 'todo', 'concurrent.only', 'each.skip']) {
      expect(catches(switched, `  it.${call}('x', () => {})`), call).toBe(true)
    }
    expect(TESTS.length).toBeGreaterThan(10)
  })

  it('leaves nothing behind for the files that share its process', () => {
    const mocked = /\bvi\s*\.\s*(?:do)?mock\(|\bvi\s*\.\s*resetModules\(/iu
    expect(linesOf(TESTS, mocked)).toEqual([])
    for (const call of ['mock', 'doMock', 'resetModules']) {
      expect(catches(mocked, `  vi.${call}('x')`), call).toBe(true)
    }
    // A module is loaded once for all files, and its hooks would be those of the first alone.
    const hooked = /^(?:before|after)(?:All|Each)\(/u
    const support = FILES.filter((file) => file.startsWith('test/support/'))
    expect(support.length).toBeGreaterThan(10)
    expect(linesOf(support, hooked)).toEqual([])
    expect(catches(hooked, 'afterAll(() => stop())')).toBe(true)
  })

  it('is not skipped from the inside', () => {
    expect(linesOf(TESTS, /\b(?:ctx|context|task|t)\.skip\(/u)).toEqual([])
  })
})

describe('the packages', () => {
  type Dependencies = Readonly<Record<string, string>>
  const manifest = JSON.parse(textOf('package.json')) as Readonly<
    Record<string, Dependencies | undefined>
  >
  const KINDS = ['dependencies', 'optionalDependencies', 'devDependencies']

  it('are pinned exactly', () => {
    const exact = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/u
    const versions = KINDS.flatMap((kind) => Object.entries(manifest[kind] ?? {}))
    expect(versions.length).toBeGreaterThan(20)
    expect(versions.filter(([, version]) => !exact.test(version))).toEqual([])
    expect(
      ['^1.0.0', '~1.0.0', '1', '1.x', '*', 'latest', '>=1.0.0', 'file:x'].some((it) =>
        exact.test(it),
      ),
    ).toBe(false)
  })

  it('come as one kind only: neither peers nor bundles hide more', () => {
    expect(
      Object.keys(manifest).filter((key) => /dependencies$/iu.test(key) && !KINDS.includes(key)),
    ).toEqual([])
  })

  it('are locked by content, and from no address', () => {
    const lock = JSON.parse(textOf('package-lock.json')) as {
      packages: Readonly<Record<string, LockedPackage>>
    }
    const locked = Object.entries(lock.packages).filter(([path]) => path !== '')
    expect(locked.length).toBeGreaterThan(100)
    expect(locked.filter(([, it]) => it.resolved !== undefined).map(([path]) => path)).toEqual([])
    const unhashed = locked.filter(([, it]) => it.integrity === undefined)
    // Decision 0002: binaries of other platforms are named only, so that npm ci accepts the lockfile.
    const elsewhere = ({ optional, cpu = [] }: LockedPackage): boolean =>
      optional === true && cpu.length > 0
    expect(unhashed.filter(([, it]) => !elsewhere(it)).map(([path]) => path)).toEqual([])
  })
})

type LockedPackage = Readonly<{
  resolved?: string
  integrity?: string
  optional?: boolean
  cpu?: readonly string[]
}>

describe('what is tracked', () => {
  it('names no folder of somebody’s machine', () => {
    const machine = /(?:^|[\s'"`(=:])\/(?:w[o]rk|h[o]me|U[s]ers|r[o]ot)\/[\w.-]|[A-Z]:\\\\?U[s]ers/u
    expect(linesOf(TEXTS, machine)).toEqual([])
    for (const path of ['main/x', 'shared'])
      expect(catches(machine, `cd '/${split('wo', 'rk')}/${path}'`)).toBe(true)
    expect(catches(machine, `see /${split('ho', 'me')}/me/x`)).toBe(true)
  })

  it('names no registry', () => {
    const registry =
      /reg[i]stry\.[a-z0-9-]+\.|[a-z0-9-]+\.pkg\.(?:dev|git)|npm\.pkg|art[i]factory|verd[a]ccio/iu
    expect(linesOf(TEXTS, registry)).toEqual([])
    expect(catches(registry, `https://${split('regi', 'stry')}.npmjs.org/x`)).toBe(true)
  })
})

/** CONTRACT, section 8: status, rule, who must act, and whether the same may be tried again. */
const CODES: readonly (readonly [ErrorCode, number, number | null, string, boolean])[] = [
  ['malformed-json', 400, null, 'caller', false],
  ['duplicate-key', 400, null, 'caller', false],
  ['unsafe-number', 400, null, 'caller', false],
  ['lone-surrogate', 400, null, 'caller', false],
  ['nul-character', 400, null, 'caller', false],
  ['forbidden-key', 400, null, 'caller', false],
  ['too-deep', 400, null, 'caller', false],
  ['unauthenticated', 401, null, 'caller', false],
  ['forbidden', 403, null, 'nobody', false],
  ['production-execution-not-authorized', 403, 1, 'nobody', false],
  ['namespace-production', 403, 6, 'nobody', false],
  ['not-found', 404, null, 'caller', false],
  ['contract-missing', 409, 8, 'catalogue-owner', true],
  ['contract-retired', 409, 8, 'catalogue-owner', true],
  ['fixture-missing', 409, 8, 'catalogue-owner', true],
  ['target-missing', 409, 8, 'catalogue-owner', true],
  ['baseline-mismatch', 409, 8, 'catalogue-owner', true],
  ['executor-missing', 409, 0, 'operator', true],
  ['executor-unsafe', 409, 4, 'operator', true],
  ['manifest-conflict', 409, null, 'catalogue-owner', true],
  ['too-large', 413, null, 'caller', false],
  ['media-type', 415, null, 'caller', false],
  ['schema-invalid', 422, null, 'caller', false],
  ['params-invalid', 422, 8, 'caller', false],
  ['manifest-invalid', 422, null, 'caller', false],
  ['namespace-invalid', 422, 6, 'caller', false],
  ['target-not-allowed', 422, 8, 'caller', false],
  ['sql-not-allowed', 422, 4, 'caller', false],
  ['plan-stale', 422, 8, 'caller', false],
  ['kill-switch-engaged', 423, 2, 'operator', true],
  ['rate-limited', 429, null, 'caller', true],
  ['executor-failed', 502, 0, 'nobody', true],
  ['mutation-suspected', 502, 0, 'operator', false],
  ['kill-switch-indeterminate', 503, 2, 'operator', true],
  ['gate-indeterminate', 503, null, 'nobody', true],
  ['contended', 503, 9, 'nobody', true],
  ['store-unavailable', 503, 9, 'nobody', true],
  ['not-ready', 503, null, 'nobody', true],
  ['executor-timeout', 504, 0, 'nobody', true],
]

/** CONTRACT, section 8: which gate refuses with which code; each can also be indeterminate. */
const GATE_CODES: Readonly<Record<string, readonly string[]>> = {
  mode: ['production-execution-not-authorized'],
  'kill-switch': ['kill-switch-engaged', 'kill-switch-indeterminate'],
  namespace: ['namespace-production', 'namespace-invalid'],
  contract: ['contract-missing', 'contract-retired'],
  params: ['params-invalid'],
  fixture: ['fixture-missing'],
  target: ['target-missing', 'target-not-allowed'],
  pins: ['plan-stale'],
  executor: ['executor-missing'],
  'read-only': ['executor-unsafe', 'sql-not-allowed'],
  baseline: ['baseline-mismatch'],
  evidence: ['executor-failed', 'executor-timeout', 'mutation-suspected'],
}

/** The members of a union of string literals, as a file declares them. */
function unionOf(file: string, name: string): readonly string[] {
  const source = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.ES2023, true)
  const alias = source.statements.find(
    (it) => ts.isTypeAliasDeclaration(it) && it.name.text === name,
  )
  if (alias === undefined || !ts.isTypeAliasDeclaration(alias) || !ts.isUnionTypeNode(alias.type))
    return []
  return alias.type.types.flatMap((it) =>
    ts.isLiteralTypeNode(it) && ts.isStringLiteral(it.literal) ? [it.literal.text] : [],
  )
}

describe('the error catalogue', () => {
  it('has the codes of the contract, and no other', () => {
    const codes = CODES.map(([code]) => code).toSorted()
    expect(Object.keys(ERRORS).toSorted()).toEqual(codes)
    expect(Object.keys(STATUS).toSorted()).toEqual(codes)
    expect(new Set(codes).size).toBe(39)
  })

  it.each(CODES)(
    '%s is %i, of rule %j; %s must act, and retrying may help: %j',
    (...[code, status, rule, whoMustAct, retryable]) => {
      expect(STATUS[code]).toBe(status)
      expect(ERRORS[code]).toMatchObject({ rule, whoMustAct, retryable })
    },
  )

  it('says what happened and what to do, for every code in other words', () => {
    const titles = Object.values(ERRORS).map((it) => it.title)
    expect(new Set(titles).size).toBe(titles.length)
    expect(titles.filter((it) => !/^[A-Z].*[^.]$/u.test(it))).toEqual([])
    expect(Object.values(ERRORS).filter(({ remedy }) => !/^[A-Z].{10,}$/u.test(remedy))).toEqual([])
  })

  it('holds every code a gate can refuse with: the union of the domain, to the letter', () => {
    const refusals = unionOf('domain/refusal.ts', 'RefusalCode')
    expect(refusals.toSorted()).toEqual(
      [...Object.values(GATE_CODES).flat(), 'gate-indeterminate'].toSorted(),
    )
    const door = unionOf('src/errors.ts', 'DoorCode')
    expect([...refusals, ...door].toSorted()).toEqual(Object.keys(ERRORS).toSorted())
  })

  it('gives each code of a gate the rule of that gate', () => {
    expect(Object.keys(GATE_CODES)).toEqual(GATES.map((it) => it.name))
    for (const { name, rule, negativeControl } of GATES) {
      const codes = (GATE_CODES[name] ?? []) as readonly ErrorCode[]
      expect(codes.map((code) => ERRORS[code].rule)).toEqual(codes.map(() => rule))
      expect(codes).toContain(negativeControl.code)
    }
  })

  it('leaves the rule of an indeterminate gate to the gate', () => {
    expect(ERRORS['gate-indeterminate'].rule).toBeNull()
  })
})
