// Makes catalogue/fixture.json from document/rfc6962.txt. `--check` writes nothing and exits 1 if they differ.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

const document = readFileSync(new URL('document/rfc6962.txt', import.meta.url), 'utf8')
const target = new URL('catalogue/fixture.json', import.meta.url)

// `lines` joined by newlines, with one more at the end, is the file byte for byte.
const manifest = {
  kind: 'Fixture',
  id: 'iu.rfc-6962',
  version: 1,
  data: {
    document: 'rfc6962.txt',
    sha256: createHash('sha256').update(document).digest('hex'),
    lines: document.replace(/\n$/, '').split('\n'),
  },
}
const made = `${JSON.stringify(manifest, null, 2)}\n`

if (!process.argv.includes('--check')) writeFileSync(target, made)
else if (readFileSync(target, 'utf8') !== made) {
  console.error('catalogue/fixture.json is not what make-fixture.mjs makes: run it without --check')
  process.exitCode = 1
}
