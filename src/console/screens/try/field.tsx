import type { ComponentChild } from 'preact'
import { useId, useState } from 'preact/hooks'
import type { Json, JsonObject } from '../../../../domain/json.ts'
import { isObject } from '../../../../domain/json.ts'
import { Icon } from '../../parts/icon.tsx'
import { type Field, type Form, othersOf, readValue, showValue } from '../../try/form.ts'
import { readJson } from '../../try/json-text.ts'

type Labelled = Readonly<{
  label: string
  says: string
  hint?: ComponentChild
  wrong: string | null
  children: (attributes: Attributes) => ComponentChild
}>
type Attributes = Readonly<{ id: string; 'aria-invalid': boolean; 'aria-describedby': string }>

/** A control with its label, what is wrong with it, and what it is for. */
export function LabelledField({ label, says, hint, wrong, children }: Labelled) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>
        {label}
        <small>{says}</small>
      </label>
      {children({ id, 'aria-invalid': wrong !== null, 'aria-describedby': `${id}-says` })}
      <span id={`${id}-says`} class="stack tight">
        {wrong !== null && (
          <span class="wrong">
            <Icon name="warn" small />
            {wrong}
          </span>
        )}
        {hint !== null && hint !== undefined && <span class="hint">{hint}</span>}
      </span>
    </div>
  )
}

type Typed = Readonly<{
  field: Field
  value: Json | undefined
  wrong: string | null
  change(value: Json | undefined): void
}>

const same = (a: Json | undefined, b: Json | undefined): boolean =>
  JSON.stringify(a) === JSON.stringify(b)

/** One param. What is typed stays as it is typed, as long as it stands for the value. */
export function ParamField({ field, value, wrong, change }: Typed) {
  const [typed, setTyped] = useState(() => showValue(field, value))
  // As it was at first: a field that changed its kind or size while somebody types would lose them.
  const [isLong] = useState(() => hasLongText(field, typed))
  const [rows] = useState(() => rowsFor(typed))
  const text = same(readValue(field, typed), value) ? typed : showValue(field, value)
  const onInput = (event: { currentTarget: { value: string } }): void => {
    setTyped(event.currentTarget.value)
    change(readValue(field, event.currentTarget.value))
  }
  const { label, says, hint, kind, isRequired } = field
  return (
    <LabelledField label={label} says={says} hint={hint} wrong={wrong}>
      {(attributes) => {
        const all = { ...attributes, value: text, 'aria-required': isRequired, onInput }
        if (kind === 'choice') return <Choices field={field} value={value} attributes={all} />
        if (isLong) return <textarea {...all} class="mono" rows={rows} spellcheck={false} />
        const inputMode = kind === 'number' ? 'decimal' : 'text'
        return <input {...all} class="input" spellcheck={false} inputMode={inputMode} />
      }}
    </LabelledField>
  )
}

const [ROWS_MIN, ROWS_MAX] = [2, 12]

const rowsFor = (text: string): number =>
  Math.min(ROWS_MAX, Math.max(ROWS_MIN, text.split('\n').length))

const LONG = 80
const VERY_LONG = 1_000

const hasLongText = ({ kind, schema }: Field, text: string): boolean =>
  kind === 'json' ||
  (kind === 'text' &&
    (text.length > LONG || text.includes('\n') || Number(schema['maxLength'] ?? 0) > VERY_LONG))

type Choosing = Readonly<{
  field: Field
  value: Json | undefined
  attributes: Attributes &
    Readonly<{ value: string; onInput(event: { currentTarget: { value: string } }): void }>
}>

function Choices({ field, value, attributes }: Choosing) {
  const { choices, isRequired } = field
  const isListed = value === undefined || choices.some((it) => same(it, value))
  const shown = isListed ? choices : [...choices, value]
  return (
    <select {...attributes}>
      <option value="">{isRequired ? 'Choose one' : 'Left out'}</option>
      {shown.map((it) => (
        <option key={JSON.stringify(it)} value={JSON.stringify(it)}>
          {typeof it === 'string' ? it : JSON.stringify(it)}
        </option>
      ))}
    </select>
  )
}

type Others = Readonly<{
  form: Form
  params: JsonObject
  wrong: string | null
  change(others: JsonObject): void
}>

/** Members that the schema gives no field, as one JSON object. */
export function OtherParams({ form, params, wrong, change }: Others) {
  const others = othersOf(form, params)
  const show = (): string => (same(others, {}) ? '' : JSON.stringify(others, null, 2))
  const [typed, setTyped] = useState(show)
  const [rows] = useState(() => rowsFor(typed))
  const read = readOthers(form, typed)
  const text = same(read.others, others) ? typed : show()
  return (
    <LabelledField
      label={form.fields.length === 0 ? 'Params' : 'More params'}
      says="object, as JSON"
      wrong={text === typed && read.wrong !== null ? read.wrong : wrong}
    >
      {(attributes) => (
        <textarea
          {...attributes}
          class="mono"
          rows={rows}
          spellcheck={false}
          value={text}
          onInput={(event) => {
            setTyped(event.currentTarget.value)
            change(readOthers(form, event.currentTarget.value).others)
          }}
        />
      )}
    </LabelledField>
  )
}

function readOthers(
  form: Form,
  text: string,
): Readonly<{ others: JsonObject; wrong: string | null }> {
  if (text.trim() === '') return { others: {}, wrong: null }
  const read = readJson(text)
  if (!read.ok) return { others: {}, wrong: `${read.wrong}; it is not sent` }
  if (!isObject(read.value)) return { others: {}, wrong: 'This is not an object; it is not sent' }
  const others = othersOf(form, read.value)
  const twice = Object.keys(read.value).find((name) => !Object.hasOwn(others, name))
  const wrong = twice === undefined ? null : `"${twice}" has a field of its own above`
  return { others, wrong }
}
