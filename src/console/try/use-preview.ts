import { useEffect, useMemo, useState } from 'preact/hooks'
import type { DispatchCommand, Mode } from '../../../domain/dispatch/command.ts'
import { identityText } from '../../../domain/identity.ts'
import { ApiProblem, ask, type Reached } from '../api.ts'
import { type Resource, useResource } from '../resource.ts'
import { may } from '../session.ts'
import { bodyOf } from './commands.ts'
import { type Identity, identify } from './identity.ts'
import type { Explanation } from './outlook.ts'
import { useSettled } from './use-settled.ts'

export type CanonicalText =
  | Readonly<{ ok: true; text: string }>
  | Readonly<{ ok: false; wrong: string }>

/** What is hashed, or why there is nothing to hash. */
const useCanonicalText = (command: DispatchCommand | null): CanonicalText | null =>
  useMemo(() => {
    if (command === null) return null
    try {
      return { ok: true, text: identityText(command) }
    } catch (error) {
      return { ok: false, wrong: error instanceof Error ? error.message : String(error) }
    }
  }, [command])

/** `identity` is null while it is computed, and for ever where `canHash` is false. */
export type HashState = Readonly<{ identity: Identity | null; canHash: boolean }>

function useIdentity(text: string | null): HashState {
  const [found, set] = useState<Readonly<{ of: string; identity: Identity | null }> | null>(null)
  useEffect(() => {
    if (text === null) return undefined
    let isLast = true
    void identify(text).then((identity) => isLast && set({ of: text, identity }))
    return () => {
      isLast = false
    }
  }, [text])
  if (found === null || found.of !== text) return { identity: null, canHash: true }
  return { identity: found.identity, canHash: found.identity !== null }
}

/** The modes whose answer depends on the command: REAL_RUN is refused whatever it asks for. */
export const ASKED_MODES = ['PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN'] as const

export type Explanations = Readonly<{
  byMode: Readonly<Partial<Record<Mode, Explanation>>>
  error: Error | null
  /** Whether they are about the command as it stands: the last ones stay until others come. */
  isFresh: boolean
}>

/** What the server would answer to each mode: asked for each command that rests, and with each `turn`. */
function useExplanations(command: DispatchCommand | null, turn: number): Explanations {
  const rested = useSettled(command)
  const [found, set] = useState<
    Omit<Explanations, 'isFresh'> & Readonly<{ of: DispatchCommand | null }>
  >({ of: null, byMode: {}, error: null })
  useEffect(() => {
    if (rested === null) return undefined
    const stop = new AbortController()
    explainAll(rested, stop.signal)
      .then((byMode) => set({ of: rested, byMode, error: null }))
      .catch((error: Error) => {
        if (!stop.signal.aborted) set({ of: rested, byMode: {}, error })
      })
    return () => stop.abort()
  }, [rested, turn])
  return { byMode: found.byMode, error: found.error, isFresh: found.of === command }
}

async function explainAll(
  command: DispatchCommand,
  signal: AbortSignal,
): Promise<Explanations['byMode']> {
  const all = await Promise.all(
    ASKED_MODES.map(async (mode) => {
      const body = bodyOf({ ...command, mode })
      return [mode, (await ask<Explanation>('POST', '/v1/explain', { body, signal })).body] as const
    }),
  )
  return Object.fromEntries(all)
}

/** A dispatch as it stands in the ledger. */
export type Standing = Readonly<{ reached: Reached; refusals: readonly unknown[] }>

export type Preview = Readonly<{
  canonical: CanonicalText | null
  hash: HashState
  explanations: Explanations
  standing: Resource<Standing>
  /** Undefined where nobody knows. */
  reached: Reached | undefined
}>

/** All that can be known of a command before it is sent. Each `turn` looks again. */
export function usePreview(command: DispatchCommand | null, turn: number): Preview {
  const canonical = useCanonicalText(command)
  const isSound = canonical?.ok === true
  const hash = useIdentity(isSound ? canonical.text : null)
  const explanations = useExplanations(isSound ? command : null, turn)
  const standing = useStanding(useSettled(hash.identity?.dispatchId ?? null), turn)
  const reached = reachedOf(standing) ?? explanations.byMode.PLAN_ONLY?.reached
  return { canonical, hash, explanations, standing, reached }
}

function useStanding(id: string | null, turn: number): Resource<Standing> {
  const canRead = may('dispatch:read')
  const standing = useResource<Standing>(id !== null && canRead ? `/v1/dispatches/${id}` : null)
  useEffect(() => {
    if (turn > 0) standing.reload()
  }, [turn])
  return standing
}

export const isNowhere = ({ error }: Resource<Standing>): boolean =>
  error instanceof ApiProblem && error.problem.code === 'not-found'

const reachedOf = (standing: Resource<Standing>): Reached | undefined =>
  isNowhere(standing) ? null : standing.answer?.body.reached
