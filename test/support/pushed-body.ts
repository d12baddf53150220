import type { AnswerBody, AnswerReader } from '../../src/ports/transport.ts'

/** An upstream's answer in the hands of a test. */
export class PushedBody implements AnswerBody {
  readonly closed: Promise<void>
  paused = false
  cancelled = false
  #reader: AnswerReader | null = null
  #close: () => void = () => {}

  constructor() {
    this.closed = new Promise((resolve) => (this.#close = resolve))
  }

  read(reader: AnswerReader): void {
    this.#reader = reader
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  cancel(): void {
    this.cancelled = true
    this.#close()
  }

  push(bytes: Buffer): void {
    if (!this.cancelled) this.#reader?.chunk(bytes)
  }

  end(): void {
    this.#reader?.end()
    this.#close()
  }

  broken(detail: string): void {
    this.#reader?.broken(detail)
    this.#close()
  }
}
