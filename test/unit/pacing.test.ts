import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../domain/limits.ts'
import { createPacing, laneOf } from '../../src/dispatch/pacing.ts'
import { LedgerError } from '../../src/errors.ts'
import { createTokenBuckets } from '../../src/token-buckets.ts'
import { Turns } from '../../src/turns.ts'

describe('a token bucket', () => {
  let nowMs = 0
  const buckets = () => {
    nowMs = 0
    return createTokenBuckets({ size: 3, perSecond: 2 }, () => nowMs)
  }
  const takeAll = (from: ReturnType<typeof buckets>, name: string): number => {
    let taken = 0
    while (from.take(name)) taken += 1
    return taken
  }

  it('holds its size and fills at its rate, and never above its size', () => {
    const some = buckets()
    expect(takeAll(some, 'a')).toBe(3)
    nowMs = 499
    expect(some.take('a')).toBe(false)
    nowMs = 500
    expect(takeAll(some, 'a')).toBe(1)
    nowMs = 1_000_000
    expect(takeAll(some, 'a')).toBe(3)
  })

  it('is one of each name', () => {
    const some = buckets()
    takeAll(some, 'a')
    expect(takeAll(some, 'b')).toBe(3)
    expect(some.take('a')).toBe(false)
  })

  it('is forgotten when 10,000 others were asked for later, and not before', () => {
    const some = buckets()
    takeAll(some, 'first')
    takeAll(some, 'second')
    for (let n = 0; n < 9_998; n++) some.take(`other-${n}`)
    expect(some.take('first')).toBe(false)
    some.take('one more')
    expect(some.take('second')).toBe(true)
    expect(some.take('first')).toBe(false)
  })
})

describe('the requests of one key', () => {
  const tooMany = () => new LedgerError('rate-limited', 'too many', { retryAfterSeconds: 1 })
  const turns = (waitMs = 60_000) => new Turns({ working: 2, waiting: 2, waitMs, tooMany })
  const settled = async (promise: Promise<unknown>): Promise<string> => {
    const after = new Promise((resolve) => setImmediate(resolve, 'waits'))
    return (await Promise.race([promise.then(() => 'works'), after])) as string
  }

  it('work two at a time, and the next in line follows who ends', async () => {
    const line = turns()
    const [end] = await Promise.all([line.take('a'), line.take('a')])
    const third = line.take('a')
    const fourth = line.take('a')
    expect(await settled(third)).toBe('waits')
    end()
    end()
    expect(await settled(third)).toBe('works')
    expect(await settled(fourth)).toBe('waits')
    ;(await third)()
    expect(await settled(fourth)).toBe('works')
  })

  it('are refused when the line is full, and the key of others is not concerned', async () => {
    const line = turns()
    const waiting = Array.from({ length: 4 }, () => line.take('a'))
    await expect(line.take('a')).rejects.toMatchObject({
      code: 'rate-limited',
      retryAfterSeconds: 1,
    })
    expect(await settled(line.take('b'))).toBe('works')
    expect(await Promise.all(waiting.map(settled))).toEqual(['works', 'works', 'waits', 'waits'])
  })

  it('are refused when their turn does not come in time, and then leave their place', async () => {
    const line = turns(5)
    const [end] = await Promise.all([line.take('a'), line.take('a')])
    await expect(line.take('a')).rejects.toMatchObject({ code: 'rate-limited' })
    end()
    expect(await settled(line.take('a'))).toBe('works')
  })

  it('leave their place when their caller gives up', async () => {
    const line = turns()
    const [end] = await Promise.all([line.take('a'), line.take('a')])
    const caller = new AbortController()
    const left = line.take('a', caller.signal)
    const next = line.take('a')
    caller.abort(new Error('gave up'))
    await expect(left).rejects.toThrow('gave up')
    end()
    expect(await settled(next)).toBe('works')
    await expect(line.take('a', caller.signal)).rejects.toThrow('gave up')
  })

  it('start from nothing once all have ended', async () => {
    const line = turns()
    for (let n = 0; n < 5; n++) {
      const ends = await Promise.all([line.take('a'), line.take('a')])
      for (const end of ends) end()
    }
    expect(await settled(line.take('a'))).toBe('works')
  })
})

describe('the places that lead where a plan leads', () => {
  const target = { kind: 'Target', id: 'a', version: 1, executor: 'http' } as const
  const laneFor = (more: object) =>
    laneOf({ ...PLAN, target: { ...target, ...more } } as Parameters<typeof laneOf>[0])
  const PLAN = { program: {}, params: {}, fixture: null, limits: {} }

  it('are those of its origin, and of the database that is asked with it', () => {
    const lanes = [
      laneFor({ origin: 'http://a' }),
      laneFor({ origin: 'http://b' }),
      laneFor({ origin: 'http://a', crossCheck: { source: 's', sql: '' } }),
      laneFor({ executor: 'sql-read', source: 's' }),
    ]
    expect(new Set(lanes).size).toBe(lanes.length)
    expect(laneFor({ origin: 'http://a', id: 'b', version: 2 })).toBe(lanes[0])
  })

  it('are refused as something that could not be told when the line is full', async () => {
    const { lanes } = createPacing(() => 0)
    const asked = Array.from({ length: LIMITS.lanes + LIMITS.lanesWaiting }, () => lanes.take('a'))
    await expect(lanes.take('a')).rejects.toMatchObject({
      code: 'gate-indeterminate',
      recorded: 'none',
      retryAfterSeconds: 1,
    })
    const elsewhere = await lanes.take('b')
    elsewhere()
    for (const turn of asked) (await turn)()
  })
})
