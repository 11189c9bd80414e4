import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { sourceFiles, textOf } from './source-files.ts'

const parse = (file: string, text: string): ts.SourceFile =>
  ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true)
const SOURCES: readonly ts.SourceFile[] = sourceFiles().map((file) => parse(file, textOf(file)))

function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node
  for (const child of node.getChildren()) yield* nodesOf(child)
}

const find = <T extends ts.Node>(
  sources: readonly ts.SourceFile[],
  is: (node: ts.Node) => node is T,
): readonly T[] => sources.flatMap((source) => [...nodesOf(source)].filter(is))

/** Where a node stands, for the message of a failure. */
const where = (node: ts.Node): string => {
  const source = node.getSourceFile()
  const { line } = source.getLineAndCharacterOfPosition(node.getStart())
  return `${source.fileName}:${line + 1}: ${node.getText()}`
}

const CONSTANT = 'EXECUTION_ENABLED'
const HOME = 'domain/gates/mode.ts'

const isName = (node: ts.Node | undefined): boolean =>
  node !== undefined &&
  (ts.isIdentifier(node) || ts.isStringLiteralLike(node)) &&
  node.text === CONSTANT

const isAssignment = (kind: ts.SyntaxKind): boolean =>
  kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment

const holdsName = (node: ts.Node): boolean => [...nodesOf(node)].some(isName)

/** What writes to something that has the name in it. */
function writesTo(node: ts.Node): boolean {
  if (ts.isBinaryExpression(node)) {
    return isAssignment(node.operatorToken.kind) && holdsName(node.left)
  }
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    const counts = [ts.SyntaxKind.PlusPlusToken, ts.SyntaxKind.MinusMinusToken]
    return counts.includes(node.operator) && holdsName(node.operand)
  }
  const loops = ts.isForInStatement(node) || ts.isForOfStatement(node)
  return loops && holdsName(node.initializer)
}

/** What brings the name into the world once more, as something that could be true. */
function declares(node: ts.Node): boolean {
  if (ts.isVariableDeclaration(node)) return isName(node.name) && !isTheDeclaration(node)
  if (ts.isImportSpecifier(node)) return isName(node.propertyName) && node.name.text !== CONSTANT
  const member = ts.isShorthandPropertyAssignment(node) || ts.isPropertyAssignment(node)
  return (member || ts.isParameter(node) || ts.isBindingElement(node)) && isName(node.name)
}

/** What gives the constant, or a member of its name, a value: everything but its one declaration. */
const setsIt = (node: ts.Node): boolean => writesTo(node) || declares(node)

/** `export const EXECUTION_ENABLED = false`, to the letter and in its own file. */
function isTheDeclaration(node: ts.VariableDeclaration): boolean {
  const isConst =
    ts.isVariableDeclarationList(node.parent) && (node.parent.flags & ts.NodeFlags.Const) !== 0
  const isFalse = node.initializer?.kind === ts.SyntaxKind.FalseKeyword && node.type === undefined
  return isConst && isFalse && node.getSourceFile().fileName === HOME
}

const settersIn = (sources: readonly ts.SourceFile[]): readonly string[] =>
  sources.flatMap((source) => [...nodesOf(source)].filter(setsIt).map(where))

describe('EXECUTION_ENABLED', () => {
  it('is declared once, as the literal false', () => {
    const declarations = find(SOURCES, ts.isVariableDeclaration).filter((node) => isName(node.name))
    expect(declarations.map(where)).toHaveLength(1)
    expect(declarations.every(isTheDeclaration)).toBe(true)
  })

  it('is given a value by nothing else', () => {
    expect(settersIn(SOURCES)).toEqual([])
  })

  it('is asserted where a server starts', () => {
    const readers = SOURCES.filter((source) => [...nodesOf(source)].some(isName))
    expect(readers.map((it) => it.fileName)).toEqual([HOME, 'src/main.ts'])
  })

  it.each([
    ['an assignment', 'EXECUTION_ENABLED = true'],
    ['an assignment to a member', 'gates.EXECUTION_ENABLED = true'],
    ['an assignment to a quoted member', `gates['EXECUTION_ENABLED'] = true`],
    ['a logical assignment', 'EXECUTION_ENABLED ||= true'],
    ['a compound assignment', 'EXECUTION_ENABLED |= 1'],
    ['a destructuring assignment', '({ enabled: EXECUTION_ENABLED } = flags)'],
    ['an array assignment', '[EXECUTION_ENABLED] = flags'],
    ['an increment', 'EXECUTION_ENABLED++'],
    ['a decrement before', '--gates.EXECUTION_ENABLED'],
    ['a loop', 'for (EXECUTION_ENABLED of flags) {}'],
    ['a member of that name', 'const flags = { EXECUTION_ENABLED: true }'],
    ['a parameter of that name', 'const run = (EXECUTION_ENABLED: boolean) => EXECUTION_ENABLED'],
    ['a binding of that name', 'const { EXECUTION_ENABLED } = flags'],
    ['another declaration', 'const EXECUTION_ENABLED = true'],
    ['another declaration that says false', 'const EXECUTION_ENABLED = false'],
    ['an import under another name', `import { EXECUTION_ENABLED as it } from './mode.ts'`],
  ])('canary: catches %s', (_what, text) => {
    expect(settersIn([parse('src/planted.ts', text)])).toHaveLength(1)
  })

  it.each([
    ['a variable', 'export let EXECUTION_ENABLED = false'],
    ['true', 'export const EXECUTION_ENABLED = true'],
    ['a cast', 'export const EXECUTION_ENABLED = false as boolean'],
    ['a type that could be true', 'export const EXECUTION_ENABLED: boolean = false'],
    ['the environment', `export const EXECUTION_ENABLED = process.env['X'] === 'x'`],
    ['no value', 'export declare const EXECUTION_ENABLED: false'],
    ['a negation', 'export const EXECUTION_ENABLED = !true'],
  ])('canary: catches %s in its own file', (_what, text) => {
    expect(settersIn([parse(HOME, text)])).toHaveLength(1)
  })

  it('canary: is content with the declaration, an import and a reading', () => {
    const text = `export const EXECUTION_ENABLED = false\nif (EXECUTION_ENABLED === false) stop()`
    const reading = `import { EXECUTION_ENABLED } from './mode.ts'\nassert(enabled = EXECUTION_ENABLED)`
    expect(settersIn([parse(HOME, text), parse('src/planted.ts', reading)])).toEqual([])
  })
})

/** What the port lets anybody do or read, or why it cannot be told. */
function membersOf(sources: readonly ts.SourceFile[], port: string): readonly string[] {
  const declared = find(sources, ts.isInterfaceDeclaration).filter((it) => it.name.text === port)
  const aliased = find(sources, ts.isTypeAliasDeclaration).filter((it) => it.name.text === port)
  return [
    ...declared.flatMap((it) => it.members.map(memberOf)),
    ...declared.flatMap((it) => (it.heritageClauses ?? []).map((clause) => clause.getText())),
    ...aliased.map((it) => `an alias: ${it.getText()}`),
  ]
}

function memberOf(member: ts.TypeElement): string {
  const name = member.name?.getText() ?? member.getText()
  if (ts.isMethodSignature(member)) return `${name}()`
  if (!ts.isPropertySignature(member)) return `not a property: ${member.getText()}`
  const plain = /^(?:string|number|boolean|'[^']*')$/u.test(member.type?.getText() ?? '')
  return plain ? name : `${name}()`
}

const PORT = ['type', 'sideEffects', 'build', 'io', 'facts()', 'dryRun()']

describe('the port Executor', () => {
  const ports = SOURCES.filter((source) => source.fileName === 'src/ports.ts')

  it('can tell its facts and run dry, and nothing more', () => {
    expect(membersOf(ports, 'Executor')).toEqual(PORT)
  })

  it('is declared nowhere else, so that nothing merges into it', () => {
    expect(membersOf(SOURCES, 'Executor')).toEqual(PORT)
  })

  it('has sideEffects of the one value none', () => {
    const declared = find(ports, ts.isInterfaceDeclaration).find(
      (it) => it.name.text === 'Executor',
    )
    const member = declared?.members.find((it) => it.name?.getText() === 'sideEffects')
    expect(member?.getText()).toBe(`readonly sideEffects: 'none'`)
  })

  it.each([
    ['a method', 'execute(plan: Plan): Promise<void>'],
    ['a property that is a function', 'run: () => void'],
    ['a property of a named function type', 'run: Runner'],
    ['an optional method', 'run?(): void'],
    ['a call signature', '(plan: Plan): void'],
    ['a construct signature', 'new (plan: Plan): Executor'],
    ['an index signature', '[verb: string]: () => void'],
    ['a getter', 'get run(): () => void'],
  ])('canary: catches %s', (_what, member) => {
    const text = `export interface Executor { readonly type: string; readonly sideEffects: 'none'
      readonly build: number; readonly io: boolean; facts(): Promise<Json>; dryRun(): Promise<Report>; ${member} }`
    expect(membersOf([parse('src/ports.ts', text)], 'Executor')).not.toEqual(PORT)
  })

  it.each([
    ['what it inherits', 'interface Executor extends Runner {}'],
    ['a second declaration', 'interface Executor { run(): void }'],
    [
      'a second declaration in a module',
      `declare module './ports.ts' { interface Executor { run(): void } }`,
    ],
    ['an alias of that name', 'type Executor = Runner'],
  ])('canary: catches %s', (_what, text) => {
    expect(membersOf([...ports, parse('src/planted.ts', text)], 'Executor')).not.toEqual(PORT)
  })
})

const WRITE = 'appendDispatch'
const MAY_HOLD_IT = /^src\/(?:dispatch\/commit\.ts$|ports\.ts$|stores\/)/u

/** Every use of the word outside a type, whatever its form: called, handed on or taken apart. */
function usesOfWrite(source: ts.SourceFile): readonly string[] {
  const names = [...nodesOf(source)].filter(
    (node) => (ts.isIdentifier(node) || ts.isStringLiteralLike(node)) && node.text === WRITE,
  )
  return names.filter((node) => !isInType(node)).map(where)
}

const isInType = (node: ts.Node): boolean =>
  ts.findAncestor(node, (it) => ts.isTypeNode(it) || ts.isTypeElement(it)) !== undefined

describe('appendDispatch', () => {
  const holders = SOURCES.filter((source) => usesOfWrite(source).length > 0).map(
    (it) => it.fileName,
  )

  it('is called by commit alone, outside the stores', () => {
    expect(holders.filter((file) => !MAY_HOLD_IT.test(file))).toEqual([])
    expect(holders).toContain('src/dispatch/commit.ts')
  })

  it('is called once there', () => {
    const commit = SOURCES.filter((it) => it.fileName === 'src/dispatch/commit.ts')
    const calls = find(commit, ts.isCallExpression).filter((it) =>
      it.expression.getText().endsWith(`.${WRITE}`),
    )
    expect(calls).toHaveLength(1)
  })

  it.each([
    ['a call', 'await store.appendDispatch(request)'],
    ['an optional call', 'await store?.appendDispatch?.(request)'],
    ['a call by a quoted name', `await store['appendDispatch'](request)`],
    ['a call by a template', 'await store[`appendDispatch`](request)'],
    ['a method handed on', 'const write = store.appendDispatch.bind(store)'],
    ['a method taken out', 'const { appendDispatch } = store'],
    ['a method taken out under another name', 'const { appendDispatch: write } = store'],
    ['a name kept for later', `const verb = 'appendDispatch'`],
    ['a wrapper', 'const wrapper = { appendDispatch: (request) => inner(request) }'],
    ['a call inside a typed function', 'const f = (s: Store): void => { s.appendDispatch(r) }'],
  ])('canary: catches %s', (_what, text) => {
    expect(usesOfWrite(parse('src/planted.ts', text)).length).toBeGreaterThan(0)
  })

  it.each([
    `type Ports = { store: Pick<EventStore, 'appendDispatch'> }`,
    `type Append = EventStore['appendDispatch']`,
    'type Writer = { appendDispatch(request: Request): void }',
    `const f = (store: Pick<EventStore, 'appendDispatch'>): void => use(store)`,
    '// appendDispatch is written about here',
  ])('canary: is content with %s', (text) => {
    expect(usesOfWrite(parse('src/planted.ts', text))).toEqual([])
  })
})

describe('these checks', () => {
  it('saw all of domain, projections and src', () => {
    expect(SOURCES.length).toBeGreaterThan(100)
    for (const room of ['domain/', 'projections/', 'src/']) {
      expect(SOURCES.some((it) => it.fileName.startsWith(room))).toBe(true)
    }
  })
})
