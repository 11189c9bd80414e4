// Answers the baseline cases of catalogue/contract.yaml with its own expression and writes them back.
// `--check` writes nothing and exits 1 if an answer differs. The answers are goldens: read the diff.
import { readFileSync, writeFileSync } from 'node:fs'
import jsonata from 'jsonata'
import { Document, parse, visit } from 'yaml'

const target = new URL('catalogue/contract.yaml', import.meta.url)
const source = readFileSync(target, 'utf8')
const contract = parse(source)
const fixture = JSON.parse(readFileSync(new URL('catalogue/fixture.json', import.meta.url), 'utf8'))
const expression = jsonata(contract.program.jsonata)

const baseline = []
for (const { name, params } of contract.baseline) {
  const { verdict, output } = await expression.evaluate({ params, fixture: fixture.data })
  baseline.push({ name, params, verdict, output })
}

// Written as Biome formats it: a map of plain values is one line where that fits, and quotes are
// double unless the text holds some.
const tail = new Document(JSON.parse(JSON.stringify({ baseline })))
const oneLineMax = 88
visit(tail, {
  Map(_, map) {
    const plain = map.items.every(({ value }) => !('items' in value))
    map.flow = plain && JSON.stringify(map).length < oneLineMax
  },
  Scalar(key, scalar) {
    if (key !== 'key' && /^[^']*"[^']*$/.test(scalar.value)) scalar.type = 'QUOTE_SINGLE'
  },
})
const style = { lineWidth: 0, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' }
const made = source.replace(/^baseline:\n[\s\S]*/m, () => tail.toString(style))

if (!process.argv.includes('--check')) writeFileSync(target, made)
else if (source !== made) {
  console.error(
    'catalogue/contract.yaml is not what make-baseline.mjs makes: run it without --check',
  )
  process.exitCode = 1
}
