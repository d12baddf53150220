import type { ServerResponse } from 'node:http'
import type { HeaderList, Sink } from '../ports/sink.ts'

/** Less than this is joined: a copy costs less than a piece more in the system call, and than a HTTP chunk more for the client. */
const joinedBytes = 64 * 1024

/**
 * One client's answer over HTTP. What is written after the client has gone is dropped: the signal of the turn tells it.
 *
 * A client that takes no byte for `clientWriteMs` is gone. The socket's own time-out is used for that, because it alone sees a large write that progresses
 * without having ended.
 */
export class HttpSink implements Sink {
  readonly #response: ServerResponse
  readonly #requestId: string
  readonly #clientWriteMs: number
  #over = false
  #then: (() => void) | null = null
  #listening = false

  constructor(response: ServerResponse, requestId: string, clientWriteMs: number) {
    this.#response = response
    this.#requestId = requestId
    this.#clientWriteMs = clientWriteMs
  }

  /** Whether the turn has ended the answer, cleanly or not: what becomes of the connection afterwards is no news to it. */
  get over(): boolean {
    return this.#over
  }

  head(status: number, headers: HeaderList): void {
    if (this.#response.destroyed) return
    const flat = ['x-request-id', this.#requestId]
    for (const [name, value] of headers) flat.push(name, value)
    this.#response.writeHead(status, flat)
  }

  write(chunks: readonly Buffer[]): boolean {
    const response = this.#response
    if (response.destroyed || this.#over) return true
    const { socket } = response
    if (socket === null) {
      let takesMore = true
      for (const chunk of chunks) takesMore = response.write(chunk)
      return takesMore
    }
    const small = joined(chunks)
    // Goes out with what else is written in this tick, such as the end.
    if (small !== null) response.write(small)
    else {
      // The response makes one HTTP chunk of what it is given while corked, the socket one system call; the response alone would make several.
      socket.cork()
      response.cork()
      for (const chunk of chunks) response.write(chunk)
      response.uncork()
      socket.uncork()
    }
    if (!socket.writableNeedDrain || socket.writableLength === 0) return true
    socket.setTimeout(this.#clientWriteMs)
    return false
  }

  drained(then: () => void): void {
    this.#then = then
    const { socket, destroyed, writableNeedDrain } = this.#response
    const stalled = !destroyed && (socket === null ? writableNeedDrain : socket.writableNeedDrain)
    if (!stalled) {
      process.nextTick(this.#drain)
      return
    }
    if (this.#listening) return
    this.#listening = true
    this.#response.on('drain', this.#drain)
    this.#response.on('close', this.#drain)
    if (socket === null) return
    socket.on('drain', this.#drain)
    this.#response.on('close', () => socket.off('drain', this.#drain))
  }

  end(): Promise<void> {
    this.#over = true
    const response = this.#response
    if (response.destroyed) return Promise.resolve()
    const socket = response.socket
    return new Promise((resolve) => {
      response.once('close', resolve)
      response.end()
      if (socket !== null && socket.writableLength > 0) socket.setTimeout(this.#clientWriteMs)
    })
  }

  cut(): void {
    this.#over = true
    const { socket, req, headersSent } = this.#response
    if (socket === null || !headersSent) {
      req.socket.destroy()
      return
    }
    // Without chunks, HTTP/1.0 knows a broken answer only by a reset.
    if (req.httpVersionMinor === 0) socket.resetAndDestroy()
    else socket.destroySoon()
    if (!socket.destroyed) socket.setTimeout(this.#clientWriteMs)
  }

  readonly #drain = (): void => {
    const { socket, destroyed } = this.#response
    if (socket !== null && !destroyed) {
      if (socket.writableNeedDrain) return
      socket.setTimeout(0)
    }
    const then = this.#then
    this.#then = null
    then?.()
  }
}

function joined(chunks: readonly Buffer[]): Buffer | null {
  let bytes = 0
  for (const chunk of chunks) bytes += chunk.length
  if (bytes >= joinedBytes) return null
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes)
}
