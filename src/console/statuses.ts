import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { get } from './api.ts'

/** The HTTP status of each code that was met, as the server tells it. */
const statuses = signal<Readonly<Record<string, number>>>({})
const asked = new Set<string>()

/** Looks codes up, each once. A code that the server does not know has none. */
export function useStatuses(codes: readonly string[]): Readonly<Record<string, number>> {
  const list = codes.join(' ')
  useEffect(() => {
    for (const code of codes.filter((it) => !asked.has(it))) void lookUp(code)
  }, [list])
  return statuses.value
}

async function lookUp(code: string): Promise<void> {
  asked.add(code)
  try {
    const { body } = await get<{ status: number }>(`/problems/${encodeURIComponent(code)}`)
    statuses.value = { ...statuses.peek(), [code]: body.status }
  } catch {
    // It is only shown beside the code; the next look asks again.
    asked.delete(code)
  }
}
