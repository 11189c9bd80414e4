import type { ResolvedEvent } from '@eventstore/db-client'
import type { ControlTail } from './control.ts'
import { positionOf, readAll, type Source } from './read.ts'
import { scan } from './scan.ts'
import { recordedOf } from './stored-event.ts'

export type Tip = Readonly<{ position: number; recordedAt: string | null }>
type Log = Source & Readonly<{ control: ControlTail }>

const NONE: Tip = { position: 0, recordedAt: null }
/** Looked at from the end of the log: mostly the last event is the ledger's own. */
const PAGES = [16, 512, 1_024]

/**
 * Finds the last event of the ledger in a log that others write to. It looks back from the end, to
 * where it looked the last time; where too much lies between, the server looks forward from the last
 * control event, once for everybody who asks.
 */
export function createTip(log: Log): () => Promise<Tip> {
  let looked: Readonly<{ end: number; tip: Tip }> | null = null
  let scanning: Promise<Tip> | null = null

  const lookBack = async (): Promise<Tip | number> => {
    let end: number | null = null
    let from: number | 'end' = 'end'
    for (const size of PAGES) {
      const page: readonly ResolvedEvent[] = await readAll(log, {
        from,
        direction: 'backwards',
        size,
      })
      for (const it of page) {
        const position = positionOf(it)
        end ??= position
        const tip = position === looked?.end ? looked.tip : tipOf(log, it)
        if (tip === null) continue
        looked = { end, tip }
        return tip
      }
      if (page.length < size) return NONE
      from = positionOf(page.at(-1) as ResolvedEvent)
    }
    return end ?? 0
  }
  return async () => {
    const found = await lookBack()
    if (typeof found !== 'number') return found
    scanning ??= lookForward(log)
      .then((tip) => {
        looked = { end: found, tip }
        return tip
      })
      .finally(() => {
        scanning = null
      })
    return scanning
  }
}

function tipOf({ streams, prefix }: Log, it: ResolvedEvent): Tip | null {
  if (it.event === undefined || !streams.isOurs(it.event.streamId)) return null
  const { position, recordedAt } = recordedOf(it, prefix)
  return { position, recordedAt }
}

async function lookForward(log: Log): Promise<Tip> {
  await log.control.read()
  const from = log.control.lastBefore(Number.POSITIVE_INFINITY)
  const [last] = from === 0 ? [] : await readAll(log, { from, direction: 'forwards', size: 1 })
  let tip = (last && tipOf(log, last)) ?? NONE
  await scan(log.reader, { from, pattern: log.streams.pattern }, (it) => {
    tip = tipOf(log, it) ?? tip
  })
  return tip
}
