import { useRef } from 'preact/hooks'
import { useCalls } from '../calls.ts'
import { PageHead } from '../parts/page-head.tsx'
import { place, setQuery } from '../router.ts'
import { switchReport } from '../status.ts'
import { useContracts } from '../switch/contracts.ts'
import type { Verb } from '../switch/scopes.ts'
import { type Draft, FlipForm } from './switch/flip-form.tsx'
import { useHalts } from './switch/halts.ts'
import { HaltsPanel, RailsPanel } from './switch/halts-panels.tsx'
import { StatePanel } from './switch/state-table.tsx'

/** What is asked for stands in the address: /switch?scope=executor:http&to=release */
function draftOf(query: URLSearchParams): Draft {
  const scope = query.get('scope') ?? 'global'
  const to = query.get('to')
  return { scope, verb: to === 'halt' || to === 'release' ? to : verbFor(scope) }
}

/** What it takes to change a scope: one that was never set passes, but for global, which refuses. */
function verbFor(scope: string): Verb {
  const position = switchReport.value?.scopes[scope]
  return position === null || position?.state === 'HALTED' ? 'release' : 'halt'
}

export function SwitchScreen() {
  const contracts = useContracts()
  const calls = useCalls(24).answer?.body.rows ?? null
  const halts = useHalts(contracts)
  const filled = useRef(0)
  const change = ({ verb, scope }: Draft): void => setQuery({ scope, to: verb }, { replace: true })
  return (
    <>
      <PageHead
        title="Kill switch"
        says="Read on every call. Only a positive DRY_RUN_ONLY lets anything pass; the strictest scope wins. There is no “live”."
      />
      <div class="cols cols-2-1">
        <div class="stack">
          <StatePanel
            contracts={contracts}
            calls={calls}
            fill={(verb, scope) => {
              filled.current += 1
              change({ verb, scope })
            }}
          />
          <RailsPanel of={halts} />
        </div>
        <FlipForm
          draft={draftOf(place.value.query)}
          change={change}
          contracts={contracts}
          calls={calls}
          filled={filled.current}
        />
      </div>
      <HaltsPanel of={halts} />
    </>
  )
}
