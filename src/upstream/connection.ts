import type { Socket } from 'node:net'
import type { Pieces } from '../lib/body.ts'
import type { AnswerHead } from './answer-head.ts'
import { AnswerParser, type AnswerHearer } from './answer-parser.ts'

/** Who takes a connection back, or hears that it is gone. */
export interface Home {
  kept(connection: Connection): void
  gone(connection: Connection): void
}

/** Who has sent a request over a connection. Called for the head, or for its failure, once. */
export interface Asker {
  /** The kernel has taken the last byte of the request. */
  taken(): void
  /** Who hears the body; null where nobody will. */
  head(head: AnswerHead): BodyHearer | null
  failed(error: Error): void
}

/** Hears one body. After `end` and `broken` nothing more is told. */
export interface BodyHearer {
  data(bytes: Buffer): void
  end(): void
  broken(error: Error): void
}

/** `kept`: a connection that carries other requests too. `fresh`: one of its own, which is closed afterwards. */
export type Keeping = 'kept' | 'fresh'

/** What is written for one request. */
export interface Request {
  readonly head: string
  readonly body: Pieces | null
  readonly keeping: Keeping
}

/** A request of less than this is joined: a copy costs less than a write more. */
const joinedBytes = 16 * 1024

/** One connection, ready to be written to. Carries one request at a time; whatever ends it otherwise than in order destroys it. */
export class Connection implements AnswerHearer {
  /** Until when it may wait for its next request. */
  keptUntilMs = 0
  /** Whether the kernel has taken the last byte of the request. Until then the request was surely not whole. */
  isTaken = true
  readonly #socket: Socket
  readonly #home: Home
  #requests = 0
  #keeping: Keeping = 'kept'
  #head: AnswerHead | null = null
  #rest: 'clean' | 'spilled' = 'clean'
  #parser: AnswerParser | null = null
  #asker: Asker | null = null
  #body: BodyHearer | null = null
  #isOpen = true

  constructor(socket: Socket, home: Home) {
    this.#socket = socket
    this.#home = home
    socket.on('data', (bytes: Buffer) => this.#take(bytes))
    socket.on('end', () => this.#ended())
    socket.on('error', (error) => this.fail(error))
    socket.on('close', () => this.fail(cut()))
    socket.resume()
  }

  /** Whether it has carried a request before this one. */
  get isUsed(): boolean {
    return this.#requests > 1
  }

  /** How long the server announced to keep it, with its last answer. */
  get announcedMs(): number | null {
    return this.#head?.keptMs ?? null
  }

  ask(request: Request, asker: Asker): void {
    this.#requests++
    this.#keeping = request.keeping
    this.#asker = asker
    this.#parser = new AnswerParser(this)
    this.#head = null
    this.isTaken = false
    this.#write(request)
    // What the kernel took at once needs no telling. Nothing is left in the queue of a socket that failed at once, either.
    this.isTaken = this.#socket.writableLength === 0 && this.#socket.errored === null
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Its user is done with the answer, which has come to its proper end. */
  release(): void {
    const lasts = this.#keeping === 'kept' && this.#head?.lasts === 'kept' && this.isTaken && this.#rest === 'clean'
    this.#forget()
    if (!this.#isOpen) return
    if (!lasts) return this.destroy()
    if (this.#socket.isPaused()) this.#socket.resume()
    this.#home.kept(this)
  }

  /** Breaks it off; its user is told nothing. */
  destroy(): void {
    this.#forget()
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#socket.destroy()
    this.#home.gone(this)
  }

  /** Breaks it off; its user is told why. */
  fail(error: Error): void {
    const asker = this.#asker
    const body = this.#body
    this.destroy()
    asker?.failed(error)
    body?.broken(error)
  }

  head(head: AnswerHead): void {
    this.#head = head
    const asker = this.#asker
    this.#asker = null
    this.#body = asker?.head(head) ?? null
  }

  data(bytes: Buffer): void {
    this.#body?.data(bytes)
  }

  end(rest: 'clean' | 'spilled'): void {
    this.#rest = rest
    const body = this.#body
    this.#body = null
    body?.end()
  }

  malformed(why: string): void {
    this.fail(new Error(`the upstream's answer is not HTTP (${why})`))
  }

  #write({ head, body }: Request): void {
    const socket = this.#socket
    if (body === null) {
      socket.write(head, 'latin1', this.#told)
      return
    }
    const bytes = head.length + body.bytes
    if (bytes < joinedBytes) {
      const all = Buffer.allocUnsafe(bytes)
      let at = all.write(head, 'latin1')
      for (const piece of body.pieces) at += piece.copy(all, at)
      socket.write(all, this.#told)
      return
    }
    socket.cork()
    socket.write(Buffer.from(head, 'latin1'))
    const last = body.pieces.length - 1
    body.pieces.forEach((piece, at) => (at === last ? socket.write(piece, this.#told) : socket.write(piece)))
    socket.uncork()
  }

  readonly #told = (error?: Error | null): void => {
    if (this.isTaken || (error !== undefined && error !== null)) return
    this.isTaken = true
    this.#asker?.taken()
  }

  #take(bytes: Buffer): void {
    // Nobody asked: whatever this is, an answer to the next request it must not become.
    if (this.#parser === null || (this.#asker === null && this.#body === null)) this.destroy()
    else this.#parser.take(bytes)
  }

  #ended(): void {
    if (this.#parser?.close() === true) this.destroy()
    else this.fail(cut())
  }

  #forget(): void {
    this.#parser = null
    this.#asker = null
    this.#body = null
  }
}

function cut(): Error {
  return Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' })
}
