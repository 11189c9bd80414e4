/** What the files that describe the containers say, for the tests that hold them to it. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string): string => readFileSync(`${ROOT}${file}`, 'utf8')

export type Instruction = Readonly<{ name: string; rest: string }>
export type Stage = Readonly<{
  name: string
  image: string
  instructions: readonly Instruction[]
}>

/** The stages of the Dockerfile in order; one without a name has its number. */
export function readDockerfile(): readonly Stage[] {
  const lines = read('Dockerfile')
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
  const stages: (Stage & { instructions: Instruction[] })[] = []
  for (const line of lines.split('\n').filter((it) => it.trim() !== '')) {
    const [name = '', ...words] = line.trim().split(' ')
    const rest = words.join(' ')
    if (name === 'FROM') stages.push({ ...from(rest, stages.length), instructions: [] })
    else stages.at(-1)?.instructions.push({ name, rest })
  }
  return stages
}

function from(rest: string, number: number): Pick<Stage, 'name' | 'image'> {
  const [image = '', , name = String(number)] = rest.split(/\s+/)
  return { name, image }
}

export const restsOf = ({ instructions }: Stage, name: string): readonly string[] =>
  instructions.filter((it) => it.name === name).map((it) => it.rest)

/** The program and its arguments, of an instruction in exec form; in shell form it is no JSON. */
export const execForm = (rest: string): readonly string[] => JSON.parse(rest) as string[]

/** What the image runs, and how it is asked whether it is well. */
export function commandsOf(stage: Stage) {
  const [entrypoint = '', health = ''] = ['ENTRYPOINT', 'HEALTHCHECK'].map((name) =>
    restsOf(stage, name).at(-1),
  )
  return {
    entrypoint: execForm(entrypoint),
    command: execForm(restsOf(stage, 'CMD').at(-1) ?? ''),
    health: execForm(health.replace(/^.*?\bCMD /, '')),
  }
}

/** The variables that the image sets. */
export const environmentOf = (stage: Stage): Readonly<Record<string, string>> =>
  Object.fromEntries(
    restsOf(stage, 'ENV').flatMap((rest) => rest.split(/\s+/).map((pair) => pair.split('=', 2))),
  ) as Record<string, string>

/** What a COPY takes and where it puts it. */
export function copyOf(rest: string) {
  const words = rest.split(/\s+/)
  const flags = words.filter((it) => it.startsWith('--')).map((it) => it.slice(2).split('=', 2))
  const paths = words.filter((it) => !it.startsWith('--'))
  return {
    flags: Object.fromEntries(flags) as Readonly<{ from?: string; chmod?: string }>,
    sources: paths.slice(0, -1),
    to: paths.at(-1) ?? '',
  }
}

/** Whether .dockerignore lets a file or folder of the checkout be sent: the last line about it counts. */
export function isSent(path: string): boolean {
  let sent = true
  for (const line of ignoreLines()) {
    const pattern = line.replace('!', '')
    if (pattern !== '*' && !/^[\w.-]+$/.test(pattern)) throw new Error(`too much for us: ${line}`)
    if (pattern === '*' || path === pattern || path.startsWith(`${pattern}/`)) {
      sent = line.startsWith('!')
    }
  }
  return sent
}

export const ignoreLines = (): readonly string[] =>
  read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))

export type Service = Readonly<{
  image: string
  build?: string
  pull_policy?: string
  profiles?: readonly string[]
  restart: string
  user?: string
  read_only?: boolean
  tmpfs?: readonly string[]
  cap_drop?: readonly string[]
  security_opt?: readonly string[]
  mem_limit?: string
  cpus?: number
  pids_limit?: number
  stop_grace_period?: string
  logging?: Readonly<{ driver: string; options: Readonly<Record<string, string>> }>
  ports?: readonly string[]
  networks?: readonly string[]
  volumes?: readonly string[]
  command?: readonly string[]
  environment?: Readonly<Record<string, string>>
  depends_on?: Readonly<Record<string, Readonly<{ condition: string }>>>
  healthcheck?: Readonly<{ test?: readonly string[]; disable?: boolean }>
}>

export type Compose = Readonly<{
  services: Readonly<Record<string, Service>>
  networks: Readonly<Record<string, Readonly<{ internal?: boolean }>>>
  volumes: Readonly<Record<string, null>>
}>

export const composeText = (): string => read('docker-compose.yml')
export const readCompose = (): Compose => parse(composeText(), { merge: true }) as Compose

/** A text of docker-compose.yml as a container gets it, with these variables set. */
export const interpolate = (text: string, given: Readonly<Record<string, string>>): string =>
  text
    .replaceAll(/\$\{(\w+):[?-]([^}]*)\}/g, (whole, name: string, otherwise: string) => {
      return given[name] ?? (whole.includes(':?') ? whole : otherwise)
    })
    .replaceAll('$$', '$')
