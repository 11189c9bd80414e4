import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type HttpProgram, httpRequest } from '../../domain/http-program.ts'
import type { JsonObject } from '../../domain/json.ts'
import { parseManifest } from '../../src/control/manifest.ts'
import { verifyingDial } from '../../src/executors/http/dial.ts'
import { missingBindings } from '../../src/facts/bindings.ts'
import {
  casesOf,
  HOSTILE_HTTP,
  type HostileLayer,
  type HostileService,
} from '../support/hostile-http.ts'
import {
  httpTo,
  type Lab,
  openLab,
  type ServiceTrial,
  SOON_MS,
  tryNetwork,
  tryService,
} from '../support/hostile-lab.ts'
import { httpPlan } from '../support/http-plan.ts'
import { until } from '../support/until.ts'

const ENTRIES = HOSTILE_HTTP.flatMap(({ entries }) => entries)
const LAYERS: readonly HostileLayer[] = ['manifest', 'params', 'gate', 'connector', 'answer']

describe('the corpus', () => {
  it('has at least 600 entries, each with a name of its own', () => {
    expect(ENTRIES.length).toBeGreaterThanOrEqual(600)
    for (const { category, entries, controls } of HOSTILE_HTTP) {
      const names = [...entries, ...controls].map(({ name }) => name)
      expect(new Set(names).size, category).toBe(names.length)
    }
  })

  it('has entries for every layer, and only those that what they hold can come to', () => {
    expect(new Set(ENTRIES.map(({ refusedBy }) => refusedBy.layer))).toEqual(new Set(LAYERS))
    const layersOf = (key: Parameters<typeof casesOf>[0]) => [
      ...new Set(
        casesOf(key).flatMap(({ entries }) => entries.map(({ refusedBy }) => refusedBy.layer)),
      ),
    ]
    expect(layersOf('manifest')).toEqual(['manifest'])
    expect(layersOf('params')).toEqual(['params'])
    expect(layersOf('network').toSorted()).toEqual(['connector', 'gate'])
    expect(layersOf('service').toSorted()).toEqual(['answer', 'connector'])
  })
})

const GOOD = {
  target: {
    kind: 'Target',
    id: 'hostile/target',
    version: 1,
    executor: 'http',
    origin: 'http://svc.test',
  },
  contract: {
    kind: 'Contract',
    id: 'hostile.contract',
    version: 1,
    executor: 'http',
    targets: 'hostile/*',
    fixture: 'hostile.fixture@1',
    sideEffects: 'none',
    params: { type: 'object' },
  },
  program: { method: 'POST', path: '/' },
} as const

describe('a manifest', () => {
  /** Where the first manifest is invalid that an entry changes, or undefined. */
  const invalidIn = ({ target, program, limits }: Record<string, JsonObject | undefined>) => {
    const received =
      target === undefined
        ? { ...GOOD.contract, program: { ...GOOD.program, ...program }, ...(limits && { limits }) }
        : { ...GOOD.target, ...target }
    return parseManifest(received).invalid
  }

  describe.each(casesOf('manifest'))('in $category', ({ entries, controls }) => {
    it.each(entries)('is invalid with $name', ({ input, refusedBy }) => {
      const invalid = invalidIn(input)
      expect(refusedBy.why.map((it) => invalid?.startsWith(`${it}: `))).toContain(true)
    })

    it.each(controls)('is valid with $name', ({ input }) => {
      expect(invalidIn(input)).toBeUndefined()
    })
  })

  const spelled = casesOf('manifest').flatMap(({ entries }) =>
    entries.flatMap(({ name, input }) => {
      const origin = input.target?.['origin']
      return typeof origin === 'string' ? [{ name, origin }] : []
    }),
  )
  const serialized = spelled.flatMap((it) => {
    const origin = URL.canParse(it.origin) ? new URL(it.origin).origin : ''
    return origin.startsWith('http') ? [{ ...it, origin }] : []
  })

  it.each(spelled)('would lead nowhere if it were valid with $name', async ({ origin }) => {
    const dialled: string[] = []
    const executor = httpTo('http://svc.test, https://svc.test', {
      lookup: () => Promise.resolve(['127.0.0.1']),
      dial: ({ hostname }, callback) => {
        dialled.push(hostname)
        callback(new Error('a connection'), null)
      },
    })
    await expect(executor.dryRun(httpPlan(origin), never())).rejects.toThrow()
    expect(dialled).toEqual([])
    await executor.close()
  })

  it.each(serialized)('leads nowhere with what is spelled as $name', async ({ origin }) => {
    const network = { origin, allow: 'http://svc.test', resolves: ['127.0.0.1'], method: 'POST' }
    const { gate, end, dialled } = await tryNetwork(network)
    expect(gate).toBe('executor-unsafe')
    expect(end).toMatchObject({ why: 'threw address-refused' })
    expect(dialled).toEqual([])
  })
})

const never = () => new AbortController().signal

describe('params', () => {
  const programOf = ({ path = '/', bind, body }: Record<string, unknown>) =>
    ({
      method: 'POST',
      path,
      ...(bind ? { bind } : {}),
      ...(body === undefined ? {} : { body }),
    }) as HttpProgram & JsonObject
  const contractOf = (program: JsonObject) => ({ ...GOOD.contract, program })

  describe.each(casesOf('params'))('in $category', ({ entries, controls }) => {
    it.each(entries)('are invalid with $name', async ({ input, refusedBy }) => {
      const program = programOf(input)
      const missing = missingBindings(contractOf(program), undefined, input.params)
      expect(missing).toEqual(refusedBy.why.map((path) => ({ path, keyword: 'bind' })))
      expect(httpRequest(program, input.params)).toBeNull()
      const executor = httpTo('127.0.0.1/32')
      const { path = '/', bind = {}, body = null, params } = input
      const plan = httpPlan('http://127.0.0.1:1', { path, bind, body, params })
      await expect(executor.dryRun(plan, never())).rejects.toMatchObject({ code: 'no-program' })
      await executor.close()
    })

    it.each(controls)('are valid with $name', ({ input, passes }) => {
      const program = programOf(input)
      expect(missingBindings(contractOf(program), undefined, input.params)).toEqual([])
      expect(httpRequest(program, input.params)).toMatchObject({ path: passes.path })
    })
  })
})

describe('a place in the network', () => {
  describe.each(casesOf('network'))('in $category', ({ entries, controls }) => {
    it.each(entries)('is not reached: $name', async ({ input, refusedBy }) => {
      const { gate, end, dialled, server } = await tryNetwork(input)
      if (refusedBy.layer === 'gate') expect(gate).toBe(refusedBy.code)
      else {
        expect(gate).toBeNull()
        expect(end.code).toBe(refusedBy.code)
      }
      expect(refusedBy.why).toContain(end.why)
      expect(dialled).toEqual([])
      expect(server.connections()).toBe(0)
    })

    it.each(controls)('is reached: $name', async ({ input }) => {
      const { gate, end, dialled, server } = await tryNetwork(input)
      expect(gate).toBeNull()
      expect(dialled).not.toEqual([])
      const isHere = dialled[0] === '127.0.0.1'
      expect(end).toMatchObject(isHere ? { code: null } : { why: 'threw no-connection' })
      expect(server.connections()).toBe(isHere ? 1 : 0)
    })
  })
})

describe('a name that nothing could admit', () => {
  it.each(['', 'http://other.test', 'http://svc.test:8080'])(
    'is not resolved: %s',
    async (allow) => {
      const asked: string[] = []
      const lookup = (name: string) => Promise.resolve([String(asked.push(name))])
      const executor = httpTo(allow, { lookup })
      const plan = httpPlan('http://svc.test')
      expect(await executor.facts(plan)).toMatchObject({ origin: { allowed: false } })
      await expect(executor.dryRun(plan, never())).rejects.toMatchObject({
        code: 'address-refused',
      })
      expect(asked).toEqual([])
      await executor.close()
    },
  )
})

describe('a service', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
  })
  afterAll(() => lab.close())

  /** What holds of every trial, however it ended. */
  function expectHarmless({ first, elapsedMs, timeMs, server, afterwards }: ServiceTrial) {
    const asked = first === null ? 1 : 2
    if (first !== null) expect(first).toMatchObject({ code: null })
    expect(server.requests().length).toBeLessThanOrEqual(asked)
    expect(server.connections()).toBeLessThanOrEqual(asked)
    expect(server.requests().join('\n')).not.toMatch(/\r\n(?:cookie|(?:proxy-)?authorization):/i)
    expect(lab.canary.connections()).toBe(0)
    expect(elapsedMs).toBeLessThan(timeMs + SOON_MS)
    expect(afterwards).toMatchObject({ code: null })
  }

  const byMethod = <T extends { input: { methods: readonly ('GET' | 'HEAD' | 'POST')[] } }>(
    all: readonly T[],
  ) => all.flatMap((it) => it.input.methods.map((method) => ({ ...it, method })))

  const cases = casesOf('service').map(({ category, entries, controls }) => ({
    category,
    entries: byMethod(entries),
    controls: byMethod(controls),
  }))

  /** What is not answered as it should be is not kept open, whoever makes it late. */
  const CLOSED = { what: 'the connection to be closed', timeoutMs: 1_000 }

  type Case = (typeof cases)[number]['entries'][number]
  const isSlow = ({ refusedBy }: Case): boolean => refusedBy.code === 'executor-timeout'

  const expectNothing = ({ input, method, refusedBy }: Case, slowly: boolean) =>
    tryService(lab, input, { method, isSlow: slowly }, async (trial) => {
      const { end, server } = trial
      expect(end).toMatchObject({ code: refusedBy.code })
      expect(refusedBy.why).toContain(end.why)
      // Of an answer that may be a lie nothing is kept.
      if (end.report !== null) expect(end.report.output).toBeNull()
      expectHarmless(trial)
      if (slowly) await until(() => server.open() === 0, CLOSED)
    })

  describe.each(cases)('in $category', ({ entries, controls }) => {
    const quick = entries.filter((it) => !isSlow(it))
    it.each(quick)('gets no result by $method: $name', (it) => expectNothing(it, false))

    const slow = entries.filter(isSlow)
    it.concurrent.each(slow)('gets no more time by $method: $name', (it) => expectNothing(it, true))

    it.each(controls)('gets its result by $method: $name', async ({ input, method, passes }) => {
      await tryService(lab, input, { method }, async (trial) => {
        const { verdict, body } = passes
        expect(trial.end).toMatchObject({ code: null, report: { verdict } })
        if (body !== undefined) expect(trial.end.report?.output).toMatchObject({ body })
        expectHarmless(trial)
      })
    })
  })

  const ANSWER = [
    ['HTTP/1.1 200 OK', 'Preference-Applied: tx=rollback', 'Transfer-Encoding: chunked'],
    ['', '2', 'ok', '0', '', ''],
  ]
    .flat()
    .join('\r\n')
  const trialOf = (sends: HostileService['sends']): HostileService => ({ sends, methods: ['POST'] })

  it.each(['end', 'cut'] as const)('has said nothing by a part of an answer: %s', async (last) => {
    for (let length = 0; length < ANSWER.length; length += 1) {
      const part = ANSWER.slice(0, length)
      const input = trialOf([...(part === '' ? [] : [part]), { last }])
      await tryService(lab, input, { method: 'POST' }, async (trial) => {
        expect(trial.end, part).toMatchObject({ code: 'executor-failed', report: null })
        expectHarmless(trial)
      })
    }
  })

  it('has said all by the whole of it', async () => {
    await tryService(lab, trialOf([ANSWER]), { method: 'POST' }, async ({ end }) => {
      expect(end).toMatchObject({ code: null, report: { output: { body: 'ok' } } })
    })
  })

  it('is not believed from an address that is not the one that was judged', async () => {
    const dial = verifyingDial()
    const executor = httpTo('127.0.0.2/32', {
      lookup: () => Promise.resolve(['127.0.0.2']),
      dial: (options, callback) => dial({ ...options, hostname: '127.0.0.1' }, callback),
    })
    const { evidence } = await executor.dryRun(
      httpPlan(`http://svc.test:${lab.good.port}`),
      never(),
    )
    expect(evidence).toMatchObject({
      dryRunProven: { holds: true },
      addressPinned: { holds: false },
    })
    await executor.close()
  })

  it('is asked itself, whatever proxy the environment names', async () => {
    const proxy = `http://127.0.0.1:${lab.canary.port}`
    for (const it of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy']) vi.stubEnv(it, proxy)
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    await tryService(lab, trialOf([ANSWER]), { method: 'POST' }, async (trial) => {
      expect(trial.end).toMatchObject({ code: null })
      expectHarmless(trial)
    })
    vi.unstubAllEnvs()
  })

  it('has to show its certificate, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const input: HostileService = { ...trialOf([ANSWER]), tls: 'self-signed', host: 'svc.test' }
    await tryService(lab, input, { method: 'POST' }, async ({ end, server }) => {
      expect(end).toMatchObject({ why: 'threw tls' })
      expect(server.requests()).toEqual([])
    })
    vi.unstubAllEnvs()
  })
})
