import './css/tokens.css'
import './css/base.css'
import './css/shell.css'
import './css/layout.css'
import './css/primitives.css'
import './css/data.css'
import './css/scopes.css'
import './css/screens.css'
import './css/narrower.css'
import { render } from 'preact'
import { App } from './app.tsx'
import { startRouter } from './router.ts'
import { openSession } from './session.ts'
import { applyTheme } from './theme.ts'

applyTheme()
startRouter()
await openSession()
render(<App />, document.body)
