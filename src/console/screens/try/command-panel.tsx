import { useState } from 'preact/hooks'
import type { AskedCommand } from '../../../../domain/dispatch/command.ts'
import { CopyButton } from '../../parts/copy.tsx'
import { Panel } from '../../parts/panel.tsx'
import { COMMAND_FORMS, type CommandForm, commandText } from '../../try/commands.ts'
import { LongText } from './long-text.tsx'

/** The same command for somebody else to send. */
export function CommandPanel({ command }: Readonly<{ command: AskedCommand }>) {
  const [form, setForm] = useState<CommandForm>('curl')
  const text = commandText(form, command, location.origin)
  const note = (
    <span class="inline">
      <span class="segmented" role="group" aria-label="Written for">
        {COMMAND_FORMS.map((it) => (
          <button type="button" key={it} aria-pressed={it === form} onClick={() => setForm(it)}>
            {it}
          </button>
        ))}
      </span>
      <CopyButton text={text} what="the command" />
    </span>
  )
  return (
    <Panel title="As a command" note={note}>
      <LongText text={text} label={`The command for ${form}`} />
    </Panel>
  )
}
