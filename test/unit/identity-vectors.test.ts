import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { DispatchCommand } from '../../domain/dispatch/command.ts'
import { dispatchIdOf, dispatchStream, eventIdText, identityText } from '../../domain/identity.ts'
import { eventId, identify, isDispatchId } from '../../src/identity.ts'
import { parseStrictJson } from '../../src/strict-json/parse-strict-json.ts'

type CommandCase = {
  readonly name: string
  readonly sameAs?: string
  readonly command: DispatchCommand
}
type EventCase = { readonly name: string; readonly event: Parameters<typeof eventId>[0] }
type CommandVector = CommandCase & {
  readonly jcs: string
  readonly digest: string
  readonly dispatchId: string
  readonly stream: string
}
type EventVector = EventCase & { readonly jcs: string; readonly id: string }

const read = (file: string): unknown =>
  parseStrictJson(readFileSync(new URL(`../golden/${file}`, import.meta.url)))

const cases = read('identity-commands.json') as { commands: CommandCase[]; events: EventCase[] }
/** Written by identity_vectors.py, which shares no line with the code under test. */
const vectors = read('identity-vectors.json') as {
  commands: CommandVector[]
  events: EventVector[]
}

describe('the identity of a command', () => {
  it.each(vectors.commands)('is the published one for $name', (vector) => {
    expect(identityText(vector.command)).toBe(vector.jcs)
    expect(identify(vector.command)).toEqual({
      digest: vector.digest,
      dispatchId: vector.dispatchId,
    })
    expect(dispatchStream(vector.dispatchId)).toBe(vector.stream)
  })

  it('is a UUID of version 8, and found again in the name of the stream', () => {
    expect(vectors.commands.filter(({ dispatchId }) => !isDispatchId(dispatchId))).toEqual([])
    expect(vectors.commands.filter((one) => dispatchIdOf(one.stream) !== one.dispatchId)).toEqual(
      [],
    )
  })

  it('is shared by spellings of one command and by nothing else', () => {
    const digests = new Map(vectors.commands.map(({ name, digest }) => [name, digest]))
    const spellings = vectors.commands.filter(({ sameAs }) => sameAs !== undefined)
    for (const { sameAs = '', digest } of spellings) expect(digest).toBe(digests.get(sameAs))
    expect(new Set(digests.values()).size).toBe(vectors.commands.length - spellings.length)
  })

  it.each(vectors.commands)('takes nothing else into account for $name', (vector) => {
    const asked = { ...vector.command, mode: 'REAL_RUN', actor: 'key:1', trace: { id: 'a' } }
    const contract = { ...vector.command.contract, sha256: 'sha256:00' }
    expect(identify({ ...asked, contract }).digest).toBe(vector.digest)
  })
})

describe('the id of an event', () => {
  it.each(vectors.events)('is the published one for $name', ({ event, jcs, id }) => {
    expect(eventIdText(event)).toBe(jcs)
    expect(eventId(event)).toBe(id)
  })

  it('is another one for another stream, revision, type or call', () => {
    expect(new Set(vectors.events.map(({ id }) => id)).size).toBe(vectors.events.length)
  })
})

describe('the published vectors', () => {
  it('are those of identity-commands.json, and enough of them', () => {
    expect(vectors).toMatchObject(cases)
    expect(vectors.commands.length).toBeGreaterThanOrEqual(25)
    expect(vectors.events.length).toBeGreaterThanOrEqual(5)
  })
})
