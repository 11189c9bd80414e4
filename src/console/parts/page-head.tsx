import type { ComponentChildren } from 'preact'

type Head = Readonly<{
  title: ComponentChildren
  says?: ComponentChildren
  children?: ComponentChildren
}>

/** The title of a screen, one sentence on it, and what can be done there. */
export function PageHead({ title, says, children }: Head) {
  return (
    <div class="page-head">
      <h1>{title}</h1>
      {says !== undefined && <p>{says}</p>}
      {children !== undefined && <div class="actions">{children}</div>}
    </div>
  )
}
