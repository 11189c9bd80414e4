import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../domain/limits.ts'
import { readConfig, SETTINGS } from '../../src/config.ts'
import {
  commandsOf,
  composeText,
  copyOf,
  environmentOf,
  ignoreLines,
  interpolate,
  isSent,
  ROOT,
  readCompose,
  readDockerfile,
  restsOf,
  type Service,
} from '../support/containers.ts'

const compose = readCompose()
const services = Object.entries(compose.services)
const namesOf = (these: readonly (readonly [string, Service])[]): string[] =>
  these.map(([name]) => name)
const only = (holds: (service: Service) => boolean): (readonly [string, Service])[] =>
  services.filter(([, service]) => holds(service))

const runsOnce = ({ restart }: Service): boolean => restart === 'no'
/** What the Dockerfile makes; only one service of a profile may build it. */
const OURS = 'dispatch-ledger:local'
const isOurs = ({ image }: Service): boolean => image === OURS
const isLedger = (it: Service): boolean => isOurs(it) && !runsOnce(it)
const isEventStore = ({ image }: Service): boolean => /eventstore|kurrentdb/.test(image)
const starts = (profile: string) =>
  only(({ profiles }) => profiles === undefined || profiles.includes(profile))
const environment = ({ environment: given = {} }: Service) => Object.entries(given)

const PROFILES = ['postgres', 'eventstoredb', 'kurrentdb']
const PASSWORDS = { POSTGRES_PASSWORD: 'p@ss/word', LEDGER_APP_PASSWORD: 'apple' }

/** An exact version, to the last number that the image has. */
const PINNED = /^(?:postgres:\d+\.\d+|(?:[\w./-]+):\d+\.\d+\.\d+(?:-[\w.-]+)?)$/
const FROM_OUTSIDE = /^\$\{[A-Z_]+:\?[^}]{10,}\}$/

describe('docker-compose.yml', () => {
  it('pins every image that it does not build', () => {
    const images = only((it) => !isOurs(it)).map(([, { image }]) => image)
    expect(images.length).toBeGreaterThan(3)
    expect(images.filter((image) => !PINNED.test(image))).toEqual([])
    const loose = ['postgres', 'postgres:17', 'a/b:latest', 'a/b:25.1', 'a/b:23.10-slim']
    expect(loose.filter((image) => PINNED.test(image))).toEqual([])
  })

  it.each(PROFILES)(
    'builds its own image once with the profile %s, and pulls it never',
    (profile) => {
      const own = starts(profile).filter(([, it]) => isOurs(it))
      // Docker builds the services of one start together, and the second to export a tag fails.
      const builders = own.filter(([, it]) => it.build !== undefined)
      expect(builders.map(([, { pull_policy: policy }]) => policy)).toEqual(['build'])
      for (const [name, it] of own.filter(([, { build }]) => build === undefined)) {
        expect(it.pull_policy, name).toBe('never')
        const needed = Object.keys(it.depends_on ?? {})
        expect(needed, name).toEqual(expect.arrayContaining(namesOf(builders)))
      }
    },
  )

  it('holds no secret: each comes from outside, and what is missing is named', () => {
    const secrets = services.flatMap(([, it]) =>
      environment(it).filter(([name]) => /PASS|SECRET|KEY|TOKEN/.test(name)),
    )
    expect(secrets.length).toBeGreaterThan(4)
    expect(secrets.filter(([, value]) => !FROM_OUTSIDE.test(value))).toEqual([])
    const passwords = [...composeText().matchAll(/:\/\/[^\s:/@]+:(\$\{[^}]*\}|[^\s@]*)@/g)]
    const inUrls = passwords.map((it) => it[1] ?? '').filter((it) => it !== '…')
    expect(inUrls.length).toBe(3)
    expect(inUrls.filter((it) => !FROM_OUTSIDE.test(it))).toEqual([])
    expect(composeText()).not.toMatch(/PASSWORD:?-/)
  })

  it('gives the password of the owner to the database and to what runs once, and to no ledger', () => {
    const knowing = only((it) => JSON.stringify(it).includes('POSTGRES_PASSWORD:?'))
    expect(namesOf(knowing)).toEqual(['postgres', ...namesOf(only(runsOnce))])
    // Command lines are there for everybody to see.
    expect(only((it) => JSON.stringify(it.command ?? '').includes('PASSWORD:'))).toEqual([])
  })

  it('starts Postgres alone without a profile, and with one a ledger and all that it needs', () => {
    const started = (profile: string) => namesOf(starts(profile))
    expect(started('')).toEqual(['postgres'])
    expect(started('postgres')).toEqual(['postgres', 'prepare', 'migrate', 'ledger'])
    for (const store of ['eventstoredb', 'kurrentdb']) {
      const own = [store, `migrate-${store}`, `ledger-${store}`]
      expect(started(store)).toEqual(['postgres', 'prepare', ...own])
    }
    expect(
      services.flatMap(([, it]) => it.profiles ?? []).every((it) => PROFILES.includes(it)),
    ).toBe(true)
  })

  it('waits for what is healthy or done, and asks everything that stays whether it is well', () => {
    for (const [name, { depends_on: needs = {} }] of services) {
      for (const [needed, { condition }] of Object.entries(needs)) {
        const service = compose.services[needed]
        if (service === undefined) throw new Error(`${name} needs ${needed}, which is not there`)
        expect(condition, `${name} needs ${needed}`).toBe(
          runsOnce(service) ? 'service_completed_successfully' : 'service_healthy',
        )
      }
    }
    const staying = only((it) => !runsOnce(it) && !isOurs(it))
    expect(staying.filter(([, it]) => it.healthcheck?.test?.[0] !== 'CMD')).toEqual([])
    // Their image brings a check of its own.
    expect(only(isLedger).filter(([, it]) => it.healthcheck !== undefined)).toEqual([])
  })

  it('bounds the memory, the processors, the processes and the logs of every container', () => {
    const unbounded = only(
      ({ mem_limit: memory = '', cpus = 0, pids_limit: pids = 0, logging }) =>
        !/^\d+[mg]$/.test(memory) ||
        cpus <= 0 ||
        pids <= 0 ||
        logging?.options['max-size'] === undefined ||
        logging.options['max-file'] === undefined,
    )
    expect(namesOf(unbounded)).toEqual([])
  })

  it('takes every privilege from every container, and the disk from those of the ledger', () => {
    const privileged = only(
      (it) => it.cap_drop?.join() !== 'ALL' || it.security_opt?.join() !== 'no-new-privileges:true',
    )
    expect(namesOf(privileged)).toEqual([])
    const writing = only((it) => isOurs(it) && !(it.read_only && it.tmpfs?.length === 1))
    expect(namesOf(writing)).toEqual([])
    expect(composeText()).not.toMatch(/privileged|cap_add|network_mode|docker\.sock|pid: |devices:/)
  })

  it('keeps what must last in volumes with names, and mounts no folder of the machine', () => {
    const mounted = services.flatMap(([, it]) => it.volumes ?? [])
    expect(mounted.map((it) => it.replace(/:.*$/, '')).toSorted()).toEqual(
      Object.keys(compose.volumes).toSorted(),
    )
    const stores = only((it) => !isOurs(it) && !runsOnce(it))
    expect(stores.filter(([, it]) => (it.volumes ?? []).length === 0)).toEqual([])
  })

  it('opens ports to this machine alone, and those of no event store', () => {
    const ports = services.flatMap(([, it]) => it.ports ?? [])
    expect(ports.length).toBe(4)
    expect(ports.filter((it) => !/^127\.0\.0\.1:\$\{\w+_PORT:-\d+\}:\d+$/.test(it))).toEqual([])
    const eventStores = only(isEventStore)
    expect(namesOf(eventStores)).toEqual(['eventstoredb', 'kurrentdb'])
    for (const [name, { ports: open, networks }] of eventStores) {
      expect({ name, open, networks }).toEqual({ name, open: undefined, networks: ['log'] })
    }
    expect(compose.networks).toEqual({ log: { internal: true } })
    const inside = namesOf(only((it) => it.networks?.includes('log') ?? false))
    expect(inside.filter((name) => !name.endsWith('db'))).toEqual([])
  })

  it('runs event stores without projections and without telemetry', () => {
    for (const [name, it] of only(isEventStore)) {
      const prefix = name === 'kurrentdb' ? 'KURRENTDB' : 'EVENTSTORE'
      expect(it.environment).toMatchObject({
        [`${prefix}_RUN_PROJECTIONS`]: 'None',
        [`${prefix}_TELEMETRY_OPTOUT`]: 'true',
      })
      expect(environment(it).filter(([setting]) => !setting.startsWith(prefix))).toEqual([])
    }
  })

  it.each(namesOf(only(isLedger)))(
    'gives %s settings that it takes, and what they name',
    (name) => {
      const service = compose.services[name]
      if (service === undefined) throw new Error(`there is no ${name}`)
      const settings = environment(service).map(
        ([setting, value]) => [setting, interpolate(value, PASSWORDS)] as const,
      )
      expect(settings.map(([setting]) => setting).filter((it) => !SETTINGS.includes(it))).toEqual(
        [],
      )
      const config = readConfig(Object.fromEntries(settings))
      const store = name.replace(/^ledger-?/, '')
      expect(config.eventStoreDb?.url).toBe(
        (store && `esdb://${store}:2113?tls=false`) || undefined,
      )
      const database = store === '' ? 'ledger' : `ledger_${store}`
      expect(config.databaseUrl).toBe(`postgres://ledger_app:apple@postgres:5432/${database}`)
      const migrate = name.replace('ledger', 'migrate')
      expect(compose.services[migrate]?.command).toEqual([
        'migrate',
        '--database-url',
        `postgres://postgres@postgres:5432/${database}`,
      ])
      const needed = ['postgres', migrate, ...(store === '' ? [] : [store])]
      expect(Object.keys(service.depends_on ?? {}).toSorted()).toEqual(needed.toSorted())
      expect(Number.parseInt(service.stop_grace_period ?? '', 10) * 1_000).toBeGreaterThanOrEqual(
        LIMITS.stopMs + 10_000,
      )
    },
  )
})

describe('docker-compose.yml, as Docker reads it', () => {
  const hasCompose = spawnSync('docker', ['compose', 'version']).status === 0
  const folder = mkdtempSync(join(tmpdir(), 'ledger-compose-'))
  // In the place of .env: this machine's own settings are not in question.
  const nothing = join(folder, 'env')
  beforeAll(() => {
    writeFileSync(nothing, '')
    if (hasCompose) return
    process.stdout.write('No docker compose: docker-compose.yml was not shown to it.\n')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const config = (profile: string, given: Readonly<Record<string, string>>) => {
    const args = ['compose', '--env-file', nothing, '--profile', profile, 'config', '--quiet']
    const { PATH = '', HOME = '' } = process.env
    return promisify(execFile)('docker', args, { cwd: ROOT, env: { PATH, HOME, ...given } })
  }

  it.each(PROFILES)('is sound with the profile %s, and needs the passwords', async (profile) => {
    if (!hasCompose) return
    await config(profile, PASSWORDS)
    const why = /(POSTGRES|LEDGER_APP)_PASSWORD.*copy \.env\.example/
    await expect(config(profile, {})).rejects.toThrow(why)
  })
})

describe('the Dockerfile', () => {
  const stages = readDockerfile()
  const image = stages.at(-1)
  if (image === undefined) throw new Error('the Dockerfile has no stage')
  const copies = stages.flatMap((stage) => restsOf(stage, 'COPY').map(copyOf))

  it('starts from one exact image of Node 20', () => {
    expect(stages.length).toBe(3)
    const [first = ''] = stages.map((it) => it.image)
    expect(first).toMatch(/^node:20\.\d+\.\d+-[a-z]+-slim$/)
    expect(new Set(stages.map((it) => it.image)).size).toBe(1)
  })

  it('runs no script of a package, and ships no package of development', () => {
    const installs = stages.flatMap((it) => restsOf(it, 'RUN')).filter((it) => /npm (c|i)/.test(it))
    expect(installs.length).toBe(2)
    expect(installs.filter((it) => !it.startsWith('npm ci --ignore-scripts'))).toEqual([])
    const packages = copies.find(({ sources }) => sources.includes('/app/node_modules'))
    const shipped = stages.find(({ name }) => name === packages?.flags.from)
    expect(shipped && restsOf(shipped, 'RUN')).toEqual([
      'npm ci --ignore-scripts --omit=dev --omit=optional',
    ])
  })

  it('runs node itself, as an account that is not root, and changes nothing after that', () => {
    const { entrypoint, command, health } = commandsOf(image)
    expect([...entrypoint, ...command]).toEqual(['node', 'dist/src/cli/main.js', 'serve'])
    expect(health[0]).toBe('node')
    expect(health.join(' ')).toContain('/readyz')
    expect(restsOf(image, 'USER')).toEqual(['1000:1000'])
    const order = image.instructions.map(({ name }) => name)
    expect(order.slice(order.indexOf('USER')).filter((it) => /COPY|ADD|RUN/.test(it))).toEqual([])
  })

  it('listens where others reach it, and says on which port', () => {
    const { LEDGER_HOST: host, LEDGER_PORT: port, ...others } = environmentOf(image)
    expect([host, others]).toEqual(['0.0.0.0', { NODE_ENV: 'production' }])
    expect(restsOf(image, 'EXPOSE')).toEqual([port])
    expect(
      services.flatMap(([, it]) => it.ports ?? []).filter((it) => it.endsWith(`:${port}`)).length,
    ).toBe(3)
  })

  it('is sent what it copies, all that the build needs, and nothing else', () => {
    const sent = copies.filter(({ flags }) => flags.from === undefined).flatMap((it) => it.sources)
    expect(new Set(sent)).toEqual(
      new Set(
        ignoreLines()
          .slice(1)
          .map((it) => it.replace('!', '')),
      ),
    )
    expect(sent.filter((path) => !isSent(path))).toEqual([])
    const secret = ['.env', '.git', '.dispatch-ledger', 'node_modules', 'admin.key', '.npmrc']
    expect(secret.filter(isSent)).toEqual([])
    const build = JSON.parse(readFileSync(join(ROOT, 'tsconfig.build.json'), 'utf8')) as {
      extends: string
      include: readonly string[]
    }
    const needed = [...build.include, join(build.extends), 'tsconfig.build.json', 'scripts']
    expect(needed.filter((path) => !sent.includes(path))).toEqual([])
  })
})
