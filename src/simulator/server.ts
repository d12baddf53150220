import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock, systemDice, type Clock, type Dice } from '../lib/clock.ts'
import type { BehaviourSpec } from './behaviour.ts'
import { control, mayControl } from './control.ts'
import { credentialOf } from './caller.ts'
import { closeOf } from './deed.ts'
import { dialects } from './dialects.ts'
import { errorText } from './error.ts'
import { fastScript } from './fast.ts'
import { InFlight } from './in-flight.ts'
import { Memory } from './memory.ts'
import { perform } from './perform.ts'
import { ReceivedLog, type Received } from './received.ts'
import { dialectNameOf } from './route.ts'
import { script } from './script.ts'
import { isHandshake, Sockets } from './sockets.ts'
import type { Scripted } from './stage.ts'
import type { TokenBook } from './token.ts'

export interface SimulatorOptions {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: any free port. */
  readonly port?: number
  readonly clock?: Clock
  readonly dice?: Dice
  /** How keys are treated that have no behaviour of their own. */
  readonly behaviour?: BehaviourSpec
  /** From the API key that is sent as `Authorization: Bearer` or `x-api-key` to its behaviour. */
  readonly keys?: { readonly [key: string]: BehaviourSpec }
  /** Default `serve`; `refuse`: 401 `invalid_api_key`. */
  readonly unknownKeys?: 'serve' | 'refuse'
  /** The largest request body; a larger one gets 413. A larger frame closes its connection with 1009. */
  readonly bodyBytesMax?: number
  /** How much of each body the log keeps. */
  readonly bodyKeptBytesMax?: number
  readonly receivedMax?: number
  /** How much the log keeps of what models had before them, all entries together. */
  readonly dialoguesKeptBytesMax?: number
  readonly storedMax?: number
}

/** A scripted upstream that speaks the Responses API over HTTP and WebSocket, and Chat Completions and Messages over HTTP: realistic answers, and faults on demand. */
export interface Simulator {
  /** The base URL, ending in `/v1`. */
  readonly url: string
  readonly port: number
  /** The last requests, handshakes and frames, oldest first; 1,000 unless told otherwise. Requests to `fast` keys are not in it, but their handshakes are. */
  received(): readonly Received[]
  /** Requests of this key that are being answered now, turns over WebSocket included. */
  inFlight(key: string): number
  /** The most that ever were at once. A request that its client broke off counts until its connection is seen to close. */
  inFlightMax(key: string): number
  /** WebSocket connections of this key that are open. */
  connections(key: string): number
  /** Closes them now. 1005: without a code; 1006: they break. @throws TypeError when nobody can close with this code. */
  closeConnections(key: string, code: number, reason?: string): void
  /** Gives a key this behaviour, whole; open connections obey it from their next turn on; faults start afresh. Null: all keys that have none of their own. */
  set(key: string | null, behaviour: BehaviourSpec): void
  /** As it was at the start: behaviours, stored answers, log, counts. Connections stay open. */
  reset(): void
  /** Sign-ins whose access tokens stand for keys; their refresh tokens are exchanged at `tokenUrl`. */
  readonly tokens: TokenBook
  /** The token endpoint. */
  readonly tokenUrl: string
  /** Cuts what is running. */
  close(): Promise<void>
}

const bodyBytesMax = 64 * 1024 * 1024
const bodyKeptBytesMax = 64 * 1024
const receivedMax = 1_000
const dialoguesKeptBytesMax = 32 * 1024 * 1024

/** Starts a simulator. @throws TypeError when a fault's name is unknown; rejects when it cannot listen. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const shell = new Shell(options)
  await shell.listen(options.host ?? '127.0.0.1', options.port ?? 0)
  return shell
}

class Shell implements Simulator {
  readonly #server: Server
  readonly #clock: Clock
  readonly #memory: Memory
  readonly #log: ReceivedLog
  readonly #inFlight = new InFlight()
  readonly #bodyBytesMax: number
  readonly #sockets: Sockets
  url = ''
  port = 0

  constructor(options: SimulatorOptions) {
    this.#clock = options.clock ?? systemClock
    this.#memory = new Memory({ ...options, dice: options.dice ?? systemDice })
    this.#log = new ReceivedLog({
      entriesMax: options.receivedMax ?? receivedMax,
      bodyKeptMax: options.bodyKeptBytesMax ?? bodyKeptBytesMax,
      dialoguesKeptMax: options.dialoguesKeptBytesMax ?? dialoguesKeptBytesMax,
    })
    this.#bodyBytesMax = options.bodyBytesMax ?? bodyBytesMax
    // An upstream that closes idle connections early would race with the pools of those who test against it.
    const keeping = { keepAliveTimeout: 75_000, requestTimeout: 0, shouldUpgradeCallback: isHandshake }
    this.#server = createServer(keeping, (request, response) => this.#receive(request, response))
    this.#sockets = new Sockets({ memory: this.#memory, log: this.#log, inFlight: this.#inFlight, clock: this.#clock, frameBytesMax: this.#bodyBytesMax })
    this.#server.on('upgrade', (request, _socket, head) => this.#sockets.upgrade(request, head))
  }

  async listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, resolve)
    })
    const address = this.#server.address() as AddressInfo
    this.port = address.port
    this.url = `http://${host.includes(':') ? `[${host}]` : host}:${address.port}/v1`
  }

  get tokens(): TokenBook {
    return this.#memory.tokens
  }

  get tokenUrl(): string {
    return this.url.replace(/\/v1$/, '/oauth/token')
  }

  received(): readonly Received[] {
    return this.#log.list()
  }

  inFlight(key: string): number {
    return this.#inFlight.now(key)
  }

  inFlightMax(key: string): number {
    return this.#inFlight.max(key)
  }

  connections(key: string): number {
    return this.#sockets.open(key)
  }

  closeConnections(key: string, code: number, reason?: string): void {
    this.#sockets.close(key, closeOf(code, reason))
  }

  set(key: string | null, behaviour: BehaviourSpec): void {
    this.#memory.set(key, behaviour)
  }

  reset(): void {
    this.#memory.reset()
    this.#log.clear()
    this.#inFlight.forget()
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
      this.#sockets.destroy()
    })
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    // A connection that breaks is seen by its `close`; there is nobody to tell of the error.
    request.on('error', ignore)
    response.on('error', ignore)
    if (request.url === '/_control') {
      this.#read(request, response, (body) => this.#control(request, response, body))
      return
    }
    if (request.url === '/oauth/token') {
      this.#read(request, response, (body) => this.#token(response, body))
      return
    }
    const credential = credentialOf(request.headers)
    const key = credential === null ? null : (this.#memory.tokens.keyOf(credential) ?? credential)
    if (key !== null) response.once('close', this.#inFlight.begin(key))
    const behaviour = key === null ? null : this.#memory.behaviour(key)
    if (behaviour !== null && behaviour.fast !== 'off') {
      request.resume()
      request.once('end', () => this.#perform(fastScript(behaviour, this.#memory, this.#clock.now(), dialectOf(request)), response))
      return
    }
    this.#read(request, response, (body) => {
      const asked = { method: request.method ?? 'GET', path: request.url ?? '/', headers: request.headers, body, nowMs: this.#clock.now() }
      const scripted = script(asked, this.#memory)
      const { head, faults, dialogue } = scripted
      this.#log.add({ ...asked, kind: 'request', key, atMs: asked.nowMs, connection: null, lane: null })({ status: head?.status ?? null, faults, dialogue })
      this.#perform(scripted, response)
    })
  }

  #token(response: ServerResponse, body: Buffer): void {
    const said = this.#memory.tokens.answer(body, this.#clock.now())
    if (said.kind === 'cut') response.destroy()
    if (said.kind === 'answer') response.writeHead(said.status, { 'content-type': 'application/json', ...said.headers }).end(said.text)
  }

  #count(key: string) {
    return { key, in_flight: this.inFlight(key), in_flight_max: this.inFlightMax(key), connections: this.connections(key) }
  }

  #perform(scripted: Scripted, response: ServerResponse): void {
    perform(scripted, response, this.#clock)
  }

  #read(request: IncomingMessage, response: ServerResponse, then: (body: Buffer) => void): void {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= this.#bodyBytesMax) {
        chunks.push(chunk)
        return
      }
      chunks.length = 0
      if (!response.headersSent) this.#tooLarge(request, response)
    })
    request.once('end', () => {
      if (bytes <= this.#bodyBytesMax) then(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes))
    })
  }

  #tooLarge(request: IncomingMessage, response: ServerResponse): void {
    const refuse = dialectOf(request).refuser(this.#memory.id('req_'))
    const { text } = refuse(413, `The request body is larger than ${this.#bodyBytesMax} bytes.`, { code: 'request_too_large' })
    response.writeHead(413, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), connection: 'close' }).end(text)
  }

  #control(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const { status, text } = mayControl(request.socket.remoteAddress, request.headers.origin)
      ? control(request.method ?? 'GET', body, {
          set: (key, spec) => this.set(key, spec),
          reset: () => this.reset(),
          close: (key, code, reason) => this.closeConnections(key, code, reason),
          keys: () => this.#memory.keys().map((key) => this.#count(key)),
          received: () => this.received(),
        })
      : {
          status: 403,
          text: errorText({ message: 'The control endpoint is for this machine only.', type: 'invalid_request_error', param: null, code: 'forbidden' }),
        }
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
  }
}

const dialectOf = (request: IncomingMessage) => dialects[dialectNameOf(request.url ?? '/', request.headers)]
const ignore = () => {}
