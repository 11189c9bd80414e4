import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** A key that whoever holds `token` may fetch once. Where there is none, nothing is fetched. */
export type OneTimeKey = Readonly<{
  token: string | null
  redeem(token: string): string | null
}>

export const NO_KEY: OneTimeKey = { token: null, redeem: () => null }

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Lives in memory alone: a server that starts again gives out another token. */
export function createOneTimeKey(key: string): OneTimeKey {
  const token = randomBytes(32).toString('base64url')
  let left: string | null = key
  return {
    token,
    redeem(offered) {
      if (!timingSafeEqual(sha256(offered), sha256(token))) return null
      const given = left
      left = null
      return given
    },
  }
}
