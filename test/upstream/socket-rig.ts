import { holdsFromBytes } from '../../src/upstream/lane-body.ts'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, LookupFunction, Socket } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Account } from '../../src/core/account.ts'
import type { AccountId } from '../../src/core/ids.ts'
import type { FrameCall, FrameText, SessionSockets, SocketListener, Stray } from '../../src/ports/sockets.ts'
import type { AnswerBody, AnswerReader, Sent } from '../../src/ports/transport.ts'
import { websocketSockets, type WebSockets } from '../../src/upstream/sockets.ts'
import { testCertificate, testKey } from './certificate.ts'
import { account, answerOf, eventually, Rig } from './rig.ts'

/** One WebSocket as the upstream has it. */
export class UpstreamEnd {
  readonly frames: string[] = []
  readonly request: IncomingMessage
  readonly ws: WebSocket
  readonly wire: Socket
  pings = 0
  /** Code of the close that came; null: open. */
  closed: number | null = null

  constructor(ws: WebSocket, request: IncomingMessage) {
    this.ws = ws
    this.request = request
    this.wire = request.socket
    ws.on('message', (data) => this.frames.push((data as Buffer).toString()))
    ws.on('ping', () => this.pings++)
    ws.on('close', (code) => (this.closed = code))
    ws.on('error', () => {})
  }

  say(...events: object[]): void {
    for (const event of events) this.ws.send(JSON.stringify(event))
  }

  async heard(count: number): Promise<readonly string[]> {
    await eventually(() => this.frames.length >= count)
    return this.frames
  }

  async gone(): Promise<number | null> {
    await eventually(() => this.closed !== null)
    return this.closed
  }
}

export interface UpstreamStub {
  readonly port: number
  readonly ends: readonly UpstreamEnd[]
  /** Requests for an upgrade, granted or not. */
  readonly asked: readonly IncomingMessage[]
  end(at: number): Promise<UpstreamEnd>
  /** TCP connections that are open. */
  open(): number
}

/** What happens to an upgrade instead of a WebSocket; null: it becomes one. */
type Upgrade = (request: IncomingMessage, socket: Socket, at: number) => void | null

export class SocketRig extends Rig {
  readonly strays: (Stray & { readonly reading: Reading })[] = []
  readonly loose: string[] = []
  sockets: WebSockets | null = null

  async upstream(
    manner: { readonly upgrade?: Upgrade; readonly headers?: readonly string[]; readonly tls?: true; readonly autoPong?: boolean } = {},
  ): Promise<UpstreamStub> {
    const server = manner.tls ? createHttpsServer({ key: testKey, cert: testCertificate }) : createServer()
    const granter = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 * 1024, autoPong: manner.autoPong ?? true })
    granter.on('headers', (headers) => headers.push(...(manner.headers ?? [])))
    const ends: UpstreamEnd[] = []
    const asked: IncomingMessage[] = []
    server.on('upgrade', (request, socket, head) => {
      asked.push(request)
      if (manner.upgrade !== undefined && manner.upgrade(request, socket as Socket, asked.length - 1) !== null) {
        // node reads no more of it, and so would not see its end.
        socket.on('end', () => socket.end()).resume()
        return
      }
      granter.handleUpgrade(request, socket, head, (ws) => ends.push(new UpstreamEnd(ws, request)))
    })
    const port = await this.#listenOn(server)
    const connections = this.#connections.get(server) ?? new Set()
    const end = async (at: number) => {
      await eventually(() => ends.length > at)
      return ends[at] as UpstreamEnd
    }
    return { port, ends, asked, end, open: () => connections.size }
  }

  /** A session's sockets, whose strays are read at once and whose loose frames are kept. */
  session(settings: { readonly names?: LookupFunction; readonly listener?: Partial<SocketListener> } = {}): SessionSockets {
    const { names, listener } = settings
    this.sockets ??= websocketSockets({ clock: this.clock, ...(names !== undefined && { names }) })
    return this.sockets.session({
      stray: (stray) => this.strays.push({ ...stray, reading: reading(stray.body) }),
      loose: (frame) => this.loose.push(frame.toString()),
      ...listener,
    })
  }

  override async close(): Promise<void> {
    this.sockets?.close()
    await super.close()
  }

  readonly #connections = new WeakMap<Server, Set<Socket>>()

  async #listenOn(server: Server): Promise<number> {
    const connections = new Set<Socket>()
    this.#connections.set(server, connections)
    server.on('connection', (socket: Socket) => {
      connections.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => connections.delete(socket))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const close = () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        for (const socket of connections) socket.destroy()
      })
    this.add({ close })
    return (server.address() as AddressInfo).port
  }
}

/** What a reader of a body has come to know. */
export class Reading implements AnswerReader {
  readonly frames: string[] = []
  bytes = 0
  how: string | null = null
  closed: 'open' | 'closed' = 'open'

  chunk(bytes: Buffer): void {
    this.bytes += bytes.length
    if (bytes.length < 10_000) this.frames.push(bytes.toString())
    else this.frames.push(`${bytes.length} bytes`)
  }

  end(): void {
    this.how = 'end'
  }

  broken(detail: string): void {
    this.how = `broken: ${detail}`
  }

  get types(): readonly string[] {
    return this.frames.map((frame) => (frame.startsWith('{') ? (JSON.parse(frame) as { readonly type: string }).type : frame))
  }

  async over(): Promise<string> {
    await eventually(() => this.how !== null)
    return this.how ?? ''
  }
}

export function reading(body: AnswerBody): Reading {
  const read = new Reading()
  void body.closed.then(() => (read.closed = 'closed'))
  body.read(read)
  return read
}

export function readingOf(sent: Sent): Reading {
  return reading(answerOf(sent).body)
}

export function text(...pieces: string[]): FrameText {
  const buffers = pieces.map((piece) => Buffer.from(piece))
  return { pieces: buffers, bytes: buffers.reduce((sum, piece) => sum + piece.length, 0) }
}

export function accountAt(port: number, more: Partial<Account> = {}): Account {
  return account(`http://127.0.0.1:${port}/v1`, more)
}

/** A turn for `of`; what is not said is small and harmless. */
export function frameCall(of: Account, more: Partial<FrameCall> = {}): FrameCall {
  return {
    account: of,
    credential: { kind: 'api_key', apiKey: 'sk-upstream' },
    path: '/responses',
    clientHeaders: {},
    omit: [],
    lane: '',
    frame: text('{"type":"response.create"}'),
    continues: null,
    preamble: null,
    connectMs: 10_000,
    handshakeMs: 15_000,
    frameBytesMax: 32 * 1024 * 1024,
    signal: new AbortController().signal,
    ...more,
  }
}

/** Whether the session has an open socket to the account, by the answer to a frame that is passed on. */
export function isOpen(session: SessionSockets, { id }: Pick<Account, 'id'>): boolean {
  return session.forward(id, text('{}'))
}

export const idOf = (name: string) => name as AccountId

/** Events of an answer, on a lane where one is named. */
export function events(id: string, lane = ''): Record<'created' | 'delta' | 'large' | 'completed' | 'incomplete' | 'failed', object> {
  const on = lane === '' ? {} : { stream_id: lane }
  return {
    created: { type: 'response.created', response: { id }, ...on },
    delta: { type: 'response.output_text.delta', delta: `of ${id}`, ...on },
    large: { type: 'response.output_text.delta', delta: 'x'.repeat(holdsFromBytes), ...on },
    completed: { type: 'response.completed', response: { id }, ...on },
    incomplete: { type: 'response.incomplete', response: { id }, ...on },
    failed: { type: 'response.failed', response: { id }, ...on },
  }
}
