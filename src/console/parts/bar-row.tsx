import type { ComponentChildren } from 'preact'

type Parts = Readonly<{
  href: string
  /** Of the longest bar, 0 to 1. */
  share: number
  isPressed?: boolean
  children: ComponentChildren
}>

/** A name with its figure, over a bar as long as the figure. */
export function BarRow({ href, share, isPressed, children }: Parts) {
  return (
    <a class="bar-row" href={href} aria-current={isPressed === true ? 'true' : undefined}>
      {children}
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="4" />
        <rect class="c-refused" width={share * 100} height="4" />
      </svg>
    </a>
  )
}
