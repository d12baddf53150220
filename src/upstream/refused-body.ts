import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { AnswerBody, AnswerReader } from '../ports/transport.ts'

/** The body of an answer that refuses a handshake, as `node:http` brings it. `source` is the message itself, or the decoder behind it. */
export class RefusedBody implements AnswerBody {
  readonly closed: Promise<void>
  readonly #message: IncomingMessage
  readonly #source: Readable
  #reader: AnswerReader | null = null
  /** How it broke, until the reader can hear of it. */
  #broken: string | null = null
  #isOver = false

  constructor(message: IncomingMessage, source: Readable) {
    this.#message = message
    this.#source = source
    this.closed = new Promise((resolve) => message.once('close', resolve))
    for (const one of new Set([message, source])) one.on('error', (error) => this.#break(error))
  }

  read(reader: AnswerReader): void {
    this.#reader = reader
    // A reader is never called from inside its own call of `read`.
    queueMicrotask(() => this.#tell())
    this.#source.on('data', (bytes: Buffer) => {
      if (!this.#isOver) reader.chunk(bytes)
    })
    this.#source.on('end', () => {
      if (!this.#isOver) reader.end()
      this.#isOver = true
    })
  }

  pause(): void {
    this.#source.pause()
  }

  resume(): void {
    if (this.#reader !== null && !this.#isOver) this.#source.resume()
  }

  cancel(): void {
    this.#isOver = true
    this.#broken = null
    this.#destroy()
  }

  /** The call was called off: as if upstream had cut the connection. */
  breakOff(detail: string): void {
    this.#break(new Error(detail))
  }

  #break(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#broken = error.message
    this.#destroy()
    this.#tell()
  }

  #tell(): void {
    if (this.#broken === null || this.#reader === null) return
    const detail = this.#broken
    this.#broken = null
    this.#reader.broken(detail)
  }

  #destroy(): void {
    this.#message.destroy()
    this.#source.destroy()
  }
}
