import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

/** A file of the console as it is served. `path` begins with `/`. */
export type ConsoleFile = Readonly<{ path: string; type: string; body: Buffer; gzip: Buffer }>

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Where `vite build` leaves it, seen from the sources and from what is compiled of them. */
const FOLDER = import.meta.url.endsWith('.ts') ? '../dist/console/' : '../console/'

/** The built console, read once: some files and 150 KB. None where it was not built. */
export function readConsoleFiles(
  folder: string = fileURLToPath(new URL(FOLDER, import.meta.url)),
): readonly ConsoleFile[] {
  if (!existsSync(join(folder, 'index.html'))) return []
  return readdirSync(folder, { recursive: true }).flatMap((name) => {
    const file = String(name)
    const type = TYPES[extname(file)]
    if (type === undefined) return []
    const body = readFileSync(join(folder, file))
    return [
      { path: `/${file.replaceAll('\\', '/')}`, type, body, gzip: gzipSync(body, { level: 9 }) },
    ]
  })
}
