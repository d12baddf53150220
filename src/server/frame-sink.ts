import type { HeaderList, Sink } from '../ports/sink.ts'
import type { ClientEnd } from './client-socket.ts'

/** An answer that is an error, while it is written. */
export interface ErrorAnswer {
  readonly status: number
  readonly headers: HeaderList
  readonly body: Buffer
}

/**
 * One turn's answer over a session's socket: its events are frames, each piece that is written one of them, and an error answer as a whole is
 * one error event.
 */
export class FrameSink implements Sink {
  readonly #socket: ClientEnd
  readonly #errorFrame: (error: ErrorAnswer) => Buffer
  #error: { readonly status: number; readonly headers: HeaderList } | null = null
  #pieces: Buffer[] = []

  constructor(socket: ClientEnd, errorFrame: (error: ErrorAnswer) => Buffer) {
    this.#socket = socket
    this.#errorFrame = errorFrame
  }

  head(status: number, headers: HeaderList): void {
    if (status >= 300) this.#error = { status, headers }
  }

  write(chunks: readonly Buffer[]): boolean {
    if (this.#error === null) return this.#socket.say(chunks)
    this.#pieces.push(...chunks)
    return true
  }

  drained(then: () => void): void {
    this.#socket.drained(then)
  }

  end(): Promise<void> {
    if (this.#error !== null) this.#socket.say([this.#errorFrame({ ...this.#error, body: Buffer.concat(this.#pieces) })])
    return Promise.resolve()
  }

  /** The error event has told it; the socket lives on. */
  cut(): void {}
}
