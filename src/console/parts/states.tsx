import type { ComponentChildren } from 'preact'
import { ApiProblem, Unreachable } from '../api.ts'
import type { Resource } from '../resource.ts'
import { whoActsSentence } from '../words.ts'
import { Icon, type IconName } from './icon.tsx'

/** What came, or what is said while nothing did. Old data stays under an error, with its position. */
export function Loaded<T>({
  of,
  children,
}: Readonly<{ of: Resource<T>; children: (body: T) => ComponentChildren }>) {
  const { answer, error, slow, reload } = of
  if (answer === null) {
    if (error !== null) return <Failed error={error} retry={() => reload()} />
    return slow ? <Skeleton /> : null
  }
  return (
    <>
      {error !== null && <StillOld error={error} retry={() => reload()} />}
      {children(answer.body)}
    </>
  )
}

export function Skeleton({ rows = 4 }: Readonly<{ rows?: number }>) {
  return (
    <div class="stack panel-body" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, at) => (
        <span key={at} class="skeleton" />
      ))}
    </div>
  )
}

type Emptiness = Readonly<{ icon?: IconName; title: string; children?: ComponentChildren }>

/** Why there is nothing, and the next step. */
export function Empty({ icon = 'list', title, children }: Emptiness) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <b>{title}</b>
      {children}
    </div>
  )
}

type Failure = Readonly<{ error: Error; retry?: () => void }>

/** What happened, what is safe, and what to do. */
export function Failed({ error, retry }: Failure) {
  if (error instanceof ApiProblem && error.problem.code === 'forbidden') {
    return (
      <Empty icon="lock" title="This key may not see this">
        <p>{sentence(error.problem.detail)} Reading it needs another key.</p>
      </Empty>
    )
  }
  return (
    <div class="callout bad" role="alert">
      <Icon name="warn" />
      <span class="stack tight">
        <span>{inWords(error)}</span>
        {error instanceof ApiProblem && <code>{error.problem.code}</code>}
      </span>
      {retry !== undefined && (
        <button type="button" class="button small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}

function StillOld({ error, retry }: Failure) {
  return (
    <div class="callout unsure" role="status">
      <Icon name="clock" />
      <span>
        {inWords(error)} What is shown is <b>as it was</b>.
      </span>
      {retry !== undefined && (
        <button type="button" class="button small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}

const sentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`)

export function inWords(error: Error): string {
  if (error instanceof Unreachable)
    return 'The server does not answer. Nothing was changed by looking.'
  if (!(error instanceof ApiProblem)) return error.message
  const { title, detail, recorded, whoMustAct, retryable } = error.problem
  const safe =
    recorded === 'unknown'
      ? 'Whether it was recorded is not known: send the same command again.'
      : whoActsSentence(whoMustAct, retryable)
  return `${sentence(title)} ${sentence(detail)} ${safe}`
}
