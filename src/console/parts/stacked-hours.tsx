import type UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useEffect, useRef, useState } from 'preact/hooks'
import { theme } from '../theme.ts'
import { minute, num } from '../words.ts'

const HEIGHT = 190
const HOUR_S = 3_600
/** Bars take so much of their hour, and no more pixels than that. */
const BAR: [number, number] = [0.68, 26]
const HATCH = 6

/** `ink` is the name of a token. Hatched is what wrote nothing and is only counted. */
export type Series = Readonly<{ key: string; label: string; ink: string; hatched: boolean }>

type Parts = Readonly<{
  /** Start of each hour, the oldest first. */
  hours: readonly string[]
  series: readonly Series[]
  /** For each series, from the bottom up, one figure an hour. */
  figures: readonly (readonly number[])[]
}>

/**
 * Columns over hours, stacked. Everything it shows stands in a table beside it, too: where the package
 * that draws cannot even be loaded, as under a language it does not know, that is what remains.
 */
export function StackedHours({ hours, series, figures }: Parts) {
  const box = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState<number | null>(null)
  const [isDrawn, setDrawn] = useState(true)
  const shown = `${hours[0]} ${JSON.stringify(figures)} ${theme.value}`
  useEffect(() => {
    const element = box.current
    let end: (() => void) | null = () => undefined
    const begin = async (): Promise<void> => {
      const { default: Plot } = await import('uplot')
      if (end === null || element === null) return
      end = draw(Plot, element, { hours, series, figures }, setAt)
    }
    begin().catch(() => setDrawn(false))
    return () => {
      end?.()
      end = null
    }
  }, [shown])
  if (!isDrawn) return <p class="faint">This browser cannot draw it. The table has all figures.</p>
  return (
    <>
      <div ref={box} class="plot" aria-hidden="true" />
      <p class="faint plot-hour">
        {at === null
          ? 'Point at a column for its figures.'
          : inWords({ hours, series, figures }, at)}
      </p>
    </>
  )
}

function inWords({ hours, series, figures }: Parts, at: number): string {
  const begin = hours[at] ?? ''
  const end = new Date(Date.parse(begin) + HOUR_S * 1_000).toISOString()
  const parts = series.flatMap(({ label }, index) => {
    const count = figures[index]?.[at] ?? 0
    return count === 0 ? [] : [`${num(count)} ${label.toLowerCase()}`]
  })
  return `${minute(begin)} to ${minute(end)} UTC: ${parts.join(', ') || 'no call'}`
}

type Plotter = typeof UPlot

/** Draws, keeps it as wide as its place, and gives what takes it away again. */
function draw(
  Plot: Plotter,
  element: HTMLElement,
  parts: Parts,
  point: (at: number | null) => void,
): () => void {
  const { hours, figures } = parts
  const xs = hours.map((hour) => Date.parse(hour) / 1_000)
  const sums = stacked(figures).toReversed()
  const plot = new Plot(optionsOf(Plot, element, parts, point), [xs, ...sums], element)
  const resized = new ResizeObserver(() =>
    plot.setSize({ width: element.clientWidth, height: HEIGHT }),
  )
  resized.observe(element)
  return () => {
    resized.disconnect()
    plot.destroy()
  }
}

function optionsOf(
  Plot: Plotter,
  element: HTMLElement,
  { series }: Parts,
  point: (at: number | null) => void,
): UPlot.Options {
  const ink = (name: string): string =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
  const axis = { stroke: ink('ink-3'), font: `11px ${ink('font-ui')}`, ticks: { show: false } }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    tzDate: (seconds) => Plot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    hooks: { setCursor: [(plot) => point(plot.cursor.idx ?? null)] },
    scales: {
      x: { range: (_, min, max) => [min - HOUR_S / 2, max + HOUR_S / 2] },
      y: { range: (_, __, max) => [0, Math.max(4, max * 1.1)] },
    },
    axes: [
      { ...axis, size: 24, grid: { show: false }, values: (_, splits) => splits.map(hourOf) },
      {
        ...axis,
        size: 44,
        grid: { stroke: ink('line'), width: 1 },
        values: (_, splits) => splits.map(figureOf),
      },
    ],
    // The highest sum is drawn first, and what is below it is drawn over it.
    series: [
      {},
      ...series.toReversed().map((it) => ({
        label: it.label,
        width: 0,
        fill: (plot: UPlot) =>
          it.hatched ? hatch(plot.ctx, ink(it.ink), ink('surface')) : ink(it.ink),
        paths: Plot.paths.bars?.({ size: BAR }) ?? (() => null),
        points: { show: false },
      })),
    ],
  }
}

/** Each series on top of those before it. */
function stacked(figures: readonly (readonly number[])[]): number[][] {
  const sums: number[][] = []
  for (const row of figures) {
    const below = sums.at(-1)
    sums.push(row.map((figure, at) => figure + (below?.[at] ?? 0)))
  }
  return sums
}

const hourOf = (seconds: number): string => minute(new Date(seconds * 1_000).toISOString())

const figureOf = (value: number): string =>
  Number.isInteger(value) ? (value >= 1_000 ? `${value / 1_000}k` : String(value)) : ''

function hatch(ctx: CanvasRenderingContext2D, ink: string, ground: string): CanvasPattern | string {
  const tile = document.createElement('canvas')
  tile.width = HATCH
  tile.height = HATCH
  const pen = tile.getContext('2d')
  if (pen === null) return ink
  pen.fillStyle = ground
  pen.fillRect(0, 0, HATCH, HATCH)
  pen.strokeStyle = ink
  pen.lineWidth = 2
  // Lines over the corners meet those of the next tile.
  for (const shift of [-HATCH, 0, HATCH]) {
    pen.beginPath()
    pen.moveTo(shift - 1, HATCH + 1)
    pen.lineTo(shift + HATCH + 1, -1)
    pen.stroke()
  }
  return ctx.createPattern(tile, 'repeat') ?? ink
}
