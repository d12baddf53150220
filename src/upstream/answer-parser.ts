import { malformed, parseHead, type AnswerHead, type Malformed } from './answer-head.ts'
import { Chunked } from './chunked.ts'

/** Whom a parser tells. After `end` and `malformed` nothing more is told. */
export interface AnswerHearer {
  head(head: AnswerHead): void
  data(bytes: Buffer): void
  /** `spilled`: bytes came behind the answer, which nobody asked for. */
  end(rest: 'clean' | 'spilled'): void
  malformed(why: string): void
}

/** Unit: bytes; what `node:http` takes too. */
const headBytesMax = 16 * 1024
/** Heads that only announce the real one. */
const interimMax = 16

const headEnd = Buffer.from('\r\n\r\n')
const nothing = Buffer.alloc(0)

/** Reads one HTTP/1.1 answer, which may come cut anywhere. Strict: what two readers could read differently is malformed. */
export class AnswerParser {
  readonly #hearer: AnswerHearer
  #part: 'head' | 'sized' | 'chunked' | 'until-close' | 'over' = 'head'
  /** The beginning of a head whose end has not come. */
  #begun: Buffer = nothing
  #interims = 0
  #left = 0
  #chunked: Chunked | null = null

  constructor(hearer: AnswerHearer) {
    this.#hearer = hearer
  }

  take(bytes: Buffer): void {
    if (this.#part === 'head') this.#takeHead(bytes)
    else this.#takeBody(bytes, 0)
  }

  /** The connection has ended. False: inside the answer. */
  close(): boolean {
    if (this.#part === 'until-close') this.#end('clean')
    return this.#part === 'over'
  }

  #takeHead(bytes: Buffer): void {
    const all = this.#begun.length === 0 ? bytes : Buffer.concat([this.#begun, bytes])
    // The end may be cut too; what was searched before its beginning is not searched again.
    let from = 0
    let search = Math.max(0, this.#begun.length - headEnd.length + 1)
    for (;;) {
      const end = all.indexOf(headEnd, search)
      if ((end === -1 ? all.length : end) - from > headBytesMax) return this.#malformed('its head is too large')
      if (end === -1) break
      const head = parseHead(all.toString('latin1', from, end))
      from = search = end + headEnd.length
      const wrong = head.kind === 'malformed' ? head : this.#objection(head)
      if (wrong !== null) return this.#malformed(wrong.why)
      if (head.kind === 'head' && head.status >= 200) return this.#begin(head, all, from)
    }
    this.#begun = from === 0 ? all : all.subarray(from)
  }

  #objection(head: AnswerHead): Malformed | null {
    if (head.status === 101) return malformed('it changes the protocol')
    return head.status < 200 && ++this.#interims > interimMax ? malformed('too many interim heads') : null
  }

  #begin(head: AnswerHead, bytes: Buffer, from: number): void {
    const { framing } = head
    this.#begun = nothing
    this.#part = framing.kind === 'none' ? 'sized' : framing.kind
    if (framing.kind === 'sized') this.#left = framing.bytes
    if (framing.kind === 'chunked') this.#chunked = new Chunked()
    this.#hearer.head(head)
    this.#takeBody(bytes, from)
  }

  #takeBody(bytes: Buffer, from: number): void {
    switch (this.#part) {
      case 'sized': {
        const end = Math.min(bytes.length, from + this.#left)
        this.#left -= end - from
        this.#data(bytes, from, end)
        if (this.#left === 0) this.#end(end === bytes.length ? 'clean' : 'spilled')
        break
      }
      case 'chunked':
        if (this.#chunked !== null) this.#takeChunks(this.#chunked, bytes, from)
        break
      case 'until-close':
        this.#data(bytes, from, bytes.length)
        break
      case 'head':
      case 'over':
        break
    }
  }

  #takeChunks(chunked: Chunked, bytes: Buffer, from: number): void {
    chunked.take(bytes, from)
    this.#data(bytes, chunked.start, chunked.end)
    if (chunked.isMalformed) this.#malformed('its chunks are out of order')
    else if (chunked.isOver) this.#end(chunked.next === bytes.length ? 'clean' : 'spilled')
  }

  #data(bytes: Buffer, start: number, end: number): void {
    if (end > start) this.#hearer.data(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end))
  }

  #end(rest: 'clean' | 'spilled'): void {
    this.#part = 'over'
    this.#hearer.end(rest)
  }

  #malformed(why: string): void {
    this.#part = 'over'
    this.#begun = nothing
    this.#hearer.malformed(why)
  }
}
