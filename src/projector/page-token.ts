import { createHash } from 'node:crypto'
import { readValue } from '../../domain/filter/field.ts'
import type { Key } from '../../projections/list.ts'
import { LedgerError } from '../errors.ts'

/** What a list was asked, beside the page: a token goes on with this question and no other. */
export type Question = Readonly<{ name: string; filter: string | null; orderBy: string | null }>

/** Where the next page begins, for nobody to read: the question, and the keys of the last row. */
export const encodeToken = (question: Question, place: readonly string[]): string =>
  Buffer.from(JSON.stringify([markOf(question), ...place])).toString('base64url')

export function decodeToken(
  token: string,
  question: Question,
  keys: readonly Key[],
): readonly (string | number)[] {
  const [mark, ...place] = membersOf(token)
  if (mark === undefined) throw unknownToken()
  if (mark !== markOf(question)) {
    throw new LedgerError(
      'schema-invalid',
      'The pageToken belongs to another list, filter or orderBy: send those it was given for, or begin without it',
    )
  }
  if (place.length !== keys.length) throw unknownToken()
  return keys.map(({ field }, index) => {
    const read = readValue(field, place[index] ?? '')
    if (read.ok) return read.value
    throw unknownToken()
  })
}

const unknownToken = (): LedgerError =>
  new LedgerError('schema-invalid', 'The pageToken is none that this server gave out')

function membersOf(token: string): readonly string[] {
  try {
    const members: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    const isSound = Array.isArray(members) && members.every((it) => typeof it === 'string')
    return isSound ? members : []
  } catch {
    return []
  }
}

const MARK_LENGTH = 12

const markOf = ({ name, filter, orderBy }: Question): string =>
  createHash('sha256')
    .update(JSON.stringify([name, filter, orderBy]))
    .digest('base64url')
    .slice(0, MARK_LENGTH)
