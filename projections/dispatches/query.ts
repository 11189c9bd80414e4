/** A page of dispatches, the last opened first, with the follower position it is complete up to. */
export type DispatchesPage = Readonly<{ pageSize: number; before: number | null }>

export const dispatchesPage = ({ pageSize, before }: DispatchesPage) => ({
  name: 'dispatches_page',
  text: `select f.position as follower_position, d.*
    from rm_dispatches_v1.follower f
    left join lateral (
      select * from rm_dispatches_v1.dispatches
      where opened_position < $1 order by opened_position desc limit $2
    ) d on true
    order by d.opened_position desc`,
  values: [before ?? Number.MAX_SAFE_INTEGER, pageSize + 1],
})

export type DispatchRow = Readonly<{
  follower_position: number
  dispatch_id: string | null
  digest: string
  contract_id: string
  contract_version: number
  target: string
  output_namespace: string
  occurrence: string
  reached: string | null
  verdict: string | null
  output_digest: string | null
  refusals: number
  last_refusal: string | null
  opened_position: number
  opened_at: { toISOString(): string }
  position: number
  changed_at: { toISOString(): string }
}>

/** A row as lists show it. */
export const decodeDispatch = (row: DispatchRow) => ({
  dispatchId: row.dispatch_id,
  digest: row.digest,
  contract: { id: row.contract_id, version: row.contract_version },
  target: row.target,
  outputNamespace: row.output_namespace,
  occurrence: row.occurrence,
  reached: row.reached,
  verdict: row.verdict,
  outputDigest: row.output_digest,
  refusals: row.refusals,
  lastRefusal: row.last_refusal,
  openedAt: row.opened_at.toISOString(),
  position: row.position,
  changedAt: row.changed_at.toISOString(),
})
