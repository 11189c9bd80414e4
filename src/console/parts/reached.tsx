import type { Reached as Level } from '../api.ts'

const STATIONS = ['Planned', 'PreflightPassed', 'DryRunRecorded'] as const
const AT = [5, 19, 33] as const

/** How many of the three stations a dispatch has passed. */
export const levelOf = (reached: Level): number =>
  reached === null ? 0 : STATIONS.indexOf(reached) + 1

/** Three stations on a rail, and the word. */
export function Reached({ reached }: Readonly<{ reached: Level }>) {
  const level = levelOf(reached)
  return (
    <span class="reached">
      <svg viewBox="0 0 38 12" aria-hidden="true">
        <path class="rail" d="M5 6H33" />
        {level > 1 && <path class="rail-on" d={`M5 6H${AT[level - 1]}`} />}
        {AT.map((x, at) => (
          <circle key={x} cx={x} cy="6" r="3.5" class={at < level ? 'on' : 'off'} />
        ))}
      </svg>
      <span class={reached === null ? 'faint' : ''}>{reached ?? 'nothing'}</span>
    </span>
  )
}
