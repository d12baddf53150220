import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type LookupFunction, type Server, type Socket } from 'node:net'
import type { Account } from '../../src/core/account.ts'
import type { AccountId } from '../../src/core/ids.ts'
import { parseMapping } from '../../src/core/model.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { AnswerBody, Call, Sent } from '../../src/ports/transport.ts'
import { httpTransport, type HttpTransport } from '../../src/upstream/http.ts'
import { settled, VirtualClock } from '../support/virtual-clock.ts'
import { testCertificate, testKey } from './certificate.ts'

/** A server on loopback that stands for an upstream. */
export interface TinyServer {
  readonly port: number
  /** Connections ever made to it. */
  connections(): number
  /** Connections open now. */
  open(): number
  /** Resolves when `count` connections have been made. */
  connected(count: number): Promise<void>
}

/** Everything that one test opens, closed together. */
export class Rig {
  readonly clock = new VirtualClock()
  readonly #closing: (() => Promise<void> | void)[] = []

  transport(names?: LookupFunction, clock: Clock = this.clock): HttpTransport {
    const transport = httpTransport({ clock, ...(names !== undefined && { names }) })
    this.#closing.unshift(() => transport.close())
    return transport
  }

  http(listener: RequestListener): Promise<TinyServer> {
    return this.#listen(createHttpServer({ keepAliveTimeout: 60_000 }, listener))
  }

  https(listener: RequestListener): Promise<TinyServer> {
    return this.#listen(createHttpsServer({ key: testKey, cert: testCertificate, keepAliveTimeout: 60_000 }, listener))
  }

  tcp(listener: (socket: Socket) => void): Promise<TinyServer> {
    return this.#listen(createTcpServer(listener))
  }

  /** Has `close` called when the test is over. */
  add<T extends { close(): Promise<void> }>(what: T): T {
    this.#closing.push(() => what.close())
    return what
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close()
  }

  async #listen(server: Server): Promise<TinyServer> {
    const sockets = new Set<Socket>()
    const waiting: (() => void)[] = []
    let connections = 0
    server.on('connection', (socket: Socket) => {
      connections++
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
      for (const look of waiting) look()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#closing.push(
      () =>
        new Promise((resolve) => {
          server.close(() => resolve())
          for (const socket of sockets) socket.destroy()
        }),
    )
    return {
      port: (server.address() as AddressInfo).port,
      connections: () => connections,
      open: () => sockets.size,
      connected: (count) =>
        new Promise((resolve) => {
          const look = () => connections >= count && resolve()
          waiting.push(look)
          look()
        }),
    }
  }
}

export function account(baseUrl: string, more: Partial<Account> = {}): Account {
  return {
    id: 'main' as AccountId,
    upstream: 'simulator',
    dialects: ['responses', 'chat', 'messages'],
    baseUrl,
    credentialKind: 'api_key',
    generation: 'g1',
    mapping: parseMapping({}, false),
    priority: 10,
    weight: 1,
    concurrency: 4,
    filterTo: null,
    websocket: 'auto',
    allowPrivate: false,
    proxy: null,
    ...more,
  }
}

/** A call of `account`; what is not said is small and harmless. */
export function callOf(of: Account, more: Partial<Call> = {}): Call {
  return {
    account: of,
    credential: { kind: 'api_key', apiKey: 'sk-upstream' },
    method: 'POST',
    path: '/responses',
    clientHeaders: {},
    omit: [],
    body: body('{}'),
    connectMs: 10_000,
    headMs: 60_000,
    signal: new AbortController().signal,
    ...more,
  }
}

export function body(...pieces: (string | Buffer)[]): NonNullable<Call['body']> {
  const buffers = pieces.map((piece) => Buffer.from(piece))
  return { pieces: buffers, bytes: buffers.reduce((sum, piece) => sum + piece.length, 0) }
}

/** The answer; fails the test where there is none. */
export function answerOf(sent: Sent): Extract<Sent, { kind: 'answer' }> {
  if (sent.kind !== 'answer') throw new Error(`no answer but ${JSON.stringify(sent.signal)}`)
  return sent
}

/** The signal; fails the test where there is an answer. */
export function signalOf(sent: Sent): Extract<Sent, { kind: 'signal' }>['signal'] {
  if (sent.kind !== 'signal') throw new Error(`an answer with status ${sent.status}`)
  return sent.signal
}

/** Reads a body to its end, however it ends. */
export function drained(from: AnswerBody): Promise<{ readonly text: string; readonly how: string }> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const done = (how: string) => resolve({ text: Buffer.concat(chunks).toString('utf8'), how })
    from.read({ chunk: (bytes) => chunks.push(bytes), end: () => done('end'), broken: (detail) => done(`broken: ${detail}`) })
  })
}

export async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Names that all lead to `address`. */
export function namesTo(address: string, onLookup: (name: string) => void = () => {}): LookupFunction {
  return (hostname, options, callback) => {
    onLookup(hostname)
    const family = address.includes(':') ? 6 : 4
    setImmediate(() => (options.all === true ? callback(null, [{ address, family }]) : callback(null, address, family)))
  }
}

/** Waits, bounded, for I/O on loopback to bring something about. */
export async function eventually(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 20_000 && !holds(); turn++) await settled()
  if (!holds()) throw new Error('it did not come about')
}

/** Lets I/O on loopback go on for a while: for what must not happen. */
export async function aWhile(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await settled()
}
