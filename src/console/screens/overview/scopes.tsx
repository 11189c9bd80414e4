import { Icon } from '../../parts/icon.tsx'
import { type SwitchPosition, switchReport } from '../../status.ts'
import { actorName, span } from '../../words.ts'

/** The switch, one tile a scope. */
export function Scopes() {
  const report = switchReport.value
  if (report === null) return null
  return (
    <section class="scopes" aria-label="Kill switch, per scope">
      {Object.entries(report.scopes).map(([name, position]) => (
        <Scope key={name} name={name} position={position} />
      ))}
    </section>
  )
}

type Parts = Readonly<{ name: string; position: SwitchPosition | null }>

function Scope({ name, position }: Parts) {
  const state = position?.state ?? 'not set'
  const kind = state === 'HALTED' ? 'is-halted' : position === null ? 'is-unset' : ''
  const icon = state === 'HALTED' ? 'halt' : position === null ? 'question' : 'open'
  return (
    <a class={`scope ${kind}`} href="/switch">
      <Icon name={icon} />
      <div>
        <div class="line">
          <span class="state">{state}</span>
          <span class="name">{name}</span>
        </div>
        <p title={position?.reason}>
          {position?.reason ?? 'Nothing passes until an operator sets it.'}
        </p>
        {position !== null && (
          <span class="meta">
            for {span(Date.now() - Date.parse(position.recordedAt))}, by {actorName(position.actor)}
            , control revision {position.revision}
          </span>
        )}
      </div>
    </a>
  )
}
