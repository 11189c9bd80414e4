import { computed, effect, signal } from '@preact/signals'
import { get } from './api.ts'
import { isSignedIn } from './session.ts'

/** How often what stands in the top bar is asked for again. */
const EVERY_MS = 3_000

export type SwitchPosition = Readonly<{
  state: 'DRY_RUN_ONLY' | 'HALTED'
  reason: string
  revision: number
  position: number
  recordedAt: string
  actor: string
}>
export type SwitchReport = Readonly<{
  controlRevision: number
  guarantee: 'atomic' | 'fenced'
  scopes: Readonly<Record<string, SwitchPosition | null>>
}>

/** The kill switch as it was last seen, or null before. */
export const switchReport = signal<SwitchReport | null>(null)
/** Why it could not be seen again; what is shown is then old. */
export const silence = signal<string | null>(null)

export const scopesHalted = computed(() =>
  Object.entries(switchReport.value?.scopes ?? {}).flatMap(([scope, it]) =>
    it?.state === 'HALTED' ? [scope] : [],
  ),
)

export async function refreshStatus(): Promise<void> {
  try {
    switchReport.value = (await get<SwitchReport>('/v1/switch')).body
    silence.value = null
  } catch (error) {
    silence.value = error instanceof Error ? error.message : String(error)
  }
}

/** Looks again as long as somebody is signed in and looks at the page. */
export function followStatus(): () => void {
  return effect(() => {
    if (!isSignedIn.value) return undefined
    void refreshStatus()
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void refreshStatus()
    }, EVERY_MS)
    return () => clearInterval(timer)
  })
}
