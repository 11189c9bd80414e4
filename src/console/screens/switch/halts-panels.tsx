import { head } from '../../api.ts'
import { isNotCounted } from '../../calls.ts'
import { Empty, Failed, inWords, Skeleton } from '../../parts/states.tsx'
import { firstSettings } from '../../switch/intervals.ts'
import { num } from '../../words.ts'
import type { Halts } from './halts.ts'
import { HaltsTable } from './halts-table.tsx'
import { Rails } from './rails-chart.tsx'

type Shown = Readonly<{ of: Halts }>

/** The last seven days, a rail a scope. */
export function RailsPanel({ of }: Shown) {
  return (
    <section class="panel" aria-labelledby="rails-title">
      <div class="panel-head">
        <h2 id="rails-title">Halts, last 7 days</h2>
        <p>
          Hatched while HALTED{of.calls.answer !== null && ', with the calls refused meanwhile'}
        </p>
      </div>
      <div class="panel-body stack tight">
        <RailsOrWhyNot of={of} />
      </div>
    </section>
  )
}

function RailsOrWhyNot({ of: { history, halts, refusedOf, nowMs } }: Shown) {
  const { settings, upTo, isRead, error, retry } = history
  return (
    <>
      {settings.length > 0 && (
        <Rails
          firsts={firstSettings(settings)}
          halts={halts}
          callsOf={(halt) => refusedOf(halt)?.calls ?? null}
          nowMs={nowMs}
        />
      )}
      {isRead && settings.length === 0 && <Empty icon="power" title="The switch was never set" />}
      {error !== null && <Failed error={error} retry={retry} />}
      {!isRead && error === null && (upTo === 0 ? <Skeleton /> : <Reading upTo={upTo} />)}
    </>
  )
}

function Reading({ upTo }: Readonly<{ upTo: number }>) {
  return (
    <p class="faint" role="status">
      Reading the log for settings: up to position {num(upTo)} of {num(head.value)}.
    </p>
  )
}

/** Every halt, as far as the log was read. Without the log there is nothing to say. */
export function HaltsPanel({ of }: Shown) {
  const { history, halts, listed, showOlder, calls, refusedOf, nowMs } = of
  if (history.settings.length === 0) return null
  return (
    <section class="panel" aria-labelledby="halts-title">
      <div class="panel-head">
        <h2 id="halts-title">What each halt refused</h2>
      </div>
      {halts.length === 0 ? (
        <Empty icon="open" title="Nothing was ever halted" />
      ) : (
        <HaltsTable halts={listed} refusedOf={refusedOf} nowMs={nowMs} />
      )}
      <div class="panel-foot">
        <CountsNote error={calls.error} isCut={calls.answer?.body.isCut ?? false} />
        <span>
          {listed.length < halts.length && (
            <button type="button" class="button small" onClick={showOlder}>
              Show older halts
            </button>
          )}{' '}
          complete up to <b class="num">{num(history.upTo)}</b>
        </span>
      </div>
    </section>
  )
}

function CountsNote({ error, isCut }: Readonly<{ error: Error | null; isCut: boolean }>) {
  if (isNotCounted(error)) return <span>Calls are not counted here.</span>
  if (error !== null) return <span role="status">{inWords(error)}</span>
  return (
    <span>
      Servers count calls by the hour: halts that share an hour and a contract share the figure.
      Equal refusals of one dispatch leave one event. Calls before servers counted are in no figure.
      {isCut && ' There are more counts than are read here, so the figures are too low.'}
    </span>
  )
}
