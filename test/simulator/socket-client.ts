import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import type { Simulator } from '../../src/simulator/server.ts'
import type { Fields } from './support.ts'

/** How a handshake was refused. */
export interface NoHandshake {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface Dialled {
  readonly key?: string | null
  readonly path?: string
  readonly headers?: { readonly [name: string]: string }
}

const patienceMs = 5_000
const terminals: ReadonlySet<unknown> = new Set(['response.completed', 'response.incomplete', 'response.failed', 'error'])

export function dial(simulator: Simulator, { key = 'key-a', path = '/responses', headers = {} }: Dialled = {}): WebSocket {
  const credential: { [name: string]: string } = key === null ? {} : { authorization: `Bearer ${key}` }
  return new WebSocket(simulator.url.replace('http', 'ws') + path, {
    headers: { ...credential, ...headers },
    handshakeTimeout: patienceMs,
    perMessageDeflate: false,
  })
}

/** A handshake that is answered with something else. */
export async function refusal(simulator: Simulator, dialled: Dialled = {}): Promise<NoHandshake> {
  const socket = dial(simulator, dialled)
  socket.on('error', () => undefined)
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode ?? 0, headers: response.headers, text }
}

/** A client at the other end of a connection. */
export class Talk {
  readonly socket: WebSocket
  readonly heard: Fields[] = []
  /** The headers of the 101. */
  headers: IncomingHttpHeaders = {}
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('error', () => undefined)
    socket.on('upgrade', (response) => (this.headers = response.headers))
    socket.on('message', (bytes: Buffer) => this.heard.push(readable(bytes.toString('utf8'))))
    this.closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve({ code, reason: reason.toString('utf8') })))
  }

  static async open(simulator: Simulator, dialled: Dialled = {}): Promise<Talk> {
    const talk = new Talk(dial(simulator, dialled))
    await once(talk.socket, 'open')
    return talk
  }

  say(frame: unknown): void {
    this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame))
  }

  /** Says a frame and waits for what ends its answer; only what is new. */
  async ask(frame: unknown): Promise<readonly Fields[]> {
    const from = this.heard.length
    this.say(frame)
    await this.until(() => this.heard.slice(from).some((event) => terminals.has(event['type'])))
    return this.heard.slice(from)
  }

  /** Rejects when the connection closes first. */
  async until(is: () => boolean): Promise<void> {
    const late = AbortSignal.timeout(patienceMs)
    while (!is()) {
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error('the connection was closed')
      await Promise.race([once(this.socket, 'message', { signal: late }), this.closed])
    }
  }
}

function readable(text: string): Fields {
  try {
    return JSON.parse(text) as Fields
  } catch {
    return { type: 'malformed', text }
  }
}
