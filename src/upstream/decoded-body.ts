import { Readable } from 'node:stream'
import { decodedStream } from '../lib/decode.ts'
import type { AnswerBody, AnswerReader } from '../ports/transport.ts'

/** The body without its encoding, which nobody asked for; null where the encoding is unknown. */
export function decoded(raw: AnswerBody, encoding: string): AnswerBody | null {
  const source = new RawBytes(raw)
  const stream = decodedStream(source, encoding)
  return stream === null ? null : new DecodedBody(raw, stream)
}

/** A body as a stream, for a decoder. */
class RawBytes extends Readable {
  readonly #raw: AnswerBody
  #isRead = false

  constructor(raw: AnswerBody) {
    super()
    this.#raw = raw
    // Whoever reads hears of it; without a decoder in between nobody else does.
    this.on('error', () => {})
  }

  override _read(): void {
    if (this.#isRead) return this.#raw.resume()
    this.#isRead = true
    this.#raw.read({
      chunk: (bytes) => {
        if (!this.push(bytes)) this.#raw.pause()
      },
      end: () => this.push(null),
      broken: (detail) => this.destroy(new Error(detail)),
    })
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.readableEnded) this.#raw.cancel()
    done(error)
  }
}

class DecodedBody implements AnswerBody {
  readonly #raw: AnswerBody
  readonly #stream: Readable
  #reader: AnswerReader | null = null
  #flow: 'flowing' | 'paused' = 'flowing'
  #broken: string | null = null
  #isOver = false

  constructor(raw: AnswerBody, stream: Readable) {
    this.#raw = raw
    this.#stream = stream
    stream.on('error', (error) => {
      this.#broken = error.message
      raw.cancel()
      this.#tell()
    })
  }

  get closed(): Promise<void> {
    return this.#raw.closed
  }

  read(reader: AnswerReader): void {
    this.#reader = reader
    if (this.#broken !== null) queueMicrotask(() => this.#tell())
    this.#stream.on('data', (bytes: Buffer) => {
      if (!this.#isOver) reader.chunk(bytes)
    })
    this.#stream.on('end', () => {
      if (this.#isOver) return
      this.#isOver = true
      reader.end()
    })
    if (this.#flow === 'paused') this.#stream.pause()
  }

  pause(): void {
    this.#flow = 'paused'
    if (this.#reader !== null) this.#stream.pause()
  }

  resume(): void {
    this.#flow = 'flowing'
    this.#tell()
    if (this.#reader !== null && !this.#isOver) this.#stream.resume()
  }

  cancel(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#raw.cancel()
    this.#stream.destroy()
  }

  #tell(): void {
    if (this.#broken === null || this.#isOver || this.#reader === null || this.#flow === 'paused') return
    this.#isOver = true
    this.#reader.broken(this.#broken)
  }
}
