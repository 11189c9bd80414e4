import { useEffect, useRef } from 'preact/hooks'
import { CopyButton } from './copy.tsx'
import { jsonText } from './json.tsx'

export type Raw = Readonly<{ title: string; value: unknown }>

/** JSON as it came, in a drawer over the page. */
export function RawDrawer({ raw, close }: Readonly<{ raw: Raw | null; close: () => void }>) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (raw !== null) dialog.current?.showModal()
  }, [raw])
  return (
    <dialog class="drawer" ref={dialog} aria-labelledby="raw-title" onClose={close}>
      {raw !== null && (
        <>
          <header>
            <h2 id="raw-title">{raw.title}</h2>
            <CopyButton text={JSON.stringify(raw.value, null, 2)} what="the JSON" label="Copy" />
            <form method="dialog">
              <button class="icon-button" aria-label="Close">
                ✕
              </button>
            </form>
          </header>
          <pre class="block" tabIndex={0}>
            {jsonText(raw.value)}
          </pre>
        </>
      )}
    </dialog>
  )
}
