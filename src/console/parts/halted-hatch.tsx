const ID = 'hatch-halted'

/** Fills a time in which a scope was HALTED, in a drawing that holds `HaltedHatch`. */
export const HALTED_HATCH = `url(#${ID})`

export function HaltedHatch() {
  return (
    <defs>
      <pattern
        id={ID}
        width="6"
        height="6"
        patternUnits="userSpaceOnUse"
        patternTransform="rotate(45)"
      >
        <rect class="hatch-ground" width="6" height="6" />
        <path class="hatch-refused" d="M0 0V6" stroke-width="5" />
      </pattern>
    </defs>
  )
}
