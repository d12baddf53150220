import { Body, type Edit, type Span } from '../../lib/body.ts'
import { quote } from '../../lib/json-scan.ts'
import type { Seen } from '../dialect.ts'
import { JsonEvent } from '../json-event.ts'
import { around, bounds, Stencil, stencilBytesMax, type Place } from '../stencil.ts'

/** The one value for output whose bytes stand as they came. */
export const output: Seen = { kind: 'output' }

/** Stands for a text while the rest of a chunk is edited. No JSON that is to be read contains it. */
const mark = Buffer.from([0])

/** A chunk of output, and every other that differs from it in its texts only. */
export class Alike {
  readonly #stencil: Stencil
  readonly #texts: number
  /** What stands around the texts in what the client gets; null: the very bytes. */
  readonly #edited: readonly Buffer[] | null

  private constructor(stencil: Stencil, texts: number, edited: readonly Buffer[] | null) {
    this.#stencil = stencil
    this.#texts = texts
    this.#edited = edited
  }

  /** @param edits what the client gets differently. Null: the chunk has no text that could be another one. */
  static to(event: JsonEvent, place: Place, edits: readonly Edit[]): Alike | null {
    if (place.end - place.start > stencilBytesMax || event.data.bytes !== place.bytes) return null
    const texts = textsIn(event.data)
    if (texts.length === 0) return null
    const holes = texts.map((text) => ({ ...text, is: 'text' }) as const)
    const stencil = new Stencil(place, holes)
    if (edits.length === 0) return new Alike(stencil, holes.length, null)
    const edited = withEdits(around(place, holes), edits)
    return edited === null ? null : new Alike(stencil, holes.length, edited)
  }

  /** Null: it is not like this one. A text that is empty may be no output. */
  see(bytes: Buffer, start: number, end: number): Seen | null {
    if (!this.#stencil.matches(bytes, start, end)) return null
    for (let nth = 0; nth < 2 * this.#texts; nth += 2) if (bounds[nth] === bounds[nth + 1]) return null
    return this.#edited === null ? output : { kind: 'instead', events: [this.#filled(bytes, this.#edited)], isOutput: true }
  }

  #filled(bytes: Buffer, edited: readonly Buffer[]): Buffer {
    let length = 0
    for (const piece of edited) length += piece.length
    for (let nth = 0; nth < 2 * this.#texts; nth += 2) length += (bounds[nth + 1] ?? 0) - (bounds[nth] ?? 0)
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
