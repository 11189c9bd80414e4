import { LedgerError } from '../errors.ts'
import type { DispatchCall } from '../ports.ts'
import type { CountedCall } from './call-counts.ts'

/** What a call came to, as far as a counter cares. */
export type Answered = Readonly<{ outcome: string; code?: string; eventsAppended: number }>

export type CountPorts = Readonly<{
  count(call: CountedCall): void
  /** Whether any version of a contract has this id. Others are whatever callers make up. */
  isRegistered(contractId: string): boolean
}>

/** Counts each call once, by what it was answered. */
export const counted =
  <A extends Answered>(run: (call: DispatchCall) => Promise<A>, ports: CountPorts) =>
  async (call: DispatchCall): Promise<A> => {
    try {
      const answer = await run(call)
      const { outcome, code = '', eventsAppended } = answer
      const { contractId, mode } = askedIn(call, ports)
      const appended = eventsAppended > 0 ? 'events' : 'none'
      ports.count({ contractId, mode, outcome, code, appended })
      return answer
    } catch (error) {
      ports.count({ ...askedIn(call, ports), outcome: 'error', ...answeredFor(error) })
      throw error
    }
  }

const askedIn = ({ command }: DispatchCall, { isRegistered }: CountPorts) => ({
  contractId: isRegistered(command.contract.id) ? command.contract.id : '',
  mode: command.mode,
})

/** What nobody foresaw is answered as a gate that could not tell. */
function answeredFor(error: unknown): Pick<CountedCall, 'code' | 'appended'> {
  if (!(error instanceof LedgerError)) return { code: 'gate-indeterminate', appended: 'unknown' }
  const { code, recorded } = error
  return { code, appended: recorded === 'event' ? 'events' : recorded }
}
