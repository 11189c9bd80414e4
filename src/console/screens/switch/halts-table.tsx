import { Icon } from '../../parts/icon.tsx'
import { endOf, type Halt, type Refused, startOf } from '../../switch/intervals.ts'
import { actorName, num, shortTime, span } from '../../words.ts'

type Shown = Readonly<{
  halts: readonly Halt[]
  /** What each refused, or null where it cannot be told. */
  refusedOf: (halt: Halt) => Refused | null
  nowMs: number
}>

/** Every halt as an interval, with the calls that it refused. */
export function HaltsTable({ halts, refusedOf, nowMs }: Shown) {
  return (
    <div class="table-wrap">
      <table class="tall">
        <thead>
          <tr>
            <th scope="col">Scope</th>
            <th scope="col">Halted</th>
            <th scope="col">For</th>
            <th scope="col">Reason, by whom</th>
            <th scope="col" class="right">
              Calls refused
            </th>
            <th scope="col" class="right hide-narrow">
              Left an event
            </th>
          </tr>
        </thead>
        <tbody>
          {halts.map((halt) => (
            <tr key={halt.from.position}>
              <td>
                <code>{halt.scope}</code>
              </td>
              <When halt={halt} />
              <td>
                {span(endOf(halt, nowMs) - startOf(halt))}
                {halt.to === null && (
                  <>
                    <br />
                    <b class="plain t-fail">
                      <Icon name="halt" />
                      still halted
                    </b>
                  </>
                )}
              </td>
              <Reasons halt={halt} />
              <Counts refused={refusedOf(halt)} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function When({ halt: { from, to } }: Readonly<{ halt: Halt }>) {
  const isOneDay = to !== null && to.recordedAt.slice(0, 10) === from.recordedAt.slice(0, 10)
  const end = to === null ? '…' : shortTime(to.recordedAt).slice(isOneDay ? 6 : 0)
  return (
    <td title={`${from.recordedAt} to ${to?.recordedAt ?? 'now'}`}>
      {shortTime(from.recordedAt)} to {end}
      <br />
      <span class="faint">
        {to === null
          ? `revision ${num(from.revision)}`
          : `revisions ${num(from.revision)} and ${num(to.revision)}`}
      </span>
    </td>
  )
}

function Reasons({ halt: { from, to } }: Readonly<{ halt: Halt }>) {
  return (
    <td class="wrap anywhere">
      {from.data.reason} <span class="faint">{actorName(from.metadata.actor)}</span>
      {to !== null && (
        <>
          <br />
          <span class="muted">Released: {to.data.reason}</span>{' '}
          <span class="faint">{actorName(to.metadata.actor)}</span>
        </>
      )}
    </td>
  )
}

function Counts({ refused }: Readonly<{ refused: Refused | null }>) {
  if (refused === null) {
    return (
      <>
        <td class="right faint">–</td>
        <td class="right faint hide-narrow">–</td>
      </>
    )
  }
  return (
    <>
      <td class="right num">
        {num(refused.calls)}
        {refused.isShared && (
          <>
            <br />
            <span class="faint" title="Another halt refused calls of the same hours and contracts">
              counted by the hour
            </span>
          </>
        )}
      </td>
      <td class="right num hide-narrow">{num(refused.appended)}</td>
    </>
  )
}
