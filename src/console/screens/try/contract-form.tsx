import { type ContractBody, OCCURRENCE_PATTERN } from '../../../../domain/control/manifest.ts'
import type { DispatchCommand } from '../../../../domain/dispatch/command.ts'
import { isWithinAny, parseNamespace } from '../../../../domain/namespace.ts'
import { me } from '../../session.ts'
import { type Listed, referenceOf, type Shelf } from '../../try/catalogue.ts'
import type { Draft } from '../../try/draft.ts'
import {
  type Form,
  type ParamsError,
  serverSays,
  serverSaysElsewhere,
  whyWrong,
  withOthers,
  withValue,
} from '../../try/form.ts'
import { LabelledField, OtherParams, ParamField } from './field.tsx'

type Filling = Readonly<{
  shelf: Shelf
  listed: Listed
  contract: ContractBody
  form: Form
  targets: readonly string[]
  command: DispatchCommand
  /** What the server found wrong with these very params. */
  errors: readonly ParamsError[]
  change(changes: Partial<Draft>): void
  pick(contract: string): void
}>

/** The command, field by field. What is wrong is said and can be sent all the same. */
export function ContractForm(filling: Filling) {
  const { form, command, errors, change } = filling
  const { params } = command
  return (
    <div class="panel-body stack">
      <VersionAndTarget {...filling} />
      <GoldenCases {...filling} />
      {form.fields.map((field) => {
        const value = Object.hasOwn(params, field.name) ? params[field.name] : undefined
        return (
          <ParamField
            key={field.name}
            field={field}
            value={value}
            wrong={whyWrong(field, value) ?? serverSays(field, errors)}
            change={(next) => change({ params: withValue(params, field.name, next) })}
          />
        )
      })}
      <MoreParams {...filling} />
      <WhereAndWhich command={command} change={change} />
    </div>
  )
}

function MoreParams({ form, command: { params }, errors, change }: Filling) {
  const hasOthers = Object.keys(params).some((name) => form.fields.every((it) => it.name !== name))
  if (form.isOpen || hasOthers) {
    return (
      <OtherParams
        form={form}
        params={params}
        wrong={serverSaysElsewhere(form, errors)}
        change={(others) => change({ params: withOthers(form, params, others) })}
      />
    )
  }
  return form.fields.length > 0 ? null : <p class="muted">This contract takes no params.</p>
}

function VersionAndTarget({ shelf, listed, contract, targets, command, change, pick }: Filling) {
  const { target } = command
  const options = targets.includes(target) || target === '' ? targets : [...targets, target]
  const wrong = targets.includes(target) ? null : `No target of the catalogue fits here`
  return (
    <>
      {shelf.versions.length > 1 && (
        <LabelledField label="Version" says="newest first" wrong={null}>
          {(attributes) => (
            <select
              {...attributes}
              value={referenceOf(listed)}
              onInput={(event) => pick(event.currentTarget.value)}
            >
              {shelf.versions.map((it) => (
                <option key={it.version} value={referenceOf(it)}>
                  {it.version}
                  {it.retired ? ', retired' : ''}
                </option>
              ))}
            </select>
          )}
        </LabelledField>
      )}
      {listed.retired && <p class="muted">This version is retired: a new dispatch is refused.</p>}
      <LabelledField label="Target" says={contract.targets} wrong={wrong}>
        {(attributes) =>
          options.length > 0 ? (
            <select
              {...attributes}
              value={target}
              onInput={(event) => change({ target: event.currentTarget.value })}
            >
              {options.map((id) => (
                <option key={id}>{id}</option>
              ))}
            </select>
          ) : (
            <input
              {...attributes}
              class="input mono"
              spellcheck={false}
              value={target}
              onInput={(event) => change({ target: event.currentTarget.value })}
            />
          )
        }
      </LabelledField>
    </>
  )
}

/** The golden cases of a contract are params that are known to work. */
function GoldenCases({ contract, command, change }: Filling) {
  const cases = contract.baseline ?? []
  if (cases.length === 0) return null
  const now = JSON.stringify(command.params)
  const at = cases.findIndex((it) => JSON.stringify(it.params) === now)
  return (
    <LabelledField label="Golden case" says="fills in its params" wrong={null}>
      {(attributes) => (
        <select
          {...attributes}
          value={String(at)}
          onInput={(event) => {
            const golden = cases[Number(event.currentTarget.value)]
            if (golden !== undefined) change({ params: golden.params })
          }}
        >
          {at === -1 && <option value="-1">None, params of your own</option>}
          {cases.map(({ name }, index) => (
            <option key={name} value={String(index)}>
              {name}
            </option>
          ))}
        </select>
      )}
    </LabelledField>
  )
}

function WhereAndWhich({ command, change }: Pick<Filling, 'command' | 'change'>) {
  const { outputNamespace, occurrence } = command
  const isSound = OCCURRENCE_PATTERN.test(occurrence)
  return (
    <>
      <LabelledField
        label="Output namespace"
        says="DRYRUN-NS:"
        wrong={whyNoNamespace(outputNamespace)}
      >
        {(attributes) => (
          <input
            {...attributes}
            class="input mono"
            spellcheck={false}
            value={outputNamespace}
            onInput={(event) => change({ namespace: event.currentTarget.value })}
          />
        )}
      </LabelledField>
      <LabelledField
        label="Occurrence"
        says="empty = the same command for ever"
        wrong={isSound ? null : 'At most 64 of letters, digits, dot, dash, colon and underscore'}
      >
        {(attributes) => (
          <input
            {...attributes}
            class="input mono"
            spellcheck={false}
            placeholder="a new one asks for a new run"
            value={occurrence}
            onInput={(event) => change({ occurrence: event.currentTarget.value })}
          />
        )}
      </LabelledField>
    </>
  )
}

function whyNoNamespace(text: string): string | null {
  const parsed = parseNamespace(text)
  if (!parsed.ok) {
    return parsed.code === 'namespace-production'
      ? 'Must start with DRYRUN-NS:, or it is refused'
      : 'One to eight segments of a-z, 0-9, dot, dash and underscore, between slashes'
  }
  const prefixes = me.value?.namespacePrefixes ?? []
  const mayUse = isWithinAny(
    text,
    prefixes.flatMap((it) => {
      const prefix = parseNamespace(it)
      return prefix.ok ? [prefix.segments] : []
    }),
  )
  return mayUse ? null : `This key may write below ${prefixes.join(', ')} alone`
}
