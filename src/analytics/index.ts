import type pg from 'pg'
import type { DispatchCall, Log } from '../ports.ts'
import { type Answered, type CountPorts, counted } from './counted.ts'
import { type CallsPage, type CallsQuery, readCalls } from './read-calls.ts'
import { type AnalyticsView, listViews } from './views.ts'
import { type CallsSetting, createCallsWriter } from './write-calls.ts'

export type { CallsSetting } from './write-calls.ts'

/** What analysts read, and the one part of it that no event tells: how many calls came. */
export type Analytics = Readonly<{
  /** Counts each call that `run` answers or throws at. */
  counted<A extends Answered>(
    run: (call: DispatchCall) => Promise<A>,
    isRegistered: CountPorts['isRegistered'],
  ): (call: DispatchCall) => Promise<A>
  views(): Promise<readonly AnalyticsView[]>
  /** `asOf`: what this server answered before that is in the rows. */
  calls(query: CallsQuery): Promise<CallsPage & { readonly asOf: string }>
  /** Writes the counts a last time. */
  close(): Promise<void>
}>

export function createAnalytics(pool: pg.Pool, log: Log, setting: CallsSetting = {}): Analytics {
  const writer = createCallsWriter(pool, log, setting)
  const { nowMs = Date.now } = setting
  return {
    counted: (run, isRegistered) => counted(run, { count: writer.count, isRegistered }),
    views: () => listViews(pool),
    async calls(query) {
      // Before the rows are read: what is written meanwhile may be in them or not.
      const asOf = new Date(writer.writtenUpToMs()).toISOString()
      return { asOf, ...(await readCalls(pool, query, nowMs())) }
    },
    close: writer.close,
  }
}
