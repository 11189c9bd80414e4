import { computed, signal } from '@preact/signals'
import { ApiProblem, ask, get, signedOut } from './api.ts'

export type Me = Readonly<{
  id: string
  name: string
  role: string | null
  scopes: readonly string[]
  namespacePrefixes: readonly string[]
  expiresAt: string | null
}>

/** The key that this browser holds, or null for none. */
export const me = signal<Me | null>(null)
/** Why there is none, for a person; empty where nothing was tried. */
export const refused = signal('')

export const isSignedIn = computed(() => me.value !== null && !signedOut.value)

/** Whether the key holds a scope. The server decides again; here it is only said. */
export const may = (scope: string): boolean => me.value?.scopes.includes(scope) ?? false

/** Takes over the token of a link, once, and finds out who is here. */
export async function openSession(): Promise<void> {
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (token !== null) {
    // Out of the address and its history before anything else happens.
    history.replaceState(null, '', location.pathname + location.search)
    await attempt(() => ask('POST', '/v1/session/link', { body: { token } }))
  }
  await attempt(whoAmI, token !== null)
}

/** Signs in with a key. The page forgets it at once: the cookie holds it, and no script reads that. */
export async function signIn(key: string): Promise<void> {
  const headers = { authorization: `Bearer ${key.trim()}` }
  await attempt(async () => {
    await ask('POST', '/v1/session', { headers })
    await whoAmI()
  })
}

export async function signOut(): Promise<void> {
  await ask('DELETE', '/v1/session')
  me.value = null
  refused.value = ''
}

async function whoAmI(): Promise<void> {
  me.value = (await get<Me>('/v1/me')).body
  signedOut.value = false
  refused.value = ''
}

async function attempt(step: () => Promise<unknown>, tell = true): Promise<void> {
  try {
    await step()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    if (tell && refused.value === '') {
      refused.value = error instanceof ApiProblem ? error.problem.detail : error.message
    }
  }
}
