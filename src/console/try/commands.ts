import type { AskedCommand } from '../../../domain/dispatch/command.ts'

/** The same command as somebody else would send it. Each text is for copying, so each is whole. */
export const COMMAND_FORMS = ['curl', 'CLI', 'TypeScript'] as const
export type CommandForm = (typeof COMMAND_FORMS)[number]

/** What is sent: an occurrence that is empty is left out, which means the same. */
export function bodyOf({ occurrence, ...command }: AskedCommand): object {
  const { mode, ...identity } = command
  return { ...identity, ...(occurrence === '' ? {} : { occurrence }), mode }
}

export function commandText(form: CommandForm, command: AskedCommand, url: string): string {
  switch (form) {
    case 'curl':
      return curl(command, url)
    case 'CLI':
      return cli(command)
    case 'TypeScript':
      return typescript(command, url)
  }
}

const curl = (command: AskedCommand, url: string): string =>
  [
    `curl -sS ${shellQuoted(`${url}/v1/dispatches`)} \\`,
    '  -H "Authorization: Bearer $LEDGER_KEY" \\',
    "  -H 'Content-Type: application/json' \\",
    `  --data-raw ${shellQuoted(JSON.stringify(bodyOf(command)))}`,
  ].join('\n')

// printf and not echo: some shells read the backslashes of JSON in what they echo.
const cli = (command: AskedCommand): string =>
  [
    `printf '%s' ${shellQuoted(JSON.stringify(bodyOf(command)))} \\`,
    '  | dispatch-ledger dispatch -',
  ].join('\n')

const typescript = (command: AskedCommand, url: string): string =>
  `import { connect } from 'dispatch-ledger/client'

const ledger = connect({ url: ${JSON.stringify(url)}, key: process.env['LEDGER_KEY'] ?? '' })
const answer = await ledger.dispatch(${JSON.stringify(bodyOf(command), null, 2)})
if (answer.outcome === 'refused') console.error(answer.code, answer.whoMustAct)
`

/** One word for a POSIX shell, whatever is in it: nothing is special within single quotes but themselves. */
export const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
