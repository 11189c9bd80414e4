import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { type DispatchCommand, identityOf, type Mode } from '../../../domain/dispatch/command.ts'
import { Icon } from '../parts/icon.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { Empty, Failed, Loaded, Skeleton } from '../parts/states.tsx'
import { type Resource, useResource } from '../resource.ts'
import { referenceOf } from '../try/catalogue.ts'
import { paramsErrorsOf } from '../try/outlook.ts'
import { type Chosen, chosenOf, type Trial } from '../try/trial.ts'
import { type DraftState, useDraft } from '../try/use-draft.ts'
import { type Explanations, type Preview, usePreview } from '../try/use-preview.ts'
import { type Sending, useSending } from '../try/use-sending.ts'
import { type Catalogue, useShelves, useTrial } from '../try/use-trial.ts'
import { AnswerPanel } from './try/answer-panel.tsx'
import { AskPanel } from './try/ask-panel.tsx'
import { CommandPanel } from './try/command-panel.tsx'
import { ContractForm } from './try/contract-form.tsx'
import { ContractPicker } from './try/contract-picker.tsx'
import { IdentityPanel } from './try/identity-panel.tsx'

export function TryScreen() {
  const contracts = useResource<Catalogue>('/v1/catalogue?kind=contract')
  return (
    <>
      <PageHead
        title="Try a dispatch"
        says="The id is known before anything is sent. Sending the same command twice adds nothing."
      />
      <Loaded of={contracts}>
        {(catalogue) =>
          catalogue.manifests.length === 0 ? <NoContract /> : <Trying catalogue={catalogue} />
        }
      </Loaded>
    </>
  )
}

function NoContract() {
  return (
    <section class="panel" aria-label="Contracts">
      <Empty icon="doc" title="No contract is registered">
        <p>
          A dispatch names one. <code>dispatch-ledger catalogue apply DIR</code> registers those of
          a folder.
        </p>
      </Empty>
    </section>
  )
}

function Trying({ catalogue }: Readonly<{ catalogue: Catalogue }>) {
  const state = useDraft()
  const shelves = useShelves(catalogue)
  const chosen = chosenOf(shelves, state.draft.contract)
  const { trial, waitsFor } = useTrial(chosen?.listed ?? null, state.draft)
  const { clicks, sending, send } = useSending()
  const preview = usePreview(trial?.command ?? null, clicks.length)
  return (
    <div class="try">
      <section class="panel" aria-labelledby="try-contract">
        <ContractPicker shelves={shelves} chosen={chosen?.listed ?? null} pick={state.pick} />
        {chosen === null ? (
          <NotRegistered reference={state.draft.contract ?? ''} />
        ) : trial === null ? (
          <Waiting of={waitsFor} />
        ) : (
          <Filling
            chosen={chosen}
            trial={trial}
            state={state}
            explanations={preview.explanations}
          />
        )}
      </section>
      <div class="stack">
        {trial !== null && (
          <Asking command={trial.command} preview={preview} sending={sending} send={send} />
        )}
      </div>
      <AnswerPanel
        clicks={clicks}
        isOld={clicks[0] !== undefined && !isOf(clicks[0].command, trial)}
        isSending={sending !== null}
        sendAgain={send}
      />
    </div>
  )
}

type Asked = Pick<Sending, 'sending' | 'send'> &
  Readonly<{ command: DispatchCommand; preview: Preview }>

/** Who the command is, how far it may go, and how others would send it. */
function Asking({ command, preview, sending, send }: Asked) {
  const [mode, setMode] = useState<Mode>('DRY_RUN')
  const { canonical, explanations, reached } = preview
  return (
    <>
      {canonical !== null && (
        <IdentityPanel canonical={canonical} preview={preview} params={command.params} />
      )}
      <AskPanel
        explanations={explanations}
        reached={reached}
        lastMode={mode}
        sending={sending}
        send={(pressed) => {
          setMode(pressed)
          void send({ ...command, mode: pressed })
        }}
      />
      <CommandPanel command={{ ...command, mode }} />
    </>
  )
}

const isOf = (sent: DispatchCommand, trial: Trial | null): boolean =>
  trial !== null && JSON.stringify(identityOf(sent)) === JSON.stringify(identityOf(trial.command))

type Filled = Readonly<{
  chosen: Chosen
  trial: Trial
  state: DraftState
  explanations: Explanations
}>

function Filling({ chosen, trial, state, explanations }: Filled) {
  const { wrong, isLinkWhole, change, pick } = state
  const gates = (explanations.isFresh && explanations.byMode.PLAN_ONLY?.gates) || []
  return (
    <>
      {wrong !== null && <Note>{wrong}</Note>}
      <ContractForm
        key={referenceOf(chosen.listed)}
        {...chosen}
        {...trial}
        errors={paramsErrorsOf(gates)}
        change={change}
        pick={pick}
      />
      {!isLinkWhole && <Note>The params are too long for a link: they stay on this page.</Note>}
    </>
  )
}

function Note({ children }: Readonly<{ children: ComponentChildren }>) {
  return (
    <div class="panel-body">
      <div class="callout unsure" role="status">
        <Icon name="info" />
        <span>{children}</span>
      </div>
    </div>
  )
}

function NotRegistered({ reference }: Readonly<{ reference: string }>) {
  return (
    <Empty icon="search" title="This contract is not registered">
      <p>
        The link names <code>{reference}</code>. Choose one of those above.
      </p>
    </Empty>
  )
}

function Waiting({ of: { error, slow, reload } }: Readonly<{ of: Resource<unknown> }>) {
  if (error !== null) return <Failed error={error} retry={reload} />
  return slow ? <Skeleton /> : null
}
