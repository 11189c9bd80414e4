/** Freezes a value and all that it leads to by own properties, functions among them. */
export function deepFreeze(value: unknown): void {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return
  if (Object.isFrozen(value)) return
  Object.freeze(value)
  for (const { value: member } of Object.values(Object.getOwnPropertyDescriptors(value)))
    deepFreeze(member)
}

/**
 * Makes a function of the engine the same for every run.
 *
 * An expression can reach its definition and, with the transform operator, write to it:
 * `{} ~> |$sum|{ "implementation": $count }|`. The engine itself notes in `token` and `position`
 * who called last, which the next run could read: these take anything and remember nothing.
 */
export function sealDefinition(definition: object): void {
  const forgetful = { get: () => undefined, set: () => undefined, enumerable: false }
  Object.defineProperties(definition, { token: forgetful, position: forgetful })
  deepFreeze(definition)
}
