import { isNotCounted } from '../calls.ts'
import { Empty, Failed } from './states.tsx'

type Why = Readonly<{ error: Error; retry: () => void }>

/** Why there are no counts of calls: none are kept here, the key may not see them, or an error. */
export function NoCounts({ error, retry }: Why) {
  if (!isNotCounted(error)) return <Failed error={error} retry={retry} />
  return (
    <Empty icon="dash" title="Calls are not counted here">
      <p>
        This server has no <code>/v1/analytics/calls_hourly_v1</code>. What stands in the log is
        listed all the same.
      </p>
    </Empty>
  )
}
