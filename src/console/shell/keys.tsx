import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { go } from '../router.ts'
import { NAV } from './nav.tsx'

const isOpen = signal(false)

/** What the screens add: a handler hears a key that nothing else takes, and says whether it took it. */
type Handler = (key: string) => boolean
const handlers = new Set<Handler>()

/** Keys of one screen, while it is shown. */
export function useKeys(handler: Handler): void {
  useEffect(() => {
    handlers.add(handler)
    return () => {
      handlers.delete(handler)
    }
  })
}

const TYPING = 'input, textarea, select, [contenteditable]'
/** Enter and Space belong to what has the focus. */
const PRESSING = `${TYPING}, a, button, summary`

/** The keys of every screen: see the list that ? shows. */
export function useShortcuts(): void {
  useEffect(() => {
    let leads = false
    const press = (event: KeyboardEvent): void => {
      if (!isFree(event)) return
      const { key } = event
      const led = leads
      leads = !led && key === 'g'
      if (led ? goTo(key) : leads || act(key)) event.preventDefault()
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [])
}

/** A key that belongs to nothing on the page. */
function isFree({ key, target, metaKey, ctrlKey, altKey }: KeyboardEvent): boolean {
  if (metaKey || ctrlKey || altKey || !(target instanceof Element)) return false
  const owners = key === 'Enter' || key === ' ' ? PRESSING : TYPING
  return target.closest(`${owners}, dialog`) === null
}

function goTo(key: string): boolean {
  const item = NAV.flatMap(({ items }) => items).find((it) => it.key === key)
  if (item !== undefined) go(item.href)
  return item !== undefined
}

function act(key: string): boolean {
  if (key === '/') {
    document.querySelector<HTMLInputElement>('#find')?.focus()
    return true
  }
  if (key === '?') {
    isOpen.value = true
    return true
  }
  return [...handlers].some((handler) => handler(key))
}

const LISTED: readonly (readonly [string, string])[] = [
  ['/', 'Find by id or digest'],
  ['g then o d r t s', 'Go to a screen'],
  ['j k', 'Next and previous row'],
  ['Enter', 'Open the selected row'],
  ['Space', 'Show or hide the preview'],
  ['l', 'Live tail on or off'],
  ['?', 'This list'],
]

export function KeysDialog() {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (isOpen.value) dialog.current?.showModal()
  }, [isOpen.value])
  return (
    <dialog
      ref={dialog}
      aria-labelledby="keys-title"
      onClose={() => {
        isOpen.value = false
      }}
    >
      <h2 id="keys-title">Keyboard</h2>
      <dl class="keys">
        {LISTED.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((it) => (it === 'then' ? ' then ' : <kbd key={it}>{it}</kbd>))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button class="button">Close</button>
      </form>
    </dialog>
  )
}
