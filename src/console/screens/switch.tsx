export function SwitchScreen() {
  return <h1>Switch</h1>
}
