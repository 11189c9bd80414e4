/** Drawn on a field of 16, in strokes. */
const PATHS = {
  overview: 'M2.5 2.5h4.5v6h-4.5zM9 2.5h4.5v3.5H9zM9 8.5h4.5v5H9zM2.5 11h4.5v2.5h-4.5z',
  list: 'M2.5 4h11M2.5 8h11M2.5 12h7',
  play: 'M5 3.2v9.6l7.6-4.8z',
  refuse: 'M8 1.8 13.2 4v3.8c0 3.3-2.2 5.4-5.2 6.6-3-1.2-5.2-3.3-5.2-6.6V4zM6 6l4 4M10 6l-4 4',
  power: 'M8 1.8v6M4.6 4.2a5.4 5.4 0 1 0 6.8 0',
  layers: 'M8 2 14 5 8 8 2 5zM2.4 8.2 8 11l5.6-2.8M2.4 11.2 8 14l5.6-2.8',
  seal: 'M8 1.8l1.7 1.3 2.1-.1.6 2 1.7 1.2-.7 2 .7 2-1.7 1.2-.6 2-2.1-.1L8 14.6l-1.7-1.3-2.1.1-.6-2-1.7-1.2.7-2-.7-2 1.7-1.2.6-2 2.1.1zM5.6 8.2l1.7 1.7 3.1-3.4',
  kit: 'M2.5 2.5h4.6v4.6H2.5zM8.9 2.5h4.6v4.6H8.9zM2.5 8.9h4.6v4.6H2.5zM11.2 8.6l2.7 2.6-2.7 2.7-2.6-2.7z',
  check: 'M3.2 8.4l3.2 3.2 6.4-7',
  cross: 'M4 4l8 8M12 4l-8 8',
  question: 'M5.6 5.8a2.4 2.4 0 1 1 3.5 2.1c-.8.4-1.1.8-1.1 1.7M8 12.3v.1',
  dash: 'M4.5 8h7',
  lock: 'M4 7.2h8v6H4zM5.6 7.2V5a2.4 2.4 0 0 1 4.8 0v2.2',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  right: 'M6 3.5 10.5 8 6 12.5',
  down: 'M3.5 6 8 10.5 12.5 6',
  left: 'M10 3.5 5.5 8l4.5 4.5',
  sun: 'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1',
  moon: 'M13 9.6A5.6 5.6 0 0 1 6.4 3a5.4 5.4 0 1 0 6.6 6.6z',
  search: 'M7 2.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4zM10.2 10.2l3.3 3.3',
  clock: 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2zM8 4.8V8l2.2 1.6',
  user: 'M8 2.6a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2zM3 13.6c.5-2.4 2.4-3.8 5-3.8s4.5 1.4 5 3.8',
  filter: 'M2.5 3.5h11M4.5 8h7M6.5 12.5h3',
  plus: 'M8 3.2v9.6M3.2 8h9.6',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  halt: 'M5.4 2h5.2L14 5.4v5.2L10.6 14H5.4L2 10.6V5.4zM5.5 8h5',
  open: 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2zM8 6.3a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4z',
  info: 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2zM8 7.4v3.4M8 5.2v.1',
  warn: 'M8 2.4 14.2 13H1.8zM8 6.4v3.2M8 11.3v.1',
  drop: 'M8 2.5v7.5M4.8 7 8 10.2 11.2 7M2.5 12v1.5h11V12',
  swap: 'M3 5.5h9.5M10 3l2.5 2.5L10 8M13 10.5H3.5M6 8l-2.5 2.5L6 13',
  undo: 'M5.5 3 2.5 6l3 3M2.5 6h6.5a4 4 0 0 1 0 8H6',
  doc: 'M4 2h5.5L12.5 5v9H4zM9.2 2.2V5.3h3.2M6 8.2h4.5M6 10.8h4.5',
  ext: 'M9.5 2.5h4v4M13.5 2.5 7.5 8.5M11.5 9.5v4h-9v-9h4',
  dot: 'M8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z',
} as const

export type IconName = keyof typeof PATHS

/** An icon says nothing by itself: what it means stands beside it. */
export function Icon({ name, small = false }: Readonly<{ name: IconName; small?: boolean }>) {
  return (
    <svg class={small ? 'i sm' : 'i'} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}
