import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { AnswerBody, AnswerReader } from '../ports/transport.ts'

/** What is still to be told to the reader, when it can hear it again. */
type Pending = { readonly kind: 'nothing' } | { readonly kind: 'broken'; readonly detail: string }

/** The body of one answer. `source` is the message itself, or the decoder behind it. */
export class IncomingBody implements AnswerBody {
  readonly closed: Promise<void>
  readonly #request: ClientRequest
  readonly #message: IncomingMessage
  readonly #source: Readable
  #reader: AnswerReader | null = null
  #state: 'open' | 'over' = 'open'
  #flow: 'flowing' | 'paused' = 'flowing'
  #pending: Pending = { kind: 'nothing' }

  constructor(request: ClientRequest, message: IncomingMessage, source: Readable) {
    this.#request = request
    this.#message = message
    this.#source = source
    this.closed = new Promise((resolve) => message.once('close', resolve))
    message.on('error', (error) => this.#broken(error))
    if (source !== message) source.on('error', (error) => this.#broken(error))
  }

  read(reader: AnswerReader): void {
    this.#reader = reader
    // A reader is never called from inside its own call of `read`.
    if (this.#pending.kind !== 'nothing') queueMicrotask(() => this.#tell())
    if (this.#state === 'over') return
    this.#source.on('data', (bytes: Buffer) => {
      if (this.#state === 'open') reader.chunk(bytes)
    })
    this.#source.on('end', () => this.#ended(reader))
    if (this.#flow === 'paused') this.#source.pause()
  }

  pause(): void {
    this.#flow = 'paused'
    if (this.#reader !== null) this.#source.pause()
  }

  resume(): void {
    this.#flow = 'flowing'
    this.#tell()
    if (this.#reader !== null && this.#state === 'open') this.#source.resume()
  }

  cancel(): void {
    this.#pending = { kind: 'nothing' }
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#destroy()
  }

  /** The call was called off: as if upstream had cut the connection. */
  breakOff(detail: string): void {
    this.#broken(new Error(detail))
  }

  #ended(reader: AnswerReader): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    // An answer that came before the whole question was sent leaves a connection that nobody can use again.
    if (!this.#request.writableFinished) this.#request.destroy()
    reader.end()
  }

  #broken(error: Error): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#pending = { kind: 'broken', detail: detailOf(error) }
    this.#destroy()
    this.#tell()
  }

  #tell(): void {
    const pending = this.#pending
    if (pending.kind === 'nothing' || this.#reader === null || this.#flow === 'paused') return
    this.#pending = { kind: 'nothing' }
    this.#reader.broken(pending.detail)
  }

  #destroy(): void {
    this.#request.destroy()
    this.#message.destroy()
    if (this.#source !== this.#message) this.#source.destroy()
  }
}

function detailOf(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ECONNRESET') return 'the upstream cut the connection inside the answer'
  return code === undefined ? error.message : `${error.message} (${code})`
}
