import { ask, type CommonOptions } from './session.ts'

type Position = Readonly<{ state: string; reason: string; recordedAt: string; actor: string }>
type Report = Readonly<{
  controlRevision: number
  guarantee: string
  scopes: Readonly<Record<string, Position | null>>
}>

/** The switch as it is in force. */
export const showSwitch = (options: CommonOptions): Promise<number> =>
  ask(options, { method: 'GET', path: '/v1/switch' }, ({ scopes, guarantee }: Report) =>
    [...Object.entries(scopes).map(showScope), `guarantee ${guarantee}`].join('\n'),
  )

const showScope = ([scope, position]: [string, Position | null]): string =>
  position === null
    ? `${scope}  unset: everything is refused until an operator sets it`
    : `${scope}  ${position.state}  since ${position.recordedAt} by ${position.actor}: ${position.reason}`

export type SwitchOptions = CommonOptions &
  Readonly<{ reason: string; scope?: string; direct?: boolean }>

/** Sets a scope; returns once it is in force everywhere. */
export const setSwitch = (state: string, options: SwitchOptions): Promise<number> => {
  const { reason, scope = 'global' } = options
  const path = `/v1/switch/${encodeURIComponent(scope)}`
  return ask(
    options,
    { method: 'PUT', path, body: { state, reason } },
    (position: Position & { position: number }) =>
      `${scope}  ${position.state}  in force from position ${position.position}`,
  )
}
