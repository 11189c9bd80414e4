import { switchReport } from '../../status.ts'
import { type ContractKind, scopesToChoose } from '../../switch/scopes.ts'

const OTHER = 'other'

type Field = Readonly<{
  scope: string
  contracts: readonly ContractKind[]
  choose: (scope: string) => void
}>

/** A scope of those that are known, or any that the server may know. */
export function ScopeField({ scope, contracts, choose }: Field) {
  const groups = scopesToChoose(Object.keys(switchReport.value?.scopes ?? {}), contracts)
  const isListed = groups.some(({ scopes }) => scopes.includes(scope))
  return (
    <div class="field">
      <label for="scope">Scope</label>
      <select
        id="scope"
        value={isListed ? scope : OTHER}
        onChange={({ currentTarget: { value } }) => choose(value === OTHER ? '' : value)}
      >
        {groups.map(({ title, scopes }) => (
          <optgroup key={title} label={title}>
            {scopes.map((it) => (
              <option key={it} value={it}>
                {it}
              </option>
            ))}
          </optgroup>
        ))}
        <option value={OTHER}>another scope …</option>
      </select>
      {!isListed && (
        <input
          class="input mono"
          aria-label="Scope, as text"
          placeholder="executor:<type> or contract:<id>"
          autocomplete="off"
          spellcheck={false}
          required
          value={scope}
          onInput={(event) => choose(event.currentTarget.value.trim())}
        />
      )}
    </div>
  )
}
