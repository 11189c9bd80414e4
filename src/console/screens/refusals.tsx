export function RefusalsScreen() {
  return <h1>Refusals</h1>
}
