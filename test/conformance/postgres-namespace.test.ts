import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { isSound, namespaceTexts } from '../support/namespace-texts.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

describe('the check of an output namespace', () => {
  it('keeps the grammar of the safety contract, for every text', async () => {
    const texts = fc
      .sample(namespaceTexts, 3_000)
      .filter((text) => !text.includes('\0') && text.isWellFormed())
    const rows = await database.query<{ sound: boolean }>(
      `select ledger.is_dry_run_namespace(t.text) as sound
        from unnest($1::text[]) with ordinality as t(text, place) order by place`,
      [texts],
    )
    const differing = texts.filter((text, index) => rows[index]?.sound !== isSound(text))
    expect(differing).toEqual([])
    expect(texts.filter(isSound).length).toBeGreaterThan(100)
  })
})
