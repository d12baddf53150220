import { Body, type Edit, type Span } from '../../lib/body.ts'
import { quote, stringEnd } from '../../lib/json-scan.ts'
import type { Seen } from '../dialect.ts'
import { JsonEvent } from '../json-event.ts'

/*
 * The chunks of an answer are alike but for a few words of text: what was found out about one holds for the next, where everything around its texts is the
 * same, byte for byte. To compare costs a tenth of what it costs to take a chunk apart, and most of a stream is such chunks.
 */

/** The one value for output whose bytes stand as they came. */
export const output: Seen = { kind: 'output' }

/** Larger chunks are not for a few words, and not kept. Unit: bytes. */
const eventBytesMax = 4096

/** Stands for a text while the rest of a chunk is edited. No JSON that is to be read contains it. */
const mark = Buffer.from([0])

export interface Place extends Span {
  readonly bytes: Buffer
}

/** A chunk of output, and every other that differs from it in its texts only. */
export class Alike {
  /** What stands before, between and behind the texts. */
  readonly #around: readonly Buffer[]
  /** The same of what the client gets; null: the very bytes. */
  readonly #edited: readonly Buffer[] | null
  /** Where the texts of the chunk at hand begin and end. */
  readonly #bounds: number[] = []

  private constructor(around: readonly Buffer[], edited: readonly Buffer[] | null) {
    this.#around = around
    this.#edited = edited
  }

  /** @param edits what the client gets differently. Null: the chunk has no text that could be another one. */
  static to(event: JsonEvent, { bytes, start, end }: Place, edits: readonly Edit[]): Alike | null {
    if (end - start > eventBytesMax || event.data.bytes !== bytes) return null
    const texts = textsIn(event.data)
    if (texts.length === 0) return null
    const around = apart({ bytes, start, end }, texts)
    if (edits.length === 0) return new Alike(around, null)
    const edited = withEdits(around, edits)
    return edited === null ? null : new Alike(around, edited)
  }

  /** Null: it is not like this one. */
  see(bytes: Buffer, start: number, end: number): Seen | null {
    const around = this.#around
    let at = start
    for (const [nth, piece] of around.entries()) {
      const to = at + piece.length
      if (to > end || piece.compare(bytes, at, to) !== 0) return null
      at = to
      if (nth === around.length - 1) break
      at = stringEnd(bytes, to, end)
      if (at <= to) return null
      this.#bounds[2 * nth] = to
      this.#bounds[2 * nth + 1] = at
    }
    if (at !== end) return null
    return this.#edited === null ? output : { kind: 'instead', events: [this.#filled(bytes, this.#edited)], isOutput: true }
  }

  #filled(bytes: Buffer, edited: readonly Buffer[]): Buffer {
    const bounds = this.#bounds
    let length = 0
    for (const piece of edited) length += piece.length
    for (let nth = 0; nth < bounds.length; nth += 2) length += (bounds[nth + 1] ?? 0) - (bounds[nth] ?? 0)
    const filled = Buffer.allocUnsafe(length)
    let at = 0
    for (const [nth, piece] of edited.entries()) {
      at += piece.copy(filled, at)
      if (nth < edited.length - 1) at += bytes.copy(filled, at, bounds[2 * nth], bounds[2 * nth + 1])
    }
    return filled
  }
}

/** Members of a delta that are texts, as upstreams call them. */
const textMembers = ['content', 'reasoning_content', 'reasoning', 'refusal'] as const

/** Where the texts of a chunk stand, without their quotes; none where it brings none. */
function textsIn(data: Body): readonly Span[] {
  const choice = onlyItem(data, 'choices')
  const delta = within(choice, 'delta')
  const call = within(onlyItem(delta, 'tool_calls'), 'function')
  const texts = [...textMembers.map((member) => textOf(delta, member)), textOf(call, 'arguments')].filter((text) => text !== null)
  const padding = textOf(data, 'obfuscation')
  if (texts.length > 0 && padding !== null) texts.push(padding)
  return texts.sort((a, b) => a.start - b.start)
}

function onlyItem(body: Body | null, member: string): Body | null {
  const [item, another] = body?.items(member) ?? []
  return body === null || item === undefined || another !== undefined ? null : body.within(item)
}

function within(body: Body | null, member: string): Body | null {
  const span = body?.span(member) ?? null
  return body === null || span === null ? null : body.within(span)
}

function textOf(body: Body | null, member: string): Span | null {
  const span = body?.span(member) ?? null
  return body === null || span === null || body.bytes[span.start] !== quote || span.end - span.start === 2 ? null : { start: span.start + 1, end: span.end - 1 }
}

/** What stands around these texts, copied. */
function apart({ bytes, start, end }: Place, texts: readonly Span[]): readonly Buffer[] {
  const starts = [start, ...texts.map((text) => text.end)]
  const ends = [...texts.map((text) => text.start), end]
  return starts.map((from, nth) => Buffer.from(bytes.subarray(from, ends[nth])))
}

function withEdits(around: readonly Buffer[], edits: readonly Edit[]): readonly Buffer[] | null {
  const marked = Buffer.concat(around.flatMap((piece) => [mark, piece]).slice(1))
  const edited = JsonEvent.parse(marked, { start: 0, end: marked.length, framing: 'sse' })?.with(edits) ?? marked
  const pieces: Buffer[] = []
  let from = 0
  for (let to = edited.indexOf(mark); to !== -1; to = edited.indexOf(mark, from)) {
    pieces.push(edited.subarray(from, to))
    from = to + mark.length
  }
  pieces.push(edited.subarray(from))
  return pieces.length === around.length ? pieces : null
}
