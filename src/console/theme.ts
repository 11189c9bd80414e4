import { signal } from '@preact/signals'

export type Theme = 'light' | 'dark'

const KEPT = 'theme'
const preferred = matchMedia('(prefers-color-scheme: dark)')

function first(): Theme {
  const kept = localStorage.getItem(KEPT)
  if (kept === 'light' || kept === 'dark') return kept
  return preferred.matches ? 'dark' : 'light'
}

/** As chosen, or else as the system has it. */
export const theme = signal<Theme>(first())

export function applyTheme(): void {
  theme.subscribe((it) => {
    document.documentElement.dataset['theme'] = it
  })
}

export function toggleTheme(): void {
  theme.value = theme.value === 'dark' ? 'light' : 'dark'
  localStorage.setItem(KEPT, theme.value)
}
