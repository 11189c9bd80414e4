import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSharedRead } from '../../src/stores/shared-read.ts'
import { createMemoryEventStore } from '../support/memory-event-store.ts'
import { dispatchAppend, newStream } from './appends.ts'

const SIZE = 4

function shared() {
  const memory = createMemoryEventStore()
  const asked: { after: number; events: number }[] = []
  let failing = false
  const read = createSharedRead(
    {
      async *read(range) {
        const one = { after: range.after, events: 0 }
        asked.push(one)
        if (failing) throw new Error('the store is gone')
        for await (const event of memory.read(range)) {
          one.events += 1
          yield event
        }
      },
    },
    SIZE,
  )
  const append = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) await memory.appendDispatch(dispatchAppend(newStream()))
  }
  const positions = async (after: number, until: number): Promise<number[]> => {
    const found: number[] = []
    for await (const event of read({ after, until })) found.push(event.position)
    return found
  }
  const fail = (now: boolean): void => {
    failing = now
  }
  return { append, asked, positions, fail, read }
}

const span = (after: number, until: number): number[] =>
  Array.from({ length: Math.max(0, until - after) }, (_, n) => after + n + 1)

describe('a shared read', () => {
  it('fetches once what several read side by side', async () => {
    const { append, asked, positions } = shared()
    await append(10)
    const all = await Promise.all([0, 0, 0, 2].map((after) => positions(after, 10)))
    expect(all).toEqual([span(0, 10), span(0, 10), span(0, 10), span(2, 10)])
    expect(asked).toEqual([
      { after: 0, events: 4 },
      { after: 4, events: 4 },
      { after: 8, events: 2 },
    ])
  })

  it('hides nothing behind a chunk that ended where the log ended then', async () => {
    const { append, positions } = shared()
    await append(2)
    expect(await positions(0, 2)).toEqual([1, 2])
    await append(3)
    expect(await positions(0, 5)).toEqual([1, 2, 3, 4, 5])
    expect(await positions(1, 3)).toEqual([2, 3])
  })

  it('keeps the last chunks alone: who begins anew fetches anew', async () => {
    const { append, asked, positions } = shared()
    await append(6 * SIZE)
    await positions(0, 6 * SIZE)
    expect(asked).toHaveLength(6)
    await positions(2 * SIZE, 6 * SIZE)
    expect(asked).toHaveLength(6)
    await positions(0, SIZE)
    expect(asked).toHaveLength(7)
  })

  it('tells everybody who waits that the store failed, and asks it again the next time', async () => {
    const { append, positions, fail } = shared()
    await append(3)
    fail(true)
    const both = await Promise.allSettled([positions(0, 3), positions(0, 3)])
    expect(both.map((it) => it.status)).toEqual(['rejected', 'rejected'])
    fail(false)
    expect(await positions(0, 3)).toEqual([1, 2, 3])
  })

  it('gives every reader everything once, in order, while the log grows', async () => {
    const step = fc.record({ appends: fc.nat(6), after: fc.nat(12), ahead: fc.nat(12) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const { append, positions } = shared()
        let end = 0
        const readers: { range: [number, number]; found: Promise<number[]> }[] = []
        for (const { appends, after, ahead } of steps) {
          await append(appends)
          end += appends
          const from = Math.min(after, end)
          const range: [number, number] = [from, Math.min(from + ahead, end)]
          readers.push({ range, found: positions(...range) })
        }
        for (const { range, found } of readers) expect(await found).toEqual(span(...range))
      }),
      { numRuns: 200 },
    )
  })
})
