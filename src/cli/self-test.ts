import { EXIT, exitOf } from './exit.ts'
import { type CommonOptions, openSession, print } from './session.ts'

type Tested = Readonly<{
  fired: number
  of: number
  controls: readonly Readonly<{
    gate: string
    rule: number
    code: string
    fired: boolean
    alone: boolean
    answered: string
  }>[]
}>

/** Shows every gate of the server what it must refuse; exit 1 when one does not refuse it. */
export async function selfTest(options: CommonOptions): Promise<number> {
  const answer = await openSession(options).request('POST', '/v1/self-test')
  print(options, answer, show)
  if (answer.status >= 300) return exitOf(answer)
  const { fired, of } = answer.body as Tested
  return fired === of && of > 0 ? EXIT.yes : EXIT.no
}

const show = ({ fired, of, controls }: Tested): string =>
  [...controls.map(showControl), `${fired}/${of} negative controls fired`].join('\n')

function showControl({ gate, rule, code, fired, alone, answered }: Tested['controls'][number]) {
  const silent = alone ? `the server answered ${answered}` : 'the gate let its control pass'
  const says = fired ? `refuses with ${code}` : `SILENT: it must refuse with ${code}; ${silent}`
  return `  ${fired ? '✓' : '✗'} ${gate.padEnd(12)} rule ${rule}  ${says}`
}
