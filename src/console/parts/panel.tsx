import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

type Parts = Readonly<{
  title: string
  /** Beside the title: a note or a link. */
  note?: ComponentChildren
  foot?: ComponentChildren
  children: ComponentChildren
}>

export function Panel({ title, note, foot, children }: Parts) {
  const id = useId()
  return (
    <section class="panel" aria-labelledby={id}>
      <div class="panel-head">
        <h2 id={id}>{title}</h2>
        {note}
      </div>
      <div class="panel-body stack">{children}</div>
      {foot !== undefined && <div class="panel-foot">{foot}</div>}
    </section>
  )
}
