export function TryScreen() {
  return <h1>Try</h1>
}
