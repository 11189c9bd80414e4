import { head } from '../../api.ts'
import { Icon } from '../../parts/icon.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Loaded } from '../../parts/states.tsx'
import { useResource } from '../../resource.ts'
import { num } from '../../words.ts'

type Projection = Readonly<{
  name: string
  state: 'starting' | 'following' | 'standby' | 'stopped'
  detail: string
  position: number
  lag: Readonly<{ positions: number; seconds: number }>
}>
type Projections = Readonly<{ projections: readonly Projection[] }>

const EVERY_MS = 3_000
const RAIL = { from: 128, to: 340 } as const

/** How far the log is, and how far each read model follows it. */
export function Positions() {
  const read = useResource<Projections>('/v1/projections', EVERY_MS)
  return (
    <Panel title="Positions" note={<p>Lists show what the read models have.</p>}>
      <Loaded of={read}>{({ projections }) => <Rails projections={projections} />}</Loaded>
    </Panel>
  )
}

function Rails({ projections }: Projections) {
  const tip = Math.max(head.value, ...projections.map((it) => it.position + it.lag.positions))
  const slowest = projections.toSorted((a, b) => a.position - b.position)[0]
  const projected = slowest?.position ?? 0
  const seconds = Math.max(0, ...projections.map((it) => it.lag.seconds))
  const behind = projections.filter((it) => it.lag.positions > 0)
  const stopped = projections.filter((it) => it.state === 'stopped')
  return (
    <>
      <svg
        class="chart small"
        viewBox="0 0 360 62"
        role="img"
        aria-label={`Head ${num(tip)}, projected ${num(projected)}`}
      >
        <Rail name="Head" position={tip} share={1} y={14} kind="ink" />
        <Rail
          name="Projected"
          position={projected}
          share={tip === 0 ? 1 : projected / tip}
          y={44}
          kind="created"
        />
        <line class="axis dotted" x1={RAIL.to} x2={RAIL.to} y1="6" y2="56" />
      </svg>
      <dl class="kv">
        <dt>Lag</dt>
        <dd>{seconds === 0 ? 'none' : `${seconds.toFixed(2)} s`}</dd>
        <dt>Read models</dt>
        <dd>
          {projections.length - behind.length} of {projections.length} at the head
        </dd>
        {behind.map((it) => (
          <Behind key={it.name} it={it} />
        ))}
        {stopped.map((it) => (
          <Stopped key={it.name} it={it} />
        ))}
      </dl>
    </>
  )
}

type RailParts = Readonly<{
  name: string
  position: number
  share: number
  y: number
  kind: string
}>

function Rail({ name, position, share, y, kind }: RailParts) {
  const end = RAIL.from + (RAIL.to - RAIL.from) * share
  return (
    <>
      <text x="0" y={y + 4}>
        {name}
      </text>
      <text class="strong" x="66" y={y + 4}>
        {num(position)}
      </text>
      <line class="grid" x1={RAIL.from} x2={RAIL.to} y1={y} y2={y} />
      <line class={`rail-${kind}`} x1={RAIL.from} x2={end} y1={y} y2={y} />
      <circle class={`end-${kind}`} cx={end} cy={y} r="4" />
    </>
  )
}

function Behind({ it }: Readonly<{ it: Projection }>) {
  return (
    <>
      <dt>Behind</dt>
      <dd>
        <code>{it.name}</code> by {num(it.lag.positions)}, {it.lag.seconds.toFixed(1)} s
      </dd>
    </>
  )
}

function Stopped({ it }: Readonly<{ it: Projection }>) {
  return (
    <>
      <dt>Stopped</dt>
      <dd>
        <span class="plain t-fail">
          <Icon name="cross" />
          <code>{it.name}</code> at {num(it.position)}
        </span>
        <p class="faint">{it.detail}</p>
      </dd>
    </>
  )
}
