import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import serverFeaturesServices from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import serverFeatures, {
  type SupportedMethods,
} from '@eventstore/db-client/generated/serverfeatures_pb.js'
import streamsServices, {
  type IStreamsServer,
} from '@eventstore/db-client/generated/streams_grpc_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import { appendAlone, batchAppend, remove } from './fake-eventstoredb/appends.ts'
import { type Counts, isTakenUp, type Serving, soundness } from './fake-eventstoredb/faults.ts'
import { grpc } from './fake-eventstoredb/grpc.ts'
import { createServerLog, foreignEvent } from './fake-eventstoredb/log.ts'
import { createSubscriptions, read, type Subscriptions } from './fake-eventstoredb/reads.ts'

/**
 * A server that speaks with the real client over a real connection, and keeps its log in memory. It
 * takes writes by the rules of EventStoreDB 23.10.6 as they were measured: see
 * test/conformance/eventstoredb-rules.ts, which runs against both.
 */
export type FakeEventStoreDb = {
  readonly url: string
  readonly counts: Readonly<Counts>
  /** How far its clock is ahead of that of the clients. */
  clockAheadMs: number
  /** What it calls itself to a client that connects. */
  serverVersion: string
  stop(): Promise<void>
  /** As after `kill -9`: connections end, new ones are refused, what was committed stays. */
  kill(): Promise<void>
  /** Begins again where it was, on the same port. */
  revive(): Promise<void>
  cutConnections(): void
  /** Live subscriptions end as with a consumer that is too slow. */
  cutSubscriptions(): void
  /** Nothing is answered and nothing cut; pings alone are. */
  beSilent(): void
  /** Everything is done at once, and told so much later. */
  answerLate(byMs: number): void
  /** Appends are committed; instead of an answer the connection ends. */
  loseAnswers(): void
  /** As while it starts. */
  beNotReady(): void
  /** A duplicate that comes so soon after the original is told of a timeout, so late. */
  dropRacingDuplicates(windowMs: number, answerMs: number): void
  /** Ends every fault that lasts. What came in silence is forgotten, or taken up then. */
  heal(waiting?: 'forgotten' | 'taken-up'): void
  /** Events of somebody else; of the server itself in a stream whose name begins with `$`. */
  appendForeign(stream: string, count: number): void
}

export async function startFakeEventStoreDb(): Promise<FakeEventStoreDb> {
  const settings = { clockAheadMs: 0, serverVersion: '23.10.6' }
  const nowMs = (): number => Date.now() + settings.clockAheadMs
  const connections = createConnections()
  const log = createServerLog(nowMs)
  const counts: Counts = { appends: 0, reads: 0, subscriptions: 0 }
  const serving: Serving = {
    log,
    counts,
    faults: soundness(),
    nowMs,
    tellsPositions: () => !/^(20|21|22\.[0-5])\./.test(settings.serverVersion),
    held: [],
    cut: connections.cut,
  }
  const { faults } = serving
  const endSilence = (isTaken: boolean): void => {
    for (const settle of serving.held.splice(0)) settle(isTaken)
  }
  const subscriptions = createSubscriptions(serving)

  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 })
  server.addService(streamsServices.StreamsService, streamsHandlers(serving, subscriptions))
  server.addService(serverFeaturesServices.ServerFeaturesService, {
    async getSupportedMethods(_: unknown, done: (error: null, answer: SupportedMethods) => void) {
      if (await isTakenUp(serving)) done(null, supportedMethods(settings.serverVersion))
    },
  })
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure())
  connections.accept((socket) => injector.injectConnection(socket))
  const port = await connections.listen(0)

  return Object.assign(settings, {
    url: `esdb://127.0.0.1:${port}?tls=false`,
    counts,
    async stop() {
      await connections.close()
      injector.destroy()
      server.forceShutdown()
    },
    async kill() {
      endSilence(false)
      await connections.close()
    },
    async revive() {
      await connections.listen(port)
    },
    cutConnections: () => connections.cutAll(),
    cutSubscriptions: () => subscriptions.cut(),
    beSilent: () => void (faults.silent = true),
    answerLate: (byMs: number) => void (faults.lateMs = byMs),
    loseAnswers: () => void (faults.losesAnswers = true),
    beNotReady: () => void (faults.notReady = true),
    dropRacingDuplicates: (windowMs: number, answerMs: number) =>
      void (faults.racing = { windowMs, answerMs }),
    heal(waiting: 'forgotten' | 'taken-up' = 'forgotten') {
      Object.assign(faults, soundness())
      endSilence(waiting === 'taken-up')
      subscriptions.wake()
    },
    appendForeign(stream: string, count: number) {
      const events = Array.from({ length: count }, (_, n) => foreignEvent('SomethingElse', { n }))
      log.append(stream, 'any', events)
    },
  })
}

function streamsHandlers(
  serving: Serving,
  subscriptions: Subscriptions,
): Pick<IStreamsServer, 'read' | 'append' | 'batchAppend' | 'delete' | 'tombstone'> {
  const removing = async (
    request: Parameters<typeof remove>[1],
    forever: boolean,
    tell: (removed: Exclude<Awaited<ReturnType<typeof remove>>, null>) => void,
  ): Promise<void> => {
    const removed = await remove(serving, request, forever)
    if (removed !== null) tell(removed)
  }
  return {
    read: (call) => void read(serving, subscriptions, call),
    append: (call, done) => appendAlone(serving, call, done),
    batchAppend: (call) => batchAppend(serving, call),
    delete(call, done) {
      void removing(call.request, false, (removed) => {
        if (removed instanceof Error) return done(removed as never)
        const position = new streams.DeleteResp.Position()
        position.setCommitPosition(String(removed)).setPreparePosition(String(removed))
        done(null, new streams.DeleteResp().setPosition(position))
      })
    },
    tombstone(call, done) {
      void removing(call.request, true, (removed) => {
        if (removed instanceof Error) return done(removed as never)
        const position = new streams.TombstoneResp.Position()
        position.setCommitPosition(String(removed)).setPreparePosition(String(removed))
        done(null, new streams.TombstoneResp().setPosition(position))
      })
    },
  }
}

function supportedMethods(version: string): SupportedMethods {
  const methods = ['read', 'append', 'delete', 'tombstone', 'batchappend'].map((name) =>
    new serverFeatures.SupportedMethod()
      .setServiceName('event_store.client.streams.streams')
      .setMethodName(name),
  )
  return new serverFeatures.SupportedMethods()
    .setEventStoreServerVersion(version)
    .setMethodsList(methods)
}

/** A port of our own before the server of the library: it then can be closed and opened again. */
function createConnections() {
  const open = new Map<string, Socket>()
  const listener = createServer({ noDelay: true })
  const cut = (socket: Socket): void => void socket.resetAndDestroy()
  listener.on('connection', (socket) => {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`
    open.set(peer, socket)
    socket.on('close', () => open.delete(peer)).on('error', () => undefined)
  })
  return {
    accept: (take: (socket: Socket) => void) => void listener.on('connection', take),
    async listen(port: number): Promise<number> {
      listener.listen(port, '127.0.0.1')
      await once(listener, 'listening')
      return (listener.address() as AddressInfo).port
    },
    cut: (peer: string): void => {
      const socket = open.get(peer)
      if (socket !== undefined) cut(socket)
    },
    cutAll: () => [...open.values()].forEach(cut),
    async close(): Promise<void> {
      const closed = listener.listening ? once(listener, 'close') : undefined
      listener.close()
      for (const socket of open.values()) cut(socket)
      await closed
    },
  }
}
