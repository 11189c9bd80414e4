import type { Reached as Level } from '../api.ts'
import { ShortId } from '../parts/copy.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { CodePill, Pill } from '../parts/pill.tsx'
import { Reached } from '../parts/reached.tsx'
import { Empty, Loaded } from '../parts/states.tsx'
import { useResource } from '../resource.ts'
import { clock, num } from '../words.ts'

export type DispatchRow = Readonly<{
  dispatchId: string
  digest: string
  contract: Readonly<{ id: string; version: number }>
  target: string
  outputNamespace: string
  occurrence: string
  reached: Level
  verdict: 'would_succeed' | 'would_fail' | null
  refusals: number
  lastRefusal: string | null
  openedAt: string
  position: number
  changedAt: string
}>
type Page = Readonly<{ dispatches: readonly DispatchRow[]; nextPageToken: string | null }>

export function DispatchesScreen() {
  const page = useResource<Page>('/v1/dispatches?pageSize=50')
  return (
    <>
      <PageHead title="Dispatches" says="Where each one stands, newest first">
        <a class="button" href="/try">
          Try a dispatch
        </a>
      </PageHead>
      <section class="panel" aria-label="Dispatches">
        <Loaded of={page}>
          {({ dispatches }) =>
            dispatches.length === 0 ? (
              <Empty title="Nothing was dispatched yet" />
            ) : (
              <div class="table-wrap rows">
                <table>
                  <tbody>
                    {dispatches.map((it) => (
                      <tr key={it.dispatchId}>
                        <td>{clock(it.changedAt)}</td>
                        <td>
                          <a href={`/dispatches/${it.dispatchId}`}>
                            <ShortId id={it.dispatchId} />
                          </a>
                        </td>
                        <td>
                          {it.contract.id}
                          <span class="faint">@{it.contract.version}</span>
                        </td>
                        <td>
                          <Reached reached={it.reached} />
                        </td>
                        <td>
                          {it.verdict !== null ? (
                            <Pill kind={it.verdict} />
                          ) : it.lastRefusal !== null ? (
                            <CodePill code={it.lastRefusal} />
                          ) : null}
                        </td>
                        <td class="right num">{num(it.position)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )
          }
        </Loaded>
      </section>
    </>
  )
}
