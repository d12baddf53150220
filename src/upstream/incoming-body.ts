import type { AnswerBody, AnswerReader } from '../ports/transport.ts'
import type { BodyHearer, Connection } from './connection.ts'

/** How upstream is done; told to the reader when it has all that came before, and can hear it. */
type End = { readonly kind: 'not-yet' } | { readonly kind: 'end' } | { readonly kind: 'broken'; readonly detail: string }

const notYet: End = { kind: 'not-yet' }
const properEnd: End = { kind: 'end' }

/** The body of one answer, as its connection brings it. */
export class IncomingBody implements AnswerBody, BodyHearer {
  readonly closed: Promise<void>
  readonly #connection: Connection
  #close: () => void = () => {}
  #reader: AnswerReader | null = null
  #flow: 'flowing' | 'paused' = 'flowing'
  /** Came while nobody could hear it. The connection is held back meanwhile, so it is a read or two. */
  #held: Buffer[] = []
  /** Whether the connection is held back. */
  #holdsBack = false
  #end: End = notYet
  #isOver = false

  /** @param closed called once, when upstream is done. */
  constructor(connection: Connection, closed: () => void) {
    this.#connection = connection
    this.closed = new Promise((resolve) => {
      this.#close = () => {
        closed()
        resolve()
      }
    })
  }

  read(reader: AnswerReader): void {
    this.#reader = reader
    // A reader is never called from inside its own call of `read`.
    if (this.#isDue) queueMicrotask(this.#deliver)
  }

  pause(): void {
    this.#flow = 'paused'
  }

  resume(): void {
    if (this.#flow === 'flowing') return
    this.#flow = 'flowing'
    if (this.#held.length > 0) queueMicrotask(this.#deliver)
    else this.#deliver()
  }

  cancel(): void {
    if (this.#isOver) return
    this.#held = []
    this.#isOver = true
    this.#connection.destroy()
    this.#close()
  }

  /** The call was called off: as if upstream had cut the connection. */
  breakOff(detail: string): void {
    if (this.#isOver) return
    this.#connection.destroy()
    this.broken(new Error(detail))
  }

  data(bytes: Buffer): void {
    const isHeld = this.#held.length > 0
    if (this.#reader !== null && this.#flow === 'flowing' && !isHeld) return this.#reader.chunk(bytes)
    this.#held.push(bytes)
    // What comes with the head is heard before anything more can come; only a second read holds the connection back.
    if (!isHeld || this.#holdsBack) return
    this.#holdsBack = true
    this.#connection.pause()
  }

  end(): void {
    this.#end = properEnd
    this.#deliver()
  }

  broken(error: Error): void {
    this.#end = { kind: 'broken', detail: detailOf(error) }
    this.#close()
    this.#deliver()
  }

  get #isDue(): boolean {
    return this.#held.length > 0 || this.#end !== notYet
  }

  readonly #deliver = (): void => {
    const reader = this.#reader
    if (reader === null) return
    while (this.#flow === 'flowing' && !this.#isOver) {
      const bytes = this.#held.shift()
      if (bytes === undefined) break
      reader.chunk(bytes)
    }
    if (this.#flow === 'paused' || this.#isOver) return
    // Its reader may have paused it over the last of what was held.
    if (this.#holdsBack && this.#end === notYet) {
      this.#holdsBack = false
      this.#connection.resume()
    }
    this.#tell(reader)
  }

  #tell(reader: AnswerReader): void {
    switch (this.#end.kind) {
      case 'not-yet':
        return
      case 'end':
        this.#isOver = true
        this.#connection.release()
        this.#close()
        return reader.end()
      case 'broken':
        this.#isOver = true
        return reader.broken(this.#end.detail)
    }
  }
}

function detailOf(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ECONNRESET') return 'the upstream cut the connection inside the answer'
  return code === undefined ? error.message : `${error.message} (${code})`
}
