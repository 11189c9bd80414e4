import { createRequire } from 'node:module'
import jsonata, { type Expression } from 'jsonata'
import { isLockedDown } from './lockdown.ts'
import type { Isolation } from './protocol.ts'
import { deepFreeze, sealDefinition } from './seal.ts'

/** The one version whose source was read for clocks, randomness and state kept between runs. */
const REVIEWED_VERSION = '2.2.2'

const PACKAGE = createRequire(import.meta.url)('jsonata/package.json') as {
  name: string
  version: string
}

/** How deep evaluations may nest. Deeper ones fill the heap of a process before they end. */
const DEPTH_MAX = 32_000

/** `eval` is pure, but what it runs is nobody's reviewed program. */
const REMOVED = ['eval', 'millis', 'now', 'random', 'shuffle'] as const
type RemovedName = (typeof REMOVED)[number]

/** Every function that the engine shares between expressions; `now` and `millis` are not shared. */
export const SHARED_FUNCTIONS: readonly string[] = `sum count max min average string substring
  substringBefore substringAfter lowercase uppercase length trim pad match contains replace split
  join formatNumber formatBase formatInteger parseInteger number floor ceil round abs sqrt power
  random boolean not map zip filter single reduce sift keys lookup append exists spread merge
  reverse each error assert type sort shuffle distinct base64encode base64decode
  encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl eval toMillis fromMillis clone`.split(
  /\s+/,
)

type Definition = {
  _jsonata_function: true
  implementation: (this: unknown, ...args: never[]) => unknown
  signature?: unknown
}

const refusal = (name: RemovedName): Definition => ({
  _jsonata_function: true,
  implementation: () => {
    // Shaped like the engine's own errors, which it completes with a position.
    throw { code: `removed-${name}` }
  },
})
const REFUSALS = new Map(REMOVED.map((name) => [name, refusal(name)]))

/** Prepares the engine for expressions that trust neither each other nor us, and reports on it. */
export async function hardenEngine(): Promise<Isolation> {
  for (const name of SHARED_FUNCTIONS) await hardenShared(name)
  for (const definition of REFUSALS.values()) sealDefinition(definition)
  await freezeChain()
  return inspect()
}

async function hardenShared(name: string): Promise<void> {
  const definition = (await jsonata(`$${name}`).evaluate(null)) as Definition
  const refused = REFUSALS.get(name as RemovedName)
  if (refused !== undefined) {
    definition.implementation = refused.implementation
    delete definition.signature
  }
  if (name === 'toMillis') definition.implementation = timeless(definition.implementation)
  sealDefinition(definition)
}

/** A picture without a year makes the engine take today's: there is no today here. */
const TODAY = new Proxy(
  {},
  {
    get() {
      throw { code: 'clock' }
    },
  },
)

function timeless(toMillis: Definition['implementation']): Definition['implementation'] {
  const focus = { environment: { timestamp: TODAY } }
  // The engine reads the names of the parameters from the text of the function.
  return function (timestamp, picture) {
    return toMillis.call(focus, timestamp, picture)
  }
}

type Lambda = Readonly<{ body: unknown; arguments: unknown; environment: { global: unknown } }>

/** `$f ~> $g` is made of one syntax tree, and all frames hold one object, that runs would share. */
async function freezeChain(): Promise<void> {
  const chain = (await jsonata('$sum ~> $count').evaluate(null)) as Lambda
  deepFreeze([chain.body, chain.arguments, chain.environment.global])
}

/** Compiles an expression so that no run of it can change what the next one computes. */
export function compile(expression: string, timeMs: number): Expression {
  const options = Object.freeze({ stack: DEPTH_MAX, timeout: Math.max(1, timeMs) })
  const compiled = jsonata(expression, options)
  for (const [name, definition] of REFUSALS) compiled.assign(name, definition)
  deepFreeze(compiled.ast())
  return compiled
}

/** Tries what must be refused. Nothing here is taken from what was meant to happen above. */
async function inspect(): Promise<Isolation> {
  const { name, version } = PACKAGE
  const removed: string[] = []
  for (const one of REMOVED) if (await isRefused(`$${one}()`, `removed-${one}`)) removed.push(one)
  const holds =
    removed.length === REMOVED.length &&
    version === REVIEWED_VERSION &&
    (await isRefused('$toMillis("10:00", "[H01]:[m01]")', 'clock')) &&
    isLockedDown()
  return { engine: name, version, removed, holds }
}

function isRefused(expression: string, code: string): Promise<boolean> {
  return compile(expression, 1_000)
    .evaluate(null)
    .then(
      () => false,
      (error: { code?: unknown }) => error.code === code,
    )
}
