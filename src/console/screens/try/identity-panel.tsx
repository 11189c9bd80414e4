import type { ComponentChildren } from 'preact'
import { canonicalJson } from '../../../../domain/canonical-json.ts'
import { dispatchStream } from '../../../../domain/identity.ts'
import type { JsonObject } from '../../../../domain/json.ts'
import { LIMITS } from '../../../../domain/limits.ts'
import { CopyButton, Digest, WholeId } from '../../parts/copy.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Panel } from '../../parts/panel.tsx'
import { inWords } from '../../parts/states.tsx'
import { may } from '../../session.ts'
import type { Identity } from '../../try/identity.ts'
import type { Explanation } from '../../try/outlook.ts'
import { type CanonicalText, isNowhere, type Preview } from '../../try/use-preview.ts'
import { num, plural } from '../../words.ts'
import { LongText } from './long-text.tsx'

type Identified = Readonly<{ canonical: CanonicalText; preview: Preview; params: JsonObject }>

/** Who the command is: computed here, before anything is sent. */
export function IdentityPanel({ canonical, preview, params }: Identified) {
  const { explanations, standing, hash } = preview
  const { identity, canHash } = hash
  const explanation = explanations.isFresh ? explanations.byMode.PLAN_ONLY : undefined
  const agrees = identity !== null && explanation?.digest === identity.digest
  return (
    <Panel
      title="Identity"
      note={canHash && <p>computed in this browser{agrees ? ' · the server agrees' : ''}</p>}
    >
      {!canHash && <NoHashing explanation={explanation} />}
      {identity !== null && !agrees && <OtherIdentity explanation={explanation} />}
      {identity !== null && <WhoItIs identity={identity} standing={standing} />}
      <Canonical canonical={canonical} params={params} />
    </Panel>
  )
}

function OtherIdentity({ explanation }: Readonly<{ explanation: Explanation | undefined }>) {
  if (explanation === undefined) return null
  return (
    <Warning>
      The server computes another id, {explanation.dispatchId}. This page is of another version:
      load it again.
    </Warning>
  )
}

function Canonical({ canonical, params }: Omit<Identified, 'preview'>) {
  if (!canonical.ok) {
    return <Warning>There is no id: the command has {canonical.wrong}, which is no JSON.</Warning>
  }
  return (
    <>
      <TooLarge params={params} />
      <div>
        <div class="inline spread">
          <h3>
            Canonical text <span class="faint">RFC 8785, exactly what is hashed</span>
          </h3>
          <CopyButton text={canonical.text} what="the canonical text" />
        </div>
        <LongText text={canonical.text} label="Canonical text" />
      </div>
    </>
  )
}

function WhoItIs({
  identity: { dispatchId, digest },
  standing,
}: Readonly<{ identity: Identity; standing: Preview['standing'] }>) {
  return (
    <dl class="kv">
      <dt>Dispatch id</dt>
      <dd>
        <WholeId id={dispatchId} what="the dispatch id" />
      </dd>
      <dt>Digest</dt>
      <dd>
        <Digest value={digest} />
      </dd>
      <dt>Stream</dt>
      <dd>
        <code title={dispatchStream(dispatchId)}>{dispatchStream(dispatchId.slice(0, 8))}…</code>{' '}
        <span class="faint">{standingInWords(standing)}</span>
      </dd>
      <dt>Left out</dt>
      <dd class="muted">mode, actor, clocks, trace ids</dd>
    </dl>
  )
}

function TooLarge({ params }: Readonly<{ params: JsonObject }>) {
  const bytes = new TextEncoder().encode(canonicalJson(params)).length
  if (bytes <= LIMITS.paramsBytes) return null
  return (
    <Warning>
      The params have {num(bytes)} bytes, more than {num(LIMITS.paramsBytes)}: they are refused as{' '}
      <code>too-large</code>.
    </Warning>
  )
}

/** Where the stream of the id stands, in a few words. */
function standingInWords(standing: Preview['standing']): string {
  const { answer, error } = standing
  if (!may('dispatch:read')) return 'not shown: this key has no dispatch:read'
  if (isNowhere(standing)) return 'not in the ledger yet'
  if (answer !== null) {
    const { reached, refusals } = answer.body
    const refused = refusals.length === 0 ? '' : `, ${plural(refusals.length, 'refusal')}`
    return `exists, reached ${reached ?? 'nothing'}${refused}`
  }
  return error === null ? '' : inWords(error)
}

function NoHashing({ explanation }: Readonly<{ explanation: Explanation | undefined }>) {
  return (
    <div class="callout unsure">
      <Icon name="lock" />
      <span class="stack tight">
        <span>
          This page came over plain http from another machine, where browsers do not hash. Open it
          over https to have the id computed here.
        </span>
        {explanation !== undefined && (
          <span>
            The server says <code>{explanation.dispatchId}</code>.
          </span>
        )}
      </span>
    </div>
  )
}

function Warning({ children }: Readonly<{ children: ComponentChildren }>) {
  return (
    <div class="callout bad">
      <Icon name="warn" />
      <span>{children}</span>
    </div>
  )
}
