import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../../src/config.ts'

const sourcesOf = (text: string) => readConfig({ LEDGER_SQL_SOURCES: text }).sqlSources

describe('LEDGER_SQL_SOURCES', () => {
  it('is none where it is left out or empty', () => {
    expect(readConfig({}).sqlSources).toEqual({})
    expect(sourcesOf('')).toEqual({})
  })

  it('is a JSON object of Postgres URLs by name', () => {
    const sources = { shop: 'postgres://reader:x@db/shop', atlas: 'postgresql://a@b/c' }
    expect(sourcesOf(JSON.stringify(sources))).toEqual(sources)
  })

  it.each(['{', '[]', '"x"', '{"shop":1}', '{"shop":"mysql://x"}', '{"":"postgres://x"}'])(
    'is refused without showing what may hold a password: %s',
    (text) => {
      expect(() => sourcesOf(text)).toThrow(ConfigError)
      expect(() => sourcesOf(text)).toThrow(
        'LEDGER_SQL_SOURCES must be a JSON object, each member a source name with its Postgres URL; found something else.',
      )
    },
  )
})
