import { signal } from '@preact/signals'
import { shortId } from '../words.ts'
import { Icon } from './icon.tsx'

const SHOWN_MS = 2_200

const said = signal('')
let hiding: ReturnType<typeof setTimeout> | undefined

/** Says something at the foot of the page, and to whoever listens to it. */
export function toast(text: string): void {
  said.value = text
  clearTimeout(hiding)
  hiding = setTimeout(() => {
    said.value = ''
  }, SHOWN_MS)
}

export function Toast() {
  return (
    <div id="toast" role="status" aria-live="polite" class={said.value === '' ? '' : 'on'}>
      {said.value}
    </div>
  )
}

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    toast(`Copied ${what}`)
  } catch {
    toast('The browser did not allow copying')
  }
}

type Copied = Readonly<{ text: string; what: string }>

export function CopyButton({ text, what, label }: Copied & { readonly label?: string }) {
  if (label === undefined) {
    return (
      <button
        type="button"
        class="icon-button tiny"
        aria-label={`Copy ${what}`}
        title={`Copy ${what}`}
        onClick={() => void copy(text, what)}
      >
        <Icon name="copy" />
      </button>
    )
  }
  return (
    <button type="button" class="button quiet" onClick={() => void copy(text, what)}>
      <Icon name="copy" />
      {label}
    </button>
  )
}

const DIGEST_KEPT = 10
const DIGEST_END = -6

/** A digest in short, with the whole of it to copy. */
export function Digest({ value, what = 'the digest' }: Readonly<{ value: string; what?: string }>) {
  const [kind, hex] = value.includes(':') ? value.split(':', 2) : ['', value]
  return (
    <span class="digest" title={value}>
      <code>
        {kind === '' ? '' : `${kind}:`}
        {hex?.slice(0, DIGEST_KEPT)}…{hex?.slice(DIGEST_END)}
      </code>
      <CopyButton text={value} what={what} />
    </span>
  )
}

/** A whole id with a button to copy it. */
export function WholeId({ id, what }: Readonly<{ id: string; what: string }>) {
  return (
    <span class="digest">
      <code>{id}</code>
      <CopyButton text={id} what={what} />
    </span>
  )
}

export function ShortId({ id }: Readonly<{ id: string }>) {
  const [begin, end] = shortId(id)
  return (
    <code class="id" title={id}>
      {begin}
      <span class="faint">…{end}</span>
    </code>
  )
}
