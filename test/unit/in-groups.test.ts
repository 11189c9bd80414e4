import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Grouping, inGroups } from '../../src/in-groups.ts'

type Request = Readonly<{ key: string; weight: number; id: number }>

/** Groups that wait until they are told to come back. */
function scripted(change: Partial<Grouping<Request, number>> = {}) {
  const sent: { ids: number[]; answer: () => void; fail: (error: unknown) => void }[] = []
  const send = inGroups<Request, number>({
    lanes: 2,
    sizeMax: 3,
    weight: { max: 10, of: (request) => request.weight },
    keyOf: (request) => request.key,
    isAboutData: (error) => error === 'data',
    send: (requests) =>
      new Promise((resolve, reject) => {
        const ids = requests.map((it) => it.id)
        sent.push({ ids, answer: () => resolve(ids.map((id) => id * 10)), fail: reject })
      }),
    ...change,
  })
  let id = 0
  const ask = (key?: string, weight = 1) => {
    id += 1
    return send({ key: key ?? `its own ${id}`, weight, id })
  }
  return { ask, sent, groups: () => sent.map((it) => it.ids) }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('requests in groups', () => {
  it('leave at the end of the turn in which they came, in their order', async () => {
    const { ask, groups } = scripted()
    void ask()
    void ask()
    expect(groups()).toEqual([])
    await turn()
    expect(groups()).toEqual([[1, 2]])
  })

  it('wait together while every lane is busy, and no longer', async () => {
    const { ask, sent, groups } = scripted({ lanes: 1 })
    const answers = [ask()]
    await turn()
    answers.push(ask(), ask())
    await turn()
    expect(groups()).toEqual([[1]])
    sent[0]?.answer()
    await turn()
    expect(groups()).toEqual([[1], [2, 3]])
    sent[1]?.answer()
    expect(await Promise.all(answers)).toEqual([10, 20, 30])
  })

  it('keep to the size and the weight of a group; what is too heavy goes alone', async () => {
    const { ask, groups } = scripted({ lanes: 9 })
    for (const weight of [1, 1, 1, 1, 99, 4, 6, 1]) void ask(undefined, weight)
    await turn()
    expect(groups()).toEqual([[1, 2, 3], [4, 6, 8], [5], [7]])
  })

  it('of one key never share a group, and keep their order', async () => {
    const { ask, groups } = scripted({ lanes: 9 })
    for (const key of ['a', 'a', 'b', 'a', undefined, undefined]) void ask(key)
    await turn()
    expect(groups()).toEqual([[1, 3, 5], [2, 6], [4]])
  })

  it('are repeated one by one when one of them is at fault: only that one fails', async () => {
    const { ask, sent } = scripted({ lanes: 1 })
    const settled = Promise.allSettled([ask(), ask(), ask()])
    await turn()
    sent[0]?.fail('data')
    for (const outcome of ['answer', 'fail', 'answer'] as const) {
      await turn()
      const last = sent.at(-1)
      if (outcome === 'fail') last?.fail('data')
      else last?.answer()
    }
    expect(sent.map((it) => it.ids)).toEqual([[1, 2, 3], [1], [2], [3]])
    expect(await settled).toEqual([
      { status: 'fulfilled', value: 10 },
      { status: 'rejected', reason: 'data' },
      { status: 'fulfilled', value: 30 },
    ])
  })

  it('all fail when the way to the store broke: nobody repeats what may have been done', async () => {
    const { ask, sent } = scripted({ lanes: 1 })
    const settled = Promise.allSettled([ask(), ask()])
    await turn()
    sent[0]?.fail('gone')
    expect((await settled).map((it) => it.status)).toEqual(['rejected', 'rejected'])
    expect(sent).toHaveLength(1)
  })

  it('are each answered once with their own answer, whatever their keys and weights', async () => {
    const request = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 12 }))
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 60 }), async (requests) => {
        const send = inGroups<number, number>({
          lanes: 2,
          sizeMax: 5,
          weight: { max: 20, of: (index) => requests[index]?.[1] ?? 0 },
          keyOf: (index) => requests[index]?.[0] ?? '',
          send: async (indexes) => {
            await turn()
            const keys = indexes.map((it) => requests[it]?.[0])
            expect(new Set(keys).size).toBe(keys.length)
            expect(indexes.length).toBeLessThanOrEqual(5)
            return indexes
          },
        })
        const answers = await Promise.all(requests.map((_, index) => send(index)))
        expect(answers).toEqual(requests.map((_, index) => index))
      }),
      { numRuns: 50 },
    )
  })
})
