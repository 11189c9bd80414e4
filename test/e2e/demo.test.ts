import { expect, it } from 'vitest'
import { runCli } from '../support/cli.ts'

const UUID = /"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"/g

/** Event ids, key ids and times differ from run to run; dispatch ids and digests never do. */
function masked(line: string): string {
  const dispatchIds = [...line.matchAll(/"dispatchId":("[^"]+")/g)].map((match) => match[1])
  return line
    .replaceAll(UUID, (id) => (dispatchIds.includes(id) ? id : '"<event>"'))
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>')
    .replaceAll(/key:[a-z2-7]{12}/g, 'key:<key>')
    .replaceAll(/"version":"[^"]+"/g, '"version":"<version>"')
}

it('prints the committed transcript: `npx vitest run test/e2e/demo.test.ts -u` after a wanted change', async () => {
  const { code, stdout, stderr } = await runCli(['demo', '--json'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const lines = stdout.trim().split('\n').map(masked)
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('../golden/demo.ndjson')
}, 120_000)
