import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocketServer } from 'ws'
import type { Clock } from '../lib/clock.ts'
import { Connection } from './connection.ts'
import type { Close } from './deed.ts'
import { greet, type Greeting } from './handshake.ts'
import type { InFlight } from './in-flight.ts'
import type { Memory } from './memory.ts'
import { perform } from './perform.ts'
import type { ReceivedLog } from './received.ts'
import { split } from './route.ts'
import { SocketShell } from './socket-shell.ts'

export interface SocketsOptions {
  readonly memory: Memory
  readonly log: ReceivedLog
  readonly inFlight: InFlight
  readonly clock: Clock
  readonly frameBytesMax: number
}

type Accepted = Extract<Greeting, { kind: 'accept' }>

/** The WebSocket connections of a simulator, from their handshakes on. */
export class Sockets {
  readonly #options: SocketsOptions
  readonly #server: WebSocketServer
  readonly #greetings = new WeakMap<IncomingMessage, Accepted>()
  readonly #shells = new Set<SocketShell>()
  /** Those that were upgraded, served or refused: the HTTP server knows of them no more. */
  readonly #sockets = new Set<Socket>()
  #count = 0

  constructor(options: SocketsOptions) {
    this.#options = options
    this.#server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: options.frameBytesMax })
    this.#server.on('headers', (lines: string[], request: IncomingMessage) => lines.push(...linesOf(this.#greetings.get(request))))
  }

  upgrade(request: IncomingMessage, head: Buffer): void {
    const { clock, memory, log } = this.#options
    const { socket } = request
    this.#sockets.add(socket)
    socket.on('error', ignore)
    socket.once('close', () => this.#sockets.delete(socket))
    const asked = { method: 'GET', path: request.url ?? '/', headers: request.headers, body: Buffer.alloc(0), nowMs: clock.now() }
    const greeting = greet(asked, memory)
    const note = { ...asked, kind: 'handshake', atMs: asked.nowMs, lane: null, key: greeting.key } as const
    if (greeting.kind === 'refuse') {
      const { head: answered, faults } = greeting.scripted
      log.add({ ...note, connection: null })({ status: answered?.status ?? null, faults, dialogue: null })
      return this.#refuse(request, greeting)
    }
    const number = ++this.#count
    log.add({ ...note, connection: number })({ status: 101, faults: greeting.faults, dialogue: null })
    const accept = () => this.#accept(request, head, { greeting, number })
    if (greeting.afterMs === 0) accept()
    else this.#delay(socket, greeting.afterMs, accept)
  }

  /** How many connections of this key are open. */
  open(key: string): number {
    return this.#of(key).length
  }

  /** Closes the connections of a key, now. */
  close(key: string, close: Close): void {
    for (const shell of this.#of(key)) shell.close(close)
  }

  /** Breaks everything off. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(request: IncomingMessage, head: Buffer, { greeting, number }: { readonly greeting: Accepted; readonly number: number }): void {
    const { memory, log, clock, inFlight } = this.#options
    const { socket } = request
    if (socket.destroyed) return
    this.#greetings.set(request, greeting)
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const { key, connectionMs } = greeting
      const connection = new Connection({ key, number, path: request.url ?? '/', headers: request.headers, memory, log })
      const shell = new SocketShell({ webSocket, socket, connection, connectionMs, memory, clock, inFlight })
      this.#shells.add(shell)
      webSocket.once('close', () => this.#shells.delete(shell))
    })
  }

  /** Until then the client has nothing to say; when it leaves, that is seen. */
  #delay(socket: Socket, afterMs: number, accept: () => void): void {
    const leave = () => socket.destroy()
    const cancel = this.#options.clock.after(afterMs, () => {
      socket.off('data', leave).off('end', leave)
      accept()
    })
    socket.on('data', leave).on('end', leave).once('close', cancel)
  }

  /** Answers as over HTTP, and ends the connection. */
  #refuse(request: IncomingMessage, { scripted }: Extract<Greeting, { kind: 'refuse' }>): void {
    const { socket } = request
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    response.once('finish', () => socket.destroySoon())
    socket.once('end', () => socket.destroy())
    socket.resume()
    perform(scripted, response, this.#options.clock)
  }

  #of(key: string): readonly SocketShell[] {
    return [...this.#shells].filter((shell) => shell.connection.key === key)
  }
}

/** Whether a request is the handshake of a WebSocket; anything else is answered as if it had asked for no upgrade. */
export function isHandshake(request: IncomingMessage): boolean {
  return request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket' && split(request.url ?? '/').path === '/responses'
}

/** The headers that go with the 101. */
function linesOf(greeting: Accepted | undefined): readonly string[] {
  if (greeting === undefined) return []
  return Object.entries(greeting.headers).flatMap(([name, value]) => (typeof value === 'string' ? [value] : value).map((one) => `${name}: ${one}`))
}

const ignore = () => {}
