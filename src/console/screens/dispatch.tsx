export function DispatchScreen({ id }: Readonly<{ id: string }>) {
  return <h1>{id}</h1>
}
