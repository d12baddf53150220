import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { createParser } from 'eventsource-parser'

export type Json = Readonly<Record<string, unknown>>

/** One event of a stream, as an SDK would see it. */
export interface StreamEvent {
  readonly type: string
  readonly data: Json
}

/** An answer as a client has it in the end. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** `cut`: the connection ended before the answer did. */
  readonly end: 'clean' | 'cut'
  /** The body as a JSON object; empty where it is none. */
  readonly json: Json
  readonly events: readonly StreamEvent[]
}

export interface Sending {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string | Buffer
}

const patienceMs = 5_000

/** One request on a connection of its own, and its answer on its way. */
export class Exchange {
  readonly #request
  readonly #head = Promise.withResolvers<IncomingMessage>()
  readonly #over = Promise.withResolvers<Answer>()
  readonly #waiting = new Set<() => void>()
  #text = ''

  constructor(url: string, { method, headers, body }: Sending) {
    this.#request = httpRequest(url, { method: method ?? 'GET', agent: false, headers: { ...headers } })
    this.#request.on('response', (response) => this.#read(response))
    this.#request.on('error', (error) => this.#failed(error))
    this.#head.promise.catch(() => undefined)
    this.#over.promise.catch(() => undefined)
    this.#request.end(body)
  }

  /** What has come of the body so far. */
  get text(): string {
    return this.#text
  }

  /** Rejects where the connection ends without a head. */
  async head(): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders }> {
    const response = await this.#head.promise
    return { status: response.statusCode ?? 0, headers: response.headers }
  }

  /** The answer, when it is over. */
  whole(): Promise<Answer> {
    return this.#over.promise
  }

  /** Resolves when this has come in the body. */
  async until(part: string): Promise<void> {
    await this.#head.promise
    const lateAtMs = Date.now() + patienceMs
    while (!this.#text.includes(part)) {
      if (Date.now() > lateAtMs) throw new Error(`"${part}" never came; what came: ${this.#text.slice(0, 2000)}`)
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  /** The client goes away. */
  abort(): void {
    this.#request.destroy()
  }

  #read(response: IncomingMessage): void {
    this.#head.resolve(response)
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      this.#text += chunk
      this.#wake()
    })
    response.on('error', () => undefined)
    response.on('close', () => {
      this.#over.resolve(answerOf(response, this.#text))
      this.#wake()
    })
  }

  #failed(error: Error): void {
    this.#head.reject(error)
    this.#over.reject(error)
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}

function answerOf(response: IncomingMessage, text: string): Answer {
  const isStream = response.headers['content-type']?.startsWith('text/event-stream') === true
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    end: response.complete ? 'clean' : 'cut',
    json: isStream ? {} : jsonOf(text),
    events: isStream ? eventsOf(text) : [],
  }
}

/** Empty where the text is no JSON object. */
export function jsonOf(text: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Json) : {}
  } catch {
    return {}
  }
}

/** By a parser that is not the gateway's own. */
export function eventsOf(text: string): readonly StreamEvent[] {
  const events: StreamEvent[] = []
  createParser({ onEvent: ({ event, data }) => events.push({ type: event ?? String(jsonOf(data)['type']), data: jsonOf(data) }) }).feed(text)
  return events
}

/** Asks again until the answer satisfies, for what comes to pass on its own in another thread or connection. */
export async function eventually<T, Found extends T = T>(
  look: () => T | Promise<T>,
  satisfies: ((seen: T) => seen is Found) | ((seen: T) => boolean),
): Promise<Found> {
  const lateAtMs = Date.now() + patienceMs
  for (let lookMs = 2; ; lookMs = Math.min(2 * lookMs, 50)) {
    const seen = await look()
    if (satisfies(seen)) return seen as Found
    if (Date.now() > lateAtMs) throw new Error(`it never came to pass; last seen: ${JSON.stringify(seen)?.slice(0, 2000)}`)
    await new Promise((resolve) => setTimeout(resolve, lookMs))
  }
}

/** Sends these bytes on a connection of its own, and reads no answer unless told to. */
export async function wire(url: string, bytes: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  socket.pause()
  socket.write(bytes, 'latin1')
  return socket
}

/** All that comes until the other side closes. */
export async function restOf(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk) => (text += String(chunk)))
  socket.resume()
  if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve))
  return text
}
