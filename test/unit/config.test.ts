import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../../src/config.ts'

const sourcesOf = (text: string) => readConfig({ LEDGER_SQL_SOURCES: text }).sqlSources
const allowOf = (text: string) => readConfig({ LEDGER_HTTP_ALLOW: text }).httpAllow

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

describe('LEDGER_HTTP_ALLOW', () => {
  it('is nothing where it is left out or empty', () => {
    const nowhere = { origins: new Set(), ranges: [] }
    for (const allow of [readConfig({}).httpAllow, allowOf(''), allowOf(' , ')])
      expect(allow).toEqual(nowhere)
  })

  it('is a comma list of origins and CIDRs', () => {
    const { origins, ranges } = allowOf('https://api.example, http://127.0.0.1:8081,10.1.0.0/16')
    expect([...origins]).toEqual(['https://api.example', 'http://127.0.0.1:8081'])
    expect(ranges.map((it) => it.text)).toEqual(['10.1.0.0/16'])
  })

  it.each([
    'https://api.example/',
    'HTTPS://api.example',
    'http://api.example:80',
    'https://user:secret@api.example',
    'api.example',
    '*',
    '10.0.0.1',
    '10.0.0.0/33',
    'https://api.example;10.0.0.0/8',
    'https://api.example,10.0.0.0/33',
  ])('is refused, and the message says how it is written: %s', (text) => {
    expect(() => allowOf(text)).toThrow(ConfigError)
    expect(() => allowOf(text)).toThrow(
      `LEDGER_HTTP_ALLOW must be a comma list of origins as they are serialized (https://api.example) and CIDRs (10.1.0.0/16); found ${JSON.stringify(text)}: `,
    )
  })
})
