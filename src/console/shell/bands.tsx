import { Icon } from '../parts/icon.tsx'
import { silence, switchReport } from '../status.ts'

/** What holds on every screen, over its full width: the worst first. */
export function Bands() {
  const report = switchReport.value
  const global = report?.scopes['global']
  return (
    <>
      {silence.value !== null && (
        <p class="band is-unsure" role="status">
          <Icon name="clock" />
          <span>
            <b>The server does not answer.</b> What is shown is as it was. Looking again by itself.
          </span>
        </p>
      )}
      {report !== null && global === null && (
        <p class="band is-unsure">
          <Icon name="question" />
          <span>
            <b>The kill switch was never set.</b> Unset means stop: every dispatch is refused.
          </span>
          <a href="/switch">Set it</a>
        </p>
      )}
      {global?.state === 'HALTED' && (
        <p class="band is-halted">
          <Icon name="halt" />
          <span>
            <b>Everything is halted.</b> {global.reason}
          </span>
          <a href="/switch">Kill switch</a>
        </p>
      )}
    </>
  )
}
