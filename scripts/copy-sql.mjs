// tsc emits no .sql files: copies them to the same places below dist.
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

for (const root of ['src', 'projections'])
  for (const file of readdirSync(root, { recursive: true }))
    if (String(file).endsWith('.sql'))
      cpSync(join(root, String(file)), join('dist', root, String(file)))
