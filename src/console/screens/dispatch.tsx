import { useState } from 'preact/hooks'
import { ApiProblem } from '../api.ts'
import { CopyButton, WholeId } from '../parts/copy.tsx'
import { Icon } from '../parts/icon.tsx'
import { Panel } from '../parts/panel.tsx'
import { CodePill, Pill } from '../parts/pill.tsx'
import { type Raw, RawDrawer } from '../parts/raw.tsx'
import { Empty, Loaded } from '../parts/states.tsx'
import { type Resource, useResource } from '../resource.ts'
import { may } from '../session.ts'
import { useContracts } from '../switch/contracts.ts'
import { useHistory } from '../switch/history.ts'
import { type Halt, haltsOf } from '../switch/intervals.ts'
import { covers } from '../switch/scopes.ts'
import { Events } from './dispatch/events.tsx'
import { LifeCycle } from './dispatch/life-cycle.tsx'
import {
  cliOf,
  curlOf,
  type Dispatch,
  type Step,
  type StreamEvent,
  typescriptOf,
} from './dispatch/model.ts'
import { Command, Result, SendAgain } from './dispatch/result.tsx'

/** It changes only when somebody sends the command again. */
const EVERY_MS = 5_000

/** One dispatch from its first event to its last, gate by gate. */
export function DispatchScreen({ id }: Readonly<{ id: string }>) {
  const address = `/v1/dispatches/${encodeURIComponent(id)}`
  const dispatch = useResource<Dispatch>(address, EVERY_MS)
  const events = useResource<{ events: readonly StreamEvent[] }>(`${address}/events`, EVERY_MS)
  const why = useResource<{ steps: readonly Step[] }>(`${address}/explain`, EVERY_MS)
  if (isMissing(dispatch)) return <Missing id={id} />
  return (
    <Loaded of={dispatch}>
      {(body) => (
        <Loaded of={events}>
          {(read) => (
            <Whole dispatch={body} events={read.events} steps={why.answer?.body.steps ?? []} />
          )}
        </Loaded>
      )}
    </Loaded>
  )
}

const isMissing = ({ answer, error }: Resource<unknown>): boolean =>
  answer === null && error instanceof ApiProblem && [404, 422].includes(error.problem.status)

function Missing({ id }: Readonly<{ id: string }>) {
  return (
    <Empty icon="search" title="There is no such dispatch here">
      <p>
        No event has the id <code>{id}</code>, or it lies outside the namespaces of this key. What
        is not recorded did not happen.
      </p>
      <a class="button" href="/dispatches">
        All dispatches
      </a>
    </Empty>
  )
}

type Parts = Readonly<{
  dispatch: Dispatch
  events: readonly StreamEvent[]
  steps: readonly Step[]
}>

function Whole({ dispatch, events, steps }: Parts) {
  const [raw, setRaw] = useState<Raw | null>(null)
  const halts = useHaltsOver(dispatch.command.contract.id)
  return (
    <>
      <Head
        dispatch={dispatch}
        events={events}
        raw={() => setRaw({ title: 'The whole dispatch', value: { ...dispatch, events } })}
      />
      <Panel
        title="Life cycle"
        note={
          <p>
            Furthest point reached, event by event. A refusal never moves it.
            {!may('events:read') && ' Halts are not drawn: the key does not hold events:read.'}
          </p>
        }
      >
        <LifeCycle events={events} halts={halts} />
      </Panel>
      <div class="cols cols-2-1 wide-first">
        <div class="stack">
          <Events events={events} steps={steps} raw={(title, value) => setRaw({ title, value })} />
        </div>
        <div class="stack">
          <Result events={events} steps={steps} />
          <Command dispatch={dispatch} events={events} />
          <SendAgain dispatch={dispatch} />
        </div>
      </div>
      <RawDrawer raw={raw} close={() => setRaw(null)} />
    </>
  )
}

/** The halts of every scope that this contract stands under. */
function useHaltsOver(contractId: string): readonly Halt[] {
  const { settings } = useHistory()
  const contracts = useContracts()
  return haltsOf(settings).filter(({ scope }) => covers(scope, contractId, contracts))
}

type HeadParts = Omit<Parts, 'steps'> & { readonly raw: () => void }

function Head({ dispatch, events, raw }: HeadParts) {
  const { dispatchId, command, verdict } = dispatch
  const code = events.at(-1)?.data.code
  const { origin } = location
  return (
    <div class="page-head">
      <a class="icon-button" href="/dispatches" aria-label="Back to dispatches">
        <Icon name="left" />
      </a>
      <h1>
        {command.contract.id}
        <span class="faint">@{command.contract.version}</span>
      </h1>
      {verdict !== null ? <Pill kind={verdict} /> : code !== undefined && <CodePill code={code} />}
      <WholeId id={dispatchId} what="the dispatch id" />
      <div class="actions">
        <CopyButton text={curlOf(origin, dispatchId)} what="the curl command" label="curl" />
        <CopyButton text={cliOf(dispatchId)} what="the CLI command" label="CLI" />
        <CopyButton
          text={typescriptOf(origin, dispatchId)}
          what="the TypeScript"
          label="TypeScript"
        />
        <button type="button" class="button" onClick={raw}>
          <Icon name="doc" />
          Raw JSON
        </button>
      </div>
    </div>
  )
}
