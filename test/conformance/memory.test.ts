import { describe, expect, it } from 'vitest'
import { createMemoryEventStore } from '../support/memory-event-store.ts'
import { dispatchAppend, newStream } from './appends.ts'
import { collect, describeEventStore } from './event-store.ts'

describeEventStore('the memory model', async () => ({
  store: createMemoryEventStore(),
  close: () => Promise.resolve(),
}))

describeEventStore('the fenced memory model', async () => ({
  store: createMemoryEventStore(() => new Date(), 'fenced'),
  close: () => Promise.resolve(),
}))

describe('the clock of the memory model', () => {
  it('is written down, and never goes back', async () => {
    const clock = [
      '2026-01-01T10:00:00.500Z',
      '2026-01-01T09:59:59.000Z',
      '2026-01-01T10:00:01.000Z',
    ]
    const store = createMemoryEventStore(() => new Date(clock.shift() ?? ''))
    for (let n = 0; n < 3; n++) await store.appendDispatch(dispatchAppend(newStream()))
    const times = (await collect(store.read({ after: 0 }))).map((event) => event.recordedAt)
    expect(times).toEqual([
      '2026-01-01T10:00:00.500Z',
      '2026-01-01T10:00:00.500Z',
      '2026-01-01T10:00:01.000Z',
    ])
  })
})
