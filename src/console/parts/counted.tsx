import type { ComponentChildren } from 'preact'
import { type Calls, isNotCounted } from '../calls.ts'
import type { Resource } from '../resource.ts'
import { Empty, Loaded } from './states.tsx'

type Parts = Readonly<{
  calls: Resource<Calls>
  children: (calls: Calls) => ComponentChildren
}>

/** Figures where calls are counted; said where they are not. */
export function Counted({ calls, children }: Parts) {
  if (!isNotCounted(calls.error)) return <Loaded of={calls}>{children}</Loaded>
  return (
    <Empty icon="info" title="Calls are not counted here">
      <p>
        This server has no call counters. Dispatches and refusals stand in the log all the same.
      </p>
    </Empty>
  )
}
