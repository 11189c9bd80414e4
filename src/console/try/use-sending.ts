import { useRef, useState } from 'preact/hooks'
import type { AskedCommand, Mode } from '../../../domain/dispatch/command.ts'
import { type Click, send } from './send.ts'

export type Sending = Readonly<{
  /** What was sent from this page and answered, the last first. */
  clicks: readonly Click[]
  /** The mode under way. */
  sending: Mode | null
  send(command: AskedCommand): Promise<void>
}>

/** One command at a time. */
export function useSending(): Sending {
  const [clicks, setClicks] = useState<readonly Click[]>([])
  const [sending, setSending] = useState<Mode | null>(null)
  const count = useRef(0)
  return {
    clicks,
    sending,
    async send(command) {
      if (sending !== null) return
      setSending(command.mode)
      const number = ++count.current
      const click = await send(command)
      setClicks((before) => [{ ...click, number }, ...before].slice(0, CLICKS_KEPT))
      setSending(null)
    },
  }
}

const CLICKS_KEPT = 20
