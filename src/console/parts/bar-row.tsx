import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

type Parts = Readonly<{
  href: string
  /** Of the longest bar, 0 to 1. */
  share: number
  /** Beyond that, hatched: what wrote nothing and is only counted. */
  more?: number
  isPressed?: boolean
  children: ComponentChildren
}>

/** A name with its figure, over a bar as long as the figure. */
export function BarRow({ href, share, more = 0, isPressed, children }: Parts) {
  const hatch = useId()
  return (
    <a class="bar-row" href={href} aria-current={isPressed === true ? 'true' : undefined}>
      {children}
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="4" />
        <rect class="c-refused" width={share * 100} height="4" />
        {more > 0 && (
          <>
            <pattern id={hatch} width="1.4" height="4" patternUnits="userSpaceOnUse">
              <rect class="c-refused" width="0.7" height="4" />
            </pattern>
            <rect x={share * 100} width={more * 100} height="4" fill={`url(#${hatch})`} />
          </>
        )}
      </svg>
    </a>
  )
}
