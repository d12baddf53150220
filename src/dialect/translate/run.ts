import { stringEnd } from '../../lib/json-scan.ts'
import { bounds, digitsEnd, Stencil, stencilBytesMax, type Hole, type Place } from '../stencil.ts'
import type { DeltaForm, StreamReader, StreamWriter } from './hub.ts'

/** Texts of a run are taken into account together, when there are so many. Larger ones go the whole way. Unit: bytes. */
export const textsBytesMax = 1024

/** Members that are the text of a delta, in any dialect. */
const textMembers = ['delta', 'text', 'thinking', 'partial_json', 'content', 'refusal', 'arguments', 'input'] as const

/** What numbers an event, and what only hides its length, is of no meaning to whoever translates it. */
const meaningless: readonly { readonly opening: string; readonly is: Hole['is'] }[] = [
  { opening: '"sequence_number":', is: 'digits' },
  { opening: '"obfuscation":"', is: 'text' },
]

interface Ends {
  readonly reader: StreamReader
  readonly writer: StreamWriter
}

/**
 * Deltas that come one after another and differ in their text alone, as most of a stream does. The first of them goes the whole way: it is parsed, read into the
 * hub and written out of it. Of those that follow only the text is copied, from the one form into the other; reader and writer hear of them later, together.
 */
export class Run {
  readonly #ends: Ends
  readonly #stencil: Stencil
  /** Where in the bounds the text stands. */
  readonly #at: number
  /** What the client gets, but for the text and the number; behind it the texts that reader and writer have not heard of, as JSON. One piece, as in a stencil. */
  readonly #memory: Buffer
  readonly #behindAt: number
  readonly #endAt: number
  readonly #textsAt: number
  #textsEnd: number
  #events = 0
  /** Of the next event; -1: it has none. */
  #number: number

  private constructor(ends: Ends, stencil: Stencil, at: number, { before, behind, number, end }: DeltaForm) {
    const form = [before, behind, end].map((text) => Buffer.from(text))
    const [, behindAt = 0, endAt = 0, textsAt = 0] = startsOf(form)
    this.#ends = ends
    this.#stencil = stencil
    this.#at = at
    this.#memory = Buffer.alloc(textsAt + textsBytesMax)
    Buffer.concat(form).copy(this.#memory)
    this.#behindAt = behindAt
    this.#endAt = endAt
    this.#textsAt = textsAt
    this.#textsEnd = textsAt
    this.#number = number ?? -1
  }

  /**
   * @param event that came to one delta of the hub without asides, and to one buffer for the client.
   * @param text of that delta. Null: it cannot be told from the rest of the event.
   */
  static after(event: Place, text: string, ends: Ends): Run | null {
    const form = ends.writer.lastDelta()
    if (form === null || event.end - event.start > stencilBytesMax) return null
    const texts = textMembers
      .flatMap((member) => holeBehind(event, `"${member}":"`, 'text') ?? [])
      .filter((hole) => textIn(event.bytes, hole.start, hole.end) === text)
    const [place, another] = texts
    if (place === undefined || another !== undefined) return null
    const others = meaningless.flatMap(({ opening, is }) => holeBehind(event, opening, is) ?? [])
    const holes = [place, ...others].toSorted((a, b) => a.start - b.start)
    return new Run(ends, new Stencil(event, holes), 2 * holes.indexOf(place), form)
  }

  /** The next event as the client gets it; null: it has to go the whole way, and the run is over. */
  next(bytes: Buffer, start: number, end: number): Buffer | null {
    if (!this.#stencil.matches(bytes, start, end)) return null
    const from = bounds[this.#at] ?? 0
    const to = bounds[this.#at + 1] ?? 0
    if (!isSound(bytes, from, to)) return null
    if (this.#textsEnd + to - from > this.#memory.length && (to - from > textsBytesMax || !this.settle())) return null
    for (let at = from; at < to; at++) this.#memory[this.#textsEnd++] = bytes[at] ?? 0
    this.#events++
    return this.#said(bytes, from, to)
  }

  /** Reader and writer hear of what they have not heard of. False: that is more than the reader keeps. */
  settle(): boolean {
    if (this.#events === 0) return true
    const text = textIn(this.#memory, this.#textsAt, this.#textsEnd) ?? ''
    const events = this.#events
    this.#events = 0
    this.#textsEnd = this.#textsAt
    this.#ends.writer.grow(text, events)
    return this.#ends.reader.grow(text)
  }

  #said(bytes: Buffer, from: number, to: number): Buffer {
    const memory = this.#memory
    const isNumbered = this.#number !== -1
    const said = Buffer.allocUnsafe(this.#textsAt + to - from + (isNumbered ? digitsOf(this.#number) : 0))
    let at = memory.copy(said, 0, 0, this.#behindAt)
    at += bytes.copy(said, at, from, to)
    at += memory.copy(said, at, this.#behindAt, this.#endAt)
    if (isNumbered) at = numbered(this.#number++, said, at)
    memory.copy(said, at, this.#endAt, this.#textsAt)
    return said
  }
}

/** Where each begins that is laid behind the others, and where the last one ends. */
function startsOf(pieces: readonly Buffer[]): readonly number[] {
  let at = 0
  return [0, ...pieces.map((piece) => (at += piece.length))]
}

function digitsOf(number: number): number {
  let digits = 1
  for (let rest = number; rest >= 10; rest = Math.floor(rest / 10)) digits++
  return digits
}

function numbered(number: number, target: Buffer, at: number): number {
  const end = at + digitsOf(number)
  let rest = number
  for (let i = end - 1; i >= at; i--) {
    target[i] = 0x30 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
  return end
}

/** Null: there is no such member, or more than one. */
function holeBehind({ bytes, start, end }: Place, opening: string, is: Hole['is']): Hole | null {
  const event = bytes.subarray(start, end)
  const found = event.indexOf(opening)
  if (found === -1 || event.indexOf(opening, found + 1) !== -1) return null
  const from = start + found + opening.length
  const to = is === 'text' ? stringEnd(bytes, from, end) : digitsEnd(bytes, from, end)
  return to === -1 ? null : { start: from, end: to, is }
}

/** Whether it is a text, and one that can be copied as it is spelled. */
function isSound(bytes: Buffer, from: number, to: number): boolean {
  let at = from
  while (at < to && bytes[at] !== 0x5c && (bytes[at] ?? 0) < 0x80) at++
  if (at === to) return to > from
  const text = textIn(bytes, from, to)
  return text !== null && !text.includes('\ufffd')
}

/** What a JSON string without its quotes says; null where it is malformed. */
function textIn(bytes: Buffer, start: number, end: number): string | null {
  const json = bytes.toString('utf8', start, end)
  if (!json.includes('\\')) return json
  try {
    return JSON.parse(`"${json}"`) as string
  } catch {
    return null
  }
}
