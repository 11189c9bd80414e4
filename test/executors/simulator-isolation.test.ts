import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SHARED_FUNCTIONS } from '../../src/executors/simulator/engine.ts'
import { createSimulator } from '../../src/executors/simulator/simulator.ts'
import { digestOf } from '../../src/identity.ts'
import {
  ENDLESS,
  failureOf,
  OPEN_LAMBDA,
  outputOf,
  outputting,
  planOf,
  type Simulator,
} from '../support/simulator.ts'

const GLOBAL = `${OPEN_LAMBDA}.environment.global`

describe('one run and the next in the same process', () => {
  let simulator: Simulator
  beforeAll(() => {
    simulator = createSimulator({ processes: 1 })
  })
  afterAll(() => simulator.close())

  it('seals every function that the engine shares', () => {
    const source = readFileSync(createRequire(import.meta.url).resolve('jsonata'), 'utf8')
    const bound = [...source.matchAll(/staticFrame\.bind\('(\w+)'/g)].map(([, name]) => name)
    expect(new Set(bound)).toEqual(new Set(SHARED_FUNCTIONS))
  })

  it.each([
    ['a function', '{} ~> |$sum|{ "implementation": $count }|', '$sum([5, 6])'],
    ['the type of a function', '{} ~> |$sum|{}, "_jsonata_function"|', '$sum([5, 6])'],
    ['what makes copies', '{} ~> |$clone|{ "implementation": $sum }|', '{} ~> |$|{ "a": 1 }|'],
    ['the environment', `{} ~> |${GLOBAL}|{ "left": 1 }|`, `$keys(${GLOBAL})`],
    ['who called last', '$abs(1)', '$count($spread([$abs]))'],
    [
      'composition',
      `(
        $chain := $sum ~> $string;
        $body := ({} ~> |$|$chain, "_jsonata_lambda"|).body;
        {} ~> |$body|{ "type": "string", "value": "rewritten" }|
      )`,
      '($f := $sum ~> $string; $f([1, 2]))',
    ],
  ])('share nothing: %s', async (_, attack, victim) => {
    const before = digestOf(await outputOf(simulator, `[${victim}]`))
    await failureOf(simulator, planOf(outputting(attack)))
    expect(digestOf(await outputOf(simulator, `[${victim}]`))).toBe(before)
  })

  it('gives the same output though an expression rewrites its own syntax tree', async () => {
    const rewriting = `(
      $body := ${OPEN_LAMBDA}.body;
      $before := $string($body.type);
      {} ~> |$body|{ "type": "string", "value": "rewritten" }|;
      $before
    )`
    const outcomes: string[] = []
    for (let run = 0; run < 3; run++) {
      const plan = planOf(outputting(rewriting))
      outcomes.push(await failureOf(simulator, plan))
    }
    expect(outcomes).toEqual(['threw unknown', 'threw unknown', 'threw unknown'])
  })

  it('gives the same output though an expression writes to its fixture', async () => {
    const writing = '({} ~> |$$.fixture|{ "n": $$.fixture.n + 1 }|; $$.fixture.n)'
    const given = { fixture: { n: 1 } }
    const outputs = [1, 2, 3].map(() => outputOf(simulator, writing, given))
    expect(await Promise.all(outputs)).toEqual([2, 2, 2])
    expect(given.fixture.n).toBe(1)
  })

  it('ends a run with all its branches, so none computes on in the time of the next', async () => {
    const branches = planOf(`[$error("first"), ${ENDLESS}]`, { timeMs: 300 })
    const [failed, next] = await Promise.all([
      failureOf(simulator, branches),
      outputOf(simulator, '"next"'),
    ])
    expect([failed, next]).toEqual(['timeout time', 'next'])
  })
})

describe('a process that is not sealed', () => {
  it('says so', async () => {
    const entry = new URL('../../src/executors/simulator/child.ts', import.meta.url)
    const open = fork(fileURLToPath(entry), [], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc', 'pipe'],
    })
    const [ready] = (await once(open, 'message')) as [unknown]
    open.kill('SIGKILL')
    expect(ready).toMatchObject({ kind: 'ready', isolation: { holds: false } })
  })
})
