import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Unreachable } from './api.ts'
import { Toast } from './parts/copy.tsx'
import { Failed } from './parts/states.tsx'
import { path } from './router.ts'
import { SignInScreen } from './screens/sign-in.tsx'
import { isSignedIn } from './session.ts'
import { Bands } from './shell/bands.tsx'
import { KeysDialog, useShortcuts } from './shell/keys.tsx'
import { Nav } from './shell/nav.tsx'
import { Top } from './shell/top.tsx'
import { followStatus } from './status.ts'

const TITLES: Readonly<Record<string, string>> = {
  '/': 'Overview',
  '/dispatches': 'Dispatches',
  '/refusals': 'Refusals',
  '/try': 'Try a dispatch',
  '/switch': 'Kill switch',
}

export function App() {
  useEffect(followStatus, [])
  useShortcuts()
  const title = TITLES[path.value] ?? 'Dispatch'
  useEffect(() => {
    document.title = `${title} · Dispatch Ledger`
  }, [title])
  if (!isSignedIn.value) return <SignInScreen />
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Nav />
      <Top />
      <main id="main" tabIndex={-1}>
        <Bands />
        <Screen />
      </main>
      <KeysDialog />
      <Toast />
    </>
  )
}

/** A screen is fetched when it is first gone to. */
const SCREENS: Readonly<Record<string, () => Promise<ComponentType>>> = {
  '/': async () => (await import('./screens/overview.tsx')).OverviewScreen,
  '/dispatches': async () => (await import('./screens/dispatches.tsx')).DispatchesScreen,
  '/refusals': async () => (await import('./screens/refusals.tsx')).RefusalsScreen,
  '/try': async () => (await import('./screens/try.tsx')).TryScreen,
  '/switch': async () => (await import('./screens/switch.tsx')).SwitchScreen,
}
const oneDispatch = async () => (await import('./screens/dispatch.tsx')).DispatchScreen

function Screen() {
  const at = path.value
  const id = /^\/dispatches\/([^/]+)$/.exec(at)?.[1]
  if (id !== undefined) return <Fetched key={id} fetch={oneDispatch} parts={{ id }} />
  return <Fetched key={at} fetch={SCREENS[at] ?? SCREENS['/']} parts={{}} />
}

type FetchedParts<P> = Readonly<{ fetch: (() => Promise<ComponentType<P>>) | undefined; parts: P }>

function Fetched<P extends object>({ fetch, parts }: FetchedParts<P>) {
  const [Found, setFound] = useState<ComponentType<P> | null>(null)
  const [error, setError] = useState<Error | null>(null)
  useEffect(() => {
    fetch?.()
      .then((it) => setFound(() => it))
      .catch(() => setError(new Unreachable('The screen could not be fetched')))
  }, [])
  if (error !== null) return <Failed error={error} retry={() => location.reload()} />
  return Found === null ? null : <Found {...parts} />
}
