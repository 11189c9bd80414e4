import { PageHead } from '../parts/page-head.tsx'
import { Panel } from '../parts/panel.tsx'

export function OverviewScreen() {
  return (
    <>
      <PageHead title="Overview" />
      <Panel title="Calls, last 24 hours">soon</Panel>
    </>
  )
}
