// tsc emits no .sql and no .txt files: copies them to the same places below dist.
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

for (const root of ['src', 'projections'])
  for (const file of readdirSync(root, { recursive: true }))
    if (/\.(sql|txt)$/.test(String(file)))
      cpSync(join(root, String(file)), join('dist', root, String(file)))
