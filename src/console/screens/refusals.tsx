import { knownCode, refusedOf, sumsBy } from '../call-sums.ts'
import { type Calls, useCalls } from '../calls.ts'
import { Counted } from '../parts/counted.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { Loaded } from '../parts/states.tsx'
import type { Resource } from '../resource.ts'
import { place, setQuery } from '../router.ts'
import { CodeBars, ContractBars, HOURS, NotJudged, noteOf, RuleHeat } from './refusals/charts.tsx'
import { isNarrowed, NOTHING_PICKED, type Pick, pickOf } from './refusals/pick.ts'
import { RefusedEvents } from './refusals/refused-events.tsx'

/** What is refused, by which rule, when, why, and who must act. */
export function RefusalsScreen() {
  const pick = pickOf(place.value.query)
  const calls = useCalls(HOURS)
  const rows = refusedOf(calls.answer?.body.rows ?? [], 'calls')
  const codes = sumsBy(rows, ({ code }) => code).map(({ key }) => key)
  return (
    <>
      <PageHead
        title="Refusals"
        says="A refusal is a judgement, never a cached result. The next call is judged again."
      >
        <WhatIsCounted pick={pick} />
      </PageHead>
      {calls.answer === null && calls.error !== null ? (
        <HeatPanel calls={calls} pick={pick} />
      ) : (
        <div class="cols cols-2-1">
          <HeatPanel calls={calls} pick={pick} />
          <CodePanel calls={calls} pick={pick} />
        </div>
      )}
      <RefusedEvents pick={pick} codes={codes} />
    </>
  )
}

type Shown = Readonly<{ calls: Resource<Calls>; pick: Pick }>

function HeatPanel({ calls, pick }: Shown) {
  return (
    <section class="panel" aria-labelledby="heat-title">
      <div class="panel-head">
        <h2 id="heat-title">By rule and hour, last 24 hours</h2>
        <p>{noteOf(pick.counted)}</p>
      </div>
      <Counted calls={calls}>
        {(counted) => (
          <>
            <div class="panel-body">
              <RuleHeat calls={counted} pick={pick} />
              <p class="faint">
                Rules 3, 5, 7 and 9 have no gate of their own; they hold in the way things are
                built. Hours are UTC.
                {counted.isCut && ' There are more counts than are read here: sums are too low.'}
              </p>
            </div>
            <div class="panel-body">
              <ContractBars calls={counted} pick={pick} />
            </div>
            <div class="panel-foot">
              <NotJudged calls={counted} />
            </div>
          </>
        )}
      </Counted>
    </section>
  )
}

function CodePanel({ calls, pick }: Shown) {
  return (
    <section class="panel" aria-labelledby="codes-title">
      <div class="panel-head">
        <h2 id="codes-title">By code</h2>
        {isNarrowed(pick) && (
          <button type="button" class="button small quiet" onClick={() => setQuery(NOTHING_PICKED)}>
            Clear
          </button>
        )}
      </div>
      <div class="panel-body stack">
        <Loaded of={calls}>{(counted) => <CodeBars calls={counted} pick={pick} />}</Loaded>
        <Remedy pick={pick} />
      </div>
    </section>
  )
}

const COUNTED = [
  ['events', 'Events in the log'],
  ['calls', 'Calls, counted'],
] as const

function WhatIsCounted({ pick }: Readonly<{ pick: Pick }>) {
  return (
    <div class="segmented" role="group" aria-label="What is counted">
      {COUNTED.map(([what, name]) => (
        <button
          key={what}
          type="button"
          aria-pressed={pick.counted === what}
          onClick={() => setQuery({ count: what === 'events' ? null : what }, { replace: true })}
        >
          {name}
        </button>
      ))}
    </div>
  )
}

/** What to do about the code that is picked. */
function Remedy({ pick: { code } }: Readonly<{ pick: Pick }>) {
  const known = code === null ? null : knownCode(code)
  if (known === null) return null
  return (
    <p class="callout">
      <span>
        <b>{known.title}.</b> {known.remedy}
      </span>
    </p>
  )
}
