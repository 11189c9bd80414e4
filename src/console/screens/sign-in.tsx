import type { TargetedEvent } from 'preact'
import { useState } from 'preact/hooks'
import { Icon } from '../parts/icon.tsx'
import { refused, signIn } from '../session.ts'

/** Without a key: how to come by one, and a field for it. */
export function SignInScreen() {
  const [isAsking, setAsking] = useState(false)
  const submit = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const input = event.currentTarget.elements.namedItem('key') as HTMLInputElement
    const key = input.value
    input.value = ''
    refused.value = ''
    setAsking(true)
    void signIn(key).finally(() => setAsking(false))
  }
  return (
    <main id="main" class="sign-in" tabIndex={-1}>
      <form class="panel" onSubmit={submit}>
        <div class="panel-head">
          <h1>Dispatch Ledger</h1>
        </div>
        <div class="panel-body stack">
          <p class="muted">
            The console does what your key may do, and nothing else. On the machine of the server,
            <code> dispatch-ledger serve</code> prints a link that opens it.
          </p>
          <div class="field">
            <label for="key">Key</label>
            <input
              class="input mono"
              id="key"
              name="key"
              type="password"
              autocomplete="current-password"
              placeholder="dl_…"
              required
              aria-invalid={refused.value !== ''}
              aria-describedby={refused.value === '' ? undefined : 'key-wrong'}
            />
            {refused.value !== '' && (
              <span class="wrong" id="key-wrong" role="alert">
                <Icon name="warn" small />
                {refused.value}
              </span>
            )}
            <span class="hint">It is kept in a cookie that no script can read, for 12 hours.</span>
          </div>
          <button class="button primary" disabled={isAsking}>
            Open the console
          </button>
        </div>
      </form>
    </main>
  )
}
