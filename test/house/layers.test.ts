import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { outputOf, plantTree, ROOT, sourceFiles, type Tree, textOf } from './source-files.ts'

// Each of these runs a whole tool.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const CONFIG = join(ROOT, '.dependency-cruiser.cjs')
type Rule = Readonly<{ name: string; from: { path?: string } }>
const RULES = (createRequire(import.meta.url)(CONFIG) as { forbidden: readonly Rule[] }).forbidden

type Dependency = Readonly<{
  resolved: string
  couldNotResolve: boolean
  rules?: readonly { name: string }[]
}>
type Cruised = Readonly<{
  modules: readonly { source: string; dependencies: readonly Dependency[] }[]
  summary: { totalCruised: number; error: number }
}>
type Violation = Readonly<{ from: string; to: string; rule: string }>

const violationsOf = ({ modules }: Cruised): readonly Violation[] =>
  modules.flatMap(({ source, dependencies }) =>
    dependencies.flatMap(({ resolved, rules = [] }) =>
      rules.map(({ name }) => ({ from: source, to: resolved, rule: name })),
    ),
  )

async function cruise(cwd: string): Promise<Cruised> {
  const folders = ['domain', 'projections', 'src', 'test']
  const args = ['--config', CONFIG, '--output-type', 'json', ...folders]
  const output = await outputOf(cwd, 'dependency-cruiser/bin/dependency-cruise.mjs', args)
  return JSON.parse(output) as Cruised
}

describe('the layers of the tree', () => {
  let cruised: Cruised
  beforeAll(async () => {
    cruised = await cruise(ROOT)
  })

  it('have no violation', () => {
    expect(violationsOf(cruised)).toEqual([])
    expect(cruised.summary.error).toBe(0)
  })

  it('were really seen: every source file, and every import of it resolved', () => {
    const seen = cruised.modules.map((it) => it.source)
    expect(cruised.summary.totalCruised).toBeGreaterThan(100)
    expect(sourceFiles().filter((file) => !seen.includes(file))).toEqual([])
    expect(cruised.modules.flatMap((it) => it.dependencies).some((it) => it.couldNotResolve)).toBe(
      false,
    )
  })

  it('leave no room of src without a rule of its own', () => {
    const general = ['no-circular', 'not-to-test', 'the-cli-alone-sees-the-root']
    const rules = RULES.filter((it) => !general.includes(it.name))
    const covered = (file: string) =>
      rules.some(({ from }) => new RegExp(from.path ?? '^$', 'u').test(file))
    const root = [
      'direct',
      'main',
      'projector-thread',
      'readiness',
      'sample-source',
      'start-error',
      'wiring',
    ].map((it) => `src/${it}.ts`)
    expect(sourceFiles().filter((file) => !covered(file) && !root.includes(file))).toEqual([])
  })
})

/** The rooms of DESIGN, section 2, as a file that others can import. */
const ROOMS = [
  'domain/room.ts',
  'projections/projection.ts',
  'projections/one/room.ts',
  'projections/two/room.ts',
  'src/ports.ts',
  'src/identity.ts',
  'src/errors.ts',
  'src/until-known.ts',
  'src/in-groups.ts',
  'src/within.ts',
  'src/dispatch/room.ts',
  'src/control/room.ts',
  'src/facts/room.ts',
  'src/executors/room.ts',
  'src/stores/postgres/room.ts',
  'src/stores/eventstoredb/room.ts',
  'src/embedded/room.ts',
  'src/access/room.ts',
  'src/analytics/room.ts',
  'src/projector/room.ts',
  'src/audit/room.ts',
  'src/http/room.ts',
  'src/cli/room.ts',
  'src/client/room.ts',
  'src/main.ts',
  'test/room.ts',
] as const

/** The folder of its own that a room may always look into; the files of src share one. */
const homeOf = (room: string): string => {
  const shared = /^src\/[^/]+\.ts$/u.test(room) && room !== 'src/main.ts'
  return shared
    ? 'src/*.ts'
    : room.replace(/\/room\.ts$/u, '').replace(/\/projection\.ts$/u, '/*.ts')
}
const SHARED = ['domain', 'src/*.ts']
const PROJECTIONS = ['projections/*.ts', 'projections/one', 'projections/two']
const ADAPTERS = [
  'src/facts',
  'src/executors',
  'src/stores/postgres',
  'src/stores/eventstoredb',
  'src/embedded',
  'src/access',
  'src/analytics',
  'src/projector',
  'src/audit',
]
const USE_CASES = ['src/dispatch', 'src/control']
const DOORS = ['src/http', 'src/cli', 'src/client']
const EVERYTHING = [...SHARED, ...PROJECTIONS, ...ADAPTERS, ...USE_CASES, ...DOORS, 'src/main.ts']

/** DESIGN, section 2, Direction: what each room may see beside itself. */
const MAY_SEE: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  'projections/*.ts': ['domain'],
  'projections/one': ['domain', 'projections/*.ts'],
  'projections/two': ['domain', 'projections/*.ts'],
  'src/*.ts': SHARED,
  'src/dispatch': SHARED,
  'src/control': SHARED,
  'src/facts': SHARED,
  'src/executors': SHARED,
  'src/stores/postgres': SHARED,
  'src/stores/eventstoredb': SHARED,
  'src/embedded': SHARED,
  'src/access': SHARED,
  'src/analytics': SHARED,
  'src/projector': [...SHARED, ...PROJECTIONS],
  'src/audit': [...SHARED, ...PROJECTIONS],
  'src/http': [...SHARED, ...USE_CASES, ...DOORS],
  'src/client': [...SHARED, ...USE_CASES, ...DOORS],
  'src/cli': [...SHARED, ...USE_CASES, ...DOORS, 'src/main.ts'],
  'src/main.ts': EVERYTHING,
  test: [...EVERYTHING, 'test'],
}

/** One import in a file of its own, in a room. */
type Canary = Readonly<{ from: string; to: string; text: string; allowed: boolean }>

const importing = (from: string, to: string): string => {
  const up = '../'.repeat(from.split('/').length - 1)
  return `import * as it from '${up === '' ? './' : up}${to}'\nexport const seen = it\n`
}

const slug = (room: string): string => room.replaceAll(/[/.]/gu, '-')

/** A file of `from`'s room that imports `to`. The files of src and main.ts are such files themselves. */
function canary(from: string, to: string): Canary {
  const home = homeOf(from)
  const allowed = home === homeOf(to) || (MAY_SEE[home] ?? []).includes(homeOf(to))
  const file = from.includes('/room.ts') ? from.replace('room.ts', `sees-${slug(to)}`) : ''
  return { from: file, to, text: importing(file, to), allowed }
}

const PAIRS: readonly Canary[] = ROOMS.filter((room) => room.endsWith('/room.ts')).flatMap((from) =>
  ROOMS.map((to) => canary(from, to)).map((it) => ({ ...it, from: `${it.from}.ts` })),
)

/** What a matrix of rooms cannot show, with the rule that must speak. */
const SINGLE: Readonly<Record<string, readonly [string, string, string]>> = {
  'src/facts/loop.ts': [
    'no-circular',
    'src/facts/loop-back.ts',
    `import './loop-back.ts'\nexport {}\n`,
  ],
  'domain/reads-files.ts': ['domain-is-closed', 'fs', `import 'node:fs'\nexport {}\n`],
  'domain/reads-types.ts': [
    'domain-is-closed',
    'zod',
    `import type { z } from 'zod'\nexport type Z = z.ZodType\n`,
  ],
  'domain/types-only.ts': [
    'domain-is-closed',
    'src/ports.ts',
    `import type { room } from '../src/ports.ts'\nexport type R = typeof room\n`,
  ],
  'domain/late.ts': [
    'domain-is-closed',
    'src/ports.ts',
    `export const late = import('../src/ports.ts')\n`,
  ],
  'domain/again.ts': ['domain-is-closed', 'src/ports.ts', `export * from '../src/ports.ts'\n`],
  'domain/whispers.ts': ['domain-is-closed', 'node', `/// <reference types="node" />\nexport {}\n`],
  'src/console/asks-the-ledger.ts': [
    'the-console-asks-over-http',
    'src/ports.ts',
    `import '../ports.ts'\nexport {}\n`,
  ],
  'src/dry-run/asks-the-ledger.ts': [
    'the-toolkit-stands-alone',
    'src/ports.ts',
    `import '../ports.ts'\nexport {}\n`,
  ],
  'projections/one/clock.ts': [
    'projections-see-the-domain',
    'perf_hooks',
    `import 'node:perf_hooks'\nexport {}\n`,
  ],
  'projections/base.ts': [
    'projection-types-see-the-domain',
    'projections/one/room.ts',
    importing('projections/base.ts', 'projections/one/room.ts'),
  ],
  'src/shared-file.ts': [
    'shared-files-see-the-domain',
    'src/dispatch/room.ts',
    `import './dispatch/room.ts'\nexport {}\n`,
  ],
  'src/strict-json/asks.ts': [
    'strict-json-sees-the-domain',
    'src/http/room.ts',
    importing('src/strict-json/asks.ts', 'src/http/room.ts'),
  ],
  'src/root-spy.ts': [
    'the-cli-alone-sees-the-root',
    'src/main.ts',
    `import './main.ts'\nexport {}\n`,
  ],
  'src/ready-spy.ts': [
    'the-cli-alone-sees-the-root',
    'src/readiness.ts',
    `import './readiness.ts'\nexport {}\n`,
  ],
  'src/dispatch/wakes.ts': [
    'use-cases-see-ports',
    'src/control/room.ts',
    importing('src/dispatch/wakes.ts', 'src/control/room.ts'),
  ],
  'src/access/asks.ts': [
    'adapters-see-ports',
    'src/facts/room.ts',
    importing('src/access/asks.ts', 'src/facts/room.ts'),
  ],
  'src/audit/asks.ts': [
    'readers-see-projections',
    'src/stores/postgres/room.ts',
    importing('src/audit/asks.ts', 'src/stores/postgres/room.ts'),
  ],
  'src/stores/postgres/leans.ts': [
    'stores-are-independent',
    'src/stores/base.ts',
    importing('src/stores/postgres/leans.ts', 'src/stores/base.ts'),
  ],
  'src/http/reaches.ts': [
    'doors-see-no-adapter',
    'src/executors/room.ts',
    importing('src/http/reaches.ts', 'src/executors/room.ts'),
  ],
  'src/cli/tests.ts': [
    'not-to-test',
    'test/room.ts',
    importing('src/cli/tests.ts', 'test/room.ts'),
  ],
}

/** What must stay allowed, though it is near to what is not. */
const ALLOWED: Readonly<Record<string, string>> = {
  'src/main.ts': ROOMS.filter((room) => room !== 'src/main.ts' && !room.startsWith('test/'))
    .map((room) => `import '${room.startsWith('src/') ? `./${room.slice(4)}` : `../${room}`}'\n`)
    .join(''),
  'src/cli/main.ts': ADAPTERS.map((home) => `import '../../${home}/room.ts'\n`).join(''),
  'src/http/scopes.ts': `import '../access/scopes.ts'\nexport {}\n`,
  'src/facts/digest.ts': `import 'node:crypto'\nimport 'node:fs/promises'\nexport {}\n`,
}

const fileOf = (room: string): string => `export const room = '${room}'\n`

describe('the layer rules', () => {
  let tree: Tree
  let violations: readonly Violation[]
  const against = (from: string, to: string) =>
    violations.filter((it) => it.from === from && it.to.includes(to)).map((it) => it.rule)

  beforeAll(async () => {
    tree = plantTree({
      'tsconfig.json': textOf('tsconfig.json'),
      ...Object.fromEntries(ROOMS.map((room) => [room, fileOf(room)])),
      'src/readiness.ts': 'export {}\n',
      'src/stores/base.ts': 'export {}\n',
      'src/access/scopes.ts': 'export {}\n',
      'src/facts/loop-back.ts': `import './loop.ts'\nexport {}\n`,
      ...Object.fromEntries(PAIRS.map(({ from, text }) => [from, text])),
      ...Object.fromEntries(Object.entries(SINGLE).map(([file, [, , text]]) => [file, text])),
      ...ALLOWED,
    })
    violations = violationsOf(await cruise(tree.path))
  })
  afterAll(() => tree.remove())

  it.each(Object.entries(SINGLE).map(([file, [rule, to]]) => [rule, file, to]))(
    '%s catches %s, which sees %s',
    (rule, file, to) => expect(against(file, to)).toContain(rule),
  )

  it('have a canary each', () => {
    const caught = new Set(Object.values(SINGLE).map(([rule]) => rule))
    expect([...caught].toSorted()).toEqual(RULES.map((it) => it.name).toSorted())
  })

  it('forbid every direction that the design does not name', () => {
    const missed = PAIRS.filter((it) => !it.allowed && against(it.from, it.to).length === 0)
    expect(missed.map((it) => `${it.from} -> ${it.to}`)).toEqual([])
    expect(PAIRS.filter((it) => !it.allowed).length).toBeGreaterThan(200)
  })

  it('allow every direction that the design names', () => {
    const caught = PAIRS.filter((it) => it.allowed && against(it.from, it.to).length > 0)
    expect(caught.map((it) => `${it.from} -> ${it.to}`)).toEqual([])
    expect(PAIRS.filter((it) => it.allowed).length).toBeGreaterThan(100)
  })

  it.each(Object.keys(ALLOWED))('leave %s alone', (file) => {
    expect(violations.filter((it) => it.from === file)).toEqual([])
  })
})

describe('the compiler wall around the domain', () => {
  const PLANTED: Readonly<Record<string, string>> = {
    'domain/environment.ts': 'export const home = process.env\n',
    'domain/timer.ts': 'setTimeout(() => undefined, 1)\nexport {}\n',
    'domain/hash.ts': `import { createHash } from 'node:crypto'\nexport const hash = createHash\n`,
    'domain/old-hash.ts': `import { createHash } from 'crypto'\nexport const hash = createHash\n`,
    'domain/bytes.ts': `export const bytes = Buffer.from('x')\n`,
    'domain/network.ts': `export const answer = fetch('http://127.0.0.1')\n`,
    'domain/output.ts': `console.log('x')\nexport {}\n`,
  }
  let tree: Tree
  const errorsOf = async (project: string) => {
    const output = await outputOf(tree.path, 'typescript/bin/tsc', [
      '-p',
      project,
      '--pretty',
      'false',
    ])
    return [...output.matchAll(/^(.*?)\(\d+,\d+\): error TS\d+/gmu)].map(([, file]) => file ?? '')
  }

  beforeAll(() => {
    tree = plantTree({
      'tsconfig.json': textOf('tsconfig.json'),
      'package.json': '{ "type": "module" }\n',
      'domain/tsconfig.json': textOf('domain/tsconfig.json'),
      'domain/sound.ts': 'export const sound = new Map([[1, JSON.stringify([1])]])\n',
      ...PLANTED,
    })
  })
  afterAll(() => tree.remove())

  it('fails for every planted file, and for no other', async () => {
    expect([...new Set(await errorsOf('domain'))].toSorted()).toEqual(
      Object.keys(PLANTED).toSorted(),
    )
  })

  it('is what fails them: outside the domain the same text compiles', async () => {
    expect(await errorsOf('.')).toEqual([])
  })
})

describe('the lint of domain and projections', () => {
  const PLANTED: Readonly<Record<string, string>> = {
    'now.ts': 'export const now = Date.now()\n',
    'new-date.ts': 'export const now = new Date()\n',
    'random.ts': 'export const chance = Math.random()\n',
    'global.ts': 'export const all = globalThis\n',
    'environment.ts': 'export const home = process.env\n',
    'clock.ts': 'export const now = performance.now()\n',
    'output.ts': `console.log('x')\nexport {}\n`,
    'unique.ts': 'export const id = crypto.randomUUID()\n',
    'timer.ts': 'setTimeout(() => undefined, 1)\nexport {}\n',
  }
  const RESTRICTIONS = /no-restricted-(?:globals|properties)/u
  let tree: Tree
  let caught: readonly string[]
  const inFolder = (folder: string) =>
    Object.fromEntries(Object.entries(PLANTED).map(([file, text]) => [`${folder}/${file}`, text]))

  beforeAll(async () => {
    tree = plantTree({
      '.oxlintrc.json': textOf('.oxlintrc.json'),
      'domain/sound.ts': 'export const sound = Math.max(1, 2)\n',
      ...inFolder('domain'),
      ...inFolder('projections/one'),
      ...inFolder('src'),
    })
    const output = await outputOf(tree.path, 'oxlint/bin/oxlint', [
      '--format',
      'json',
      'domain',
      'projections',
      'src',
    ])
    const { diagnostics } = JSON.parse(output) as {
      diagnostics: { filename: string; code: string }[]
    }
    caught = diagnostics.filter((it) => RESTRICTIONS.test(it.code)).map((it) => it.filename)
  })
  afterAll(() => tree.remove())

  it.each(['domain', 'projections/one'])(
    'catches every clock, chance and way out in %s',
    (folder) => {
      const missed = Object.keys(inFolder(folder)).filter((file) => !caught.includes(file))
      expect(missed).toEqual([])
    },
  )

  it('restricts nothing elsewhere', () => {
    const rooms = [...Object.keys(inFolder('domain')), ...Object.keys(inFolder('projections/one'))]
    expect(caught.filter((file) => !rooms.includes(file))).toEqual([])
  })
})
