import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import codes from '@eventstore/db-client/generated/code_pb.js'
import type { Status } from '@eventstore/db-client/generated/status_pb.js'

/** From where the client has it: the fake then needs no dependency of its own. */
const load = createRequire(createRequire(import.meta.url).resolve('@eventstore/db-client'))

type Metadata = { set(key: string, value: string): void }
type Credentials = Readonly<{ readonly kind: unique symbol }>
type Server = Readonly<{
  addService(definition: object, handlers: object): void
  createConnectionInjector(credentials: Credentials): Readonly<{
    injectConnection(connection: Socket): void
    destroy(): void
  }>
  forceShutdown(): void
}>
type GrpcJs = Readonly<{
  Server: new (options: Readonly<Record<string, number>>) => Server
  ServerCredentials: { createInsecure(): Credentials }
  Metadata: new () => Metadata
}>

export const grpc = load('@grpc/grpc-js') as GrpcJs

type AnyMessage = NonNullable<ReturnType<Status['getDetails']>>
export const { Any } = load('google-protobuf/google/protobuf/any_pb.js') as {
  Any: new () => AnyMessage
}

export type CodeName = keyof typeof codes.Code

export type Failure = Error & Readonly<{ code: number; details: string; metadata: Metadata }>

/** What ends a call. The trailers are what the client reads its kind of error from. */
export function failure(
  code: CodeName,
  details: string,
  trailers: Readonly<Record<string, string>> = {},
): Failure {
  const metadata = new grpc.Metadata()
  for (const [key, value] of Object.entries(trailers)) metadata.set(key, value)
  return Object.assign(new Error(details), { code: codes.Code[code], details, metadata })
}
