import { useState } from 'preact/hooks'
import { get } from '../api.ts'
import { toast } from './copy.tsx'
import { inWords } from './states.tsx'

const PAGE = 1_000
const ROWS_MAX = 100_000

type Page = Readonly<Record<string, unknown>> & { readonly nextPageToken: string | null }

/**
 * Downloads a whole list, page by page, as NDJSON. `address` is the list with its filter, `rows` the
 * member of its answer. The name of the file says up to which position it is complete.
 */
export function ExportButton({ address, rows }: Readonly<{ address: string; rows: string }>) {
  const [count, setCount] = useState<number | null>(null)
  const run = async (): Promise<void> => {
    setCount(0)
    try {
      const { lines, position } = await readAll(address, rows, setCount)
      download(`${rows}-as-of-${position}.ndjson`, lines)
      const cut = lines.length >= ROWS_MAX ? `, the first ${ROWS_MAX} only` : ''
      toast(`Exported ${lines.length} rows${cut}`)
    } catch (error) {
      toast(`Not exported. ${error instanceof Error ? inWords(error) : ''}`)
    } finally {
      setCount(null)
    }
  }
  return (
    <button type="button" class="button small" disabled={count !== null} onClick={() => void run()}>
      {count === null ? 'Export NDJSON' : `${count} rows`}
    </button>
  )
}

async function readAll(address: string, rows: string, progress: (count: number) => void) {
  const lines: string[] = []
  let position = 0
  let token: string | null = ''
  while (token !== null && lines.length < ROWS_MAX) {
    const url = new URL(address, location.origin)
    url.searchParams.set('pageSize', String(PAGE))
    if (token !== '') url.searchParams.set('pageToken', token)
    const answer = await get<Page>(url.pathname + url.search)
    if (token === '') position = answer.position ?? 0
    for (const row of answer.body[rows] as readonly unknown[]) lines.push(JSON.stringify(row))
    token = answer.body.nextPageToken
    progress(lines.length)
  }
  return { lines, position }
}

function download(name: string, lines: readonly string[]): void {
  const text = lines.map((it) => `${it}\n`)
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob(text, { type: 'application/x-ndjson' }))
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}
