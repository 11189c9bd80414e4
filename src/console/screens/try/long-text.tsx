/** A browser lays out this much at once without being felt. */
const SHOWN_LENGTH = 6_000

/** Text to read the beginning of, and to copy the whole of. */
export function LongText({ text, label }: Readonly<{ text: string; label: string }>) {
  const more = text.length - SHOWN_LENGTH
  return (
    <>
      <pre class="block wrap" tabIndex={0} role="group" aria-label={label}>
        {more > 0 ? `${text.slice(0, SHOWN_LENGTH)}…` : text}
      </pre>
      {more > 0 && (
        <p class="faint">{more.toLocaleString('en-US')} more characters; copying takes them all.</p>
      )}
    </>
  )
}
