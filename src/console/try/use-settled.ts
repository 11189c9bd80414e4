import { useEffect, useState } from 'preact/hooks'

/** So long nothing is typed before anybody is asked about it, and before the address follows. */
const SETTLED_MS = 350

/** A value once it has stayed the same for a while. */
export function useSettled<T>(value: T): T {
  const [settled, settle] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => settle(value), SETTLED_MS)
    return () => clearTimeout(timer)
  }, [value])
  return settled
}
