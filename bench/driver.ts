import { connect, type Socket } from 'node:net'

/** One kind of load: the same request again and again on kept connections. */
export interface Load {
  /** A whole HTTP request, as bytes. */
  readonly request: Buffer
  readonly inFlight: number
  readonly ms: number
}

export interface Driven {
  /** Answers that came whole. */
  readonly turns: number
  readonly seconds: number
}

const headEnd = Buffer.from('\r\n\r\n')
const lastChunk = Buffer.from('0\r\n\r\n')

/** A closed loop: each connection sends its next request when its answer is whole. Fails when an answer is not 200. */
export async function drive(port: number, load: Load): Promise<Driven> {
  const startedAt = performance.now()
  const untilMs = startedAt + load.ms
  const connections = await Promise.all(Array.from({ length: load.inFlight }, () => Connection.open(port)))
  const counts = await Promise.all(connections.map((connection) => connection.loop(load.request, untilMs)))
  return { turns: counts.reduce((sum, n) => sum + n, 0), seconds: (performance.now() - startedAt) / 1000 }
}

/** One client on raw sockets: reading answers must cost far less than making them. */
class Connection {
  readonly #socket: Socket
  #expected: number | 'chunks' | null = null
  #got = 0
  #head: Buffer = Buffer.alloc(0)
  #tail: Buffer = Buffer.alloc(0)
  #whole: () => void = () => {}
  #failed: (error: Error) => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', (error) => this.#failed(error))
    socket.on('close', () => this.#failed(new Error('the connection was closed')))
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Connection(socket)))
      socket.once('error', reject)
    })
  }

  async loop(request: Buffer, untilMs: number): Promise<number> {
    let turns = 0
    while (performance.now() < untilMs) {
      await this.turn(request)
      turns++
    }
    this.#failed = () => {}
    this.#socket.destroy()
    return turns
  }

  turn(request: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#whole = resolve
      this.#failed = reject
      this.#expected = null
      this.#got = 0
      this.#head = Buffer.alloc(0)
      this.#tail = Buffer.alloc(0)
      this.#socket.write(request)
    })
  }

  #read(chunk: Buffer): void {
    let body = chunk
    if (this.#expected === null) {
      this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk])
      const end = this.#head.indexOf(headEnd)
      if (end === -1) return
      const head = this.#head.toString('latin1', 0, end).toLowerCase()
      if (!head.startsWith('http/1.1 200')) return this.#failed(new Error(`an answer was not 200: ${this.#head.toString('latin1', 0, 600)}`))
      const length = /content-length: (\d+)/.exec(head)?.[1]
      this.#expected = length === undefined ? 'chunks' : Number(length)
      body = this.#head.subarray(end + 4)
    }
    if (this.#expected === 'chunks') {
      this.#tail = body.length >= lastChunk.length ? body.subarray(-lastChunk.length) : Buffer.concat([this.#tail, body]).subarray(-lastChunk.length)
      if (this.#tail.equals(lastChunk)) this.#whole()
      return
    }
    this.#got += body.length
    if (this.#got >= this.#expected) this.#whole()
  }
}

/** A request as a client sends it. */
export function requestOf(port: number, key: string, body: string): Buffer {
  const bytes = Buffer.from(body)
  const head = `POST /v1/responses HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${bytes.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), bytes])
}

/** Streams that stay open, each on a connection of its own. */
export interface OpenStreams {
  /** Events that came so far, on all of them. */
  events(): number
  close(): void
}

/** Opens streams and resolves when each has given its first bytes. */
export async function openStreams(port: number, request: Buffer, count: number): Promise<OpenStreams> {
  let events = 0
  const sockets = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<Socket>((resolve, reject) => {
          const socket = connect(port, '127.0.0.1', () => socket.write(request))
          socket.setNoDelay(true)
          socket.once('error', reject)
          socket.once('data', () => resolve(socket))
          socket.on('data', (chunk: Buffer) => {
            for (let at = chunk.indexOf(eventStart); at !== -1; at = chunk.indexOf(eventStart, at + eventStart.length)) events++
          })
        }),
    ),
  )
  return {
    events: () => events,
    close: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

const eventStart = Buffer.from('event: ')
