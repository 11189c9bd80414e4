import { useEffect } from 'preact/hooks'
import { Toast } from './parts/copy.tsx'
import { path } from './router.ts'
import { DispatchScreen } from './screens/dispatch.tsx'
import { DispatchesScreen } from './screens/dispatches.tsx'
import { OverviewScreen } from './screens/overview.tsx'
import { RefusalsScreen } from './screens/refusals.tsx'
import { SignInScreen } from './screens/sign-in.tsx'
import { SwitchScreen } from './screens/switch.tsx'
import { TryScreen } from './screens/try.tsx'
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

function Screen() {
  const at = path.value
  const dispatchId = /^\/dispatches\/([^/]+)$/.exec(at)?.[1]
  if (dispatchId !== undefined) return <DispatchScreen key={dispatchId} id={dispatchId} />
  switch (at) {
    case '/dispatches':
      return <DispatchesScreen />
    case '/refusals':
      return <RefusalsScreen />
    case '/try':
      return <TryScreen />
    case '/switch':
      return <SwitchScreen />
    default:
      return <OverviewScreen />
  }
}
