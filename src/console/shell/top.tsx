import type { TargetedEvent } from 'preact'
import { head } from '../api.ts'
import { dispatchIdOf } from '../dispatch-id.ts'
import { toast } from '../parts/copy.tsx'
import { Icon } from '../parts/icon.tsx'
import { go } from '../router.ts'
import { me, signOut } from '../session.ts'
import { switchReport } from '../status.ts'
import { theme, toggleTheme } from '../theme.ts'
import { num } from '../words.ts'

export function Top() {
  return (
    <header class="top">
      <Find />
      <div class="top-right">
        <SwitchChips />
        <span class="asof" title="The furthest position that an answer on this page told">
          as of <b class="num">{num(head.value)}</b>
        </span>
        <button
          type="button"
          class="icon-button"
          aria-label={`Use the ${theme.value === 'dark' ? 'light' : 'dark'} theme`}
          onClick={toggleTheme}
        >
          <Icon name={theme.value === 'dark' ? 'sun' : 'moon'} />
        </button>
        <Who />
      </div>
    </header>
  )
}

const DISPATCH_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const DIGEST = /^(?:sha256:)?([0-9a-f]{64})$/

/** A digest is told by its first half, which is the id with version and variant set. */
function addressOf(text: string): string | null {
  const asked = text.trim().toLowerCase()
  if (DISPATCH_ID.test(asked)) return `/dispatches/${asked}`
  const hex = DIGEST.exec(asked)?.[1]
  if (hex === undefined) return null
  const pairs = hex.match(/../g) ?? []
  const hash = Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16))
  return `/dispatches/${dispatchIdOf(hash)}`
}

function Find() {
  const find = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const input = event.currentTarget.elements.namedItem('find') as HTMLInputElement
    const found = addressOf(input.value)
    if (found === null) return toast('An id or a digest is found: 36 or 64 characters')
    input.value = ''
    go(found)
  }
  return (
    <form class="find" role="search" onSubmit={find}>
      <label class="sr" for="find">
        Find by id or digest
      </label>
      <Icon name="search" />
      <input
        id="find"
        name="find"
        placeholder="Find by id or digest"
        autocomplete="off"
        spellcheck={false}
      />
      <kbd>/</kbd>
    </form>
  )
}

function SwitchChips() {
  const scopes = switchReport.value?.scopes ?? null
  if (scopes === null) return null
  const halted = Object.entries(scopes).filter(
    ([name, it]) => name !== 'global' && it?.state === 'HALTED',
  )
  return (
    <>
      <Chip scope="global" state={scopes['global']?.state ?? 'not set'} />
      {halted.slice(0, 2).map(([scope]) => (
        <Chip key={scope} scope={scope} state="HALTED" />
      ))}
      {halted.length > 2 && (
        <a class="switch-chip is-halted" href="/switch">
          {halted.length - 2} more <b>HALTED</b>
        </a>
      )}
    </>
  )
}

function Chip({ scope, state }: Readonly<{ scope: string; state: string }>) {
  const icon = state === 'HALTED' ? 'halt' : state === 'DRY_RUN_ONLY' ? 'open' : 'question'
  return (
    <a class={state === 'HALTED' ? 'switch-chip is-halted' : 'switch-chip'} href="/switch">
      <Icon name={icon} />
      <span>
        {scope} <b>{state}</b>
      </span>
    </a>
  )
}

function Who() {
  const key = me.value
  if (key === null) return null
  return (
    <button
      type="button"
      class="who button quiet small"
      title={`Key ${key.id}${key.role === null ? '' : `, role ${key.role}`}. Sign out of this browser; the key stays valid.`}
      onClick={() => void signOut()}
    >
      <Icon name="user" />
      <span>{key.name}</span>
      <span class="sr">, sign out</span>
    </button>
  )
}
