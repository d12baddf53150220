import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import type { Json } from './client.ts'

/** A turn as the client of a session has it: its events, oldest first, the terminal one last. */
export interface SessionTurn {
  readonly events: readonly Json[]
  readonly last: Json
  /** Types of the events. */
  readonly types: readonly string[]
  /** Id of the answer; empty where there is none. */
  readonly id: string
  /** The answer's text, laid end to end. */
  readonly text: string
  /** The items of the answer, as they were when each was done. */
  readonly output: readonly Json[]
}

/** How a session was closed. */
export interface Closed {
  readonly code: number
  readonly reason: string
}

const patienceMs = 5_000
const terminal: ReadonlySet<unknown> = new Set(['response.completed', 'response.incomplete', 'response.failed', 'error'])

/** One session of a client, over a real socket. */
export class SessionClient {
  readonly socket: WebSocket
  readonly frames: Json[] = []
  /** Of the 101. */
  headers: IncomingHttpHeaders = {}
  /** Which frames somebody has taken. */
  readonly #taken = new Set<number>()
  #closed: Closed | null = null
  readonly #waiting = new Set<() => void>()

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('upgrade', (response: IncomingMessage) => (this.headers = response.headers))
    socket.on('message', (bytes: Buffer) => {
      this.frames.push(JSON.parse(bytes.toString('utf8')) as Json)
      this.#wake()
    })
    socket.on('close', (code, reason) => {
      this.#closed = { code, reason: reason.toString('utf8') }
      this.#wake()
    })
    socket.on('error', () => undefined)
  }

  /** Rejects where the upgrade is refused. */
  static async open(url: string, headers: Readonly<Record<string, string | string[]>>): Promise<SessionClient> {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers: { ...headers }, perMessageDeflate: false })
    const client = new SessionClient(socket)
    await once(socket, 'open')
    return client
  }

  /** A buffer goes as a binary frame. */
  send(frame: Json | string | Buffer): void {
    this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame), { binary: Buffer.isBuffer(frame) })
  }

  /** Begins a turn. */
  create(fields: Json): void {
    this.send({ type: 'response.create', ...fields })
  }

  /** Begins a turn, and waits for its end. */
  async turn(fields: Json): Promise<SessionTurn> {
    this.create(fields)
    return this.answer(fields['stream_id'])
  }

  /** The next answer that ends, on this lane; frames of other lanes are left alone. */
  async answer(streamId?: unknown): Promise<SessionTurn> {
    const events: Json[] = []
    for (;;) {
      const frame = await this.#take((one) => one['stream_id'] === streamId)
      events.push(frame)
      if (terminal.has(frame['type'])) return turnOf(events, frame)
    }
  }

  /** The next frame that has not been taken, whatever it is. */
  next(): Promise<Json> {
    return this.#take(() => true)
  }

  /** The next frame of this type that has not been taken; the others are left alone. */
  nextOf(type: string, streamId?: string): Promise<Json> {
    return this.#take((one) => one['type'] === type && one['stream_id'] === streamId)
  }

  /** Types of the frames that nobody has taken. */
  get left(): readonly string[] {
    return this.frames.filter((_, at) => !this.#taken.has(at)).map((frame) => String(frame['type']))
  }

  /** How the session was closed. */
  async closed(): Promise<Closed> {
    await this.#until(() => this.#closed !== null)
    return this.#closed ?? { code: 0, reason: '' }
  }

  get isOpen(): boolean {
    return this.#closed === null
  }

  /** Leaves as Codex does: without a word. */
  leave(): void {
    this.socket.terminate()
  }

  async end(): Promise<void> {
    this.socket.close(1000)
    await this.closed()
  }

  async #take(fits: (frame: Json) => boolean): Promise<Json> {
    let at = -1
    const look = (): boolean => {
      at = this.frames.findIndex((frame, index) => !this.#taken.has(index) && fits(frame))
      return at !== -1
    }
    await this.#until(() => look() || this.#closed !== null)
    const frame = this.frames[at]
    if (frame === undefined) throw new Error(`the session was closed with ${this.#closed?.code} ${this.#closed?.reason}`)
    this.#taken.add(at)
    return frame
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
  }

  async #until(is: () => boolean): Promise<void> {
    const late = Date.now() + patienceMs
    while (!is()) {
      const leftMs = late - Date.now()
      if (leftMs <= 0) throw new Error(`nothing came for ${patienceMs} ms; so far: ${this.frames.map((frame) => String(frame['type'])).join(' ')}`)
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer)
          this.#waiting.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, leftMs)
        this.#waiting.add(wake)
      })
    }
  }
}

function turnOf(events: readonly Json[], last: Json): SessionTurn {
  const response = last['response'] as Json | undefined
  const id = response?.['id']
  const deltas = events.filter((event) => event['type'] === 'response.output_text.delta').map((event) => String(event['delta']))
  return {
    events,
    last,
    types: events.map((event) => String(event['type'])),
    id: typeof id === 'string' ? id : '',
    text: deltas.join(''),
    output: events.filter((event) => event['type'] === 'response.output_item.done').map((event) => event['item'] as Json),
  }
}

/** A user's words, as an item of `input`. */
export function said(text: string): Json {
  return { type: 'message', role: 'user', content: [{ type: 'input_text', text }] }
}
