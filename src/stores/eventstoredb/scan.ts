import type { ResolvedEvent } from '@eventstore/db-client'
import { within } from '../../within.ts'
import type { ReadingClient } from './clients.ts'
import { failureOf } from './failure.ts'
import { placeAt } from './read.ts'

/** A server looks through some hundred thousand events a second. */
const SCAN_MS = 60_000

/** Gives every event of streams that match, from a place to where the log ends now. */
export async function scan(
  reader: ReadingClient,
  { from, pattern }: Readonly<{ from: number; pattern: string }>,
  each: (event: ResolvedEvent) => void,
): Promise<void> {
  const client = await reader.get()
  const events = client.subscribeToAll({
    fromPosition: placeAt(from),
    filter: { filterOn: 'streamName', regex: pattern, checkpointInterval: 1_000 },
  })
  const caughtUp = new Promise<void>((resolve, reject) => {
    // It is told ahead of the events that wait in between.
    const whenDrained = (): void => {
      if (events.readableLength === 0) resolve()
      else setImmediate(whenDrained)
    }
    events.on('error', reject)
    events.on('caughtUp', () => setImmediate(whenDrained))
    events.on('data', each)
  })
  try {
    await within(SCAN_MS, caughtUp, () => {
      throw failureOf(new Error(`it did not come to the end of its log in ${SCAN_MS} ms`), 'none')
    })
  } finally {
    events.destroy()
    void events.unsubscribe().catch(() => undefined)
  }
}
