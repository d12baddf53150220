import type { Item, Items } from '../../core/transcript.ts'
import { Body } from '../../lib/body.ts'
import { closeBracket, found, openBrace, openBracket, quote, skipSpace, walkArray } from '../../lib/json-scan.ts'
import { isReference } from './read.ts'
import { sealOf } from './response.ts'

const firstOfNull = 0x6e
const messageHead = Buffer.from('{"type":"message","role":"user","content":')
const messageTail = Buffer.from('}')
const opening = Buffer.from('[')
const comma = Buffer.from(',')
const closing = Buffer.from(']')

/** What a question says itself, as items of a dialogue. Null: its `input` is neither text nor a list. */
export function itemsOf(body: Body): Items | null {
  const input = body.span('input')
  const first = input === null ? firstOfNull : body.bytes[input.start]
  if (input === null || first === firstOfNull) return copied([opening, closing])
  const text = body.bytes.subarray(input.start, input.end)
  if (first === quote) return copied([opening, messageHead, text, messageTail, closing])
  return first === openBracket ? kept(text) : null
}

/** The text of a list that has anything in it; null where the member is nothing of the kind. */
export function filled(body: Body, member: string): Buffer | null {
  const span = body.span(member)
  if (span === null || body.bytes[span.start] !== openBracket) return null
  const first = skipSpace(body.bytes, span.start + 1, span.end)
  return body.bytes[first] === closeBracket ? null : body.bytes.subarray(span.start, span.end)
}

/** The items of a JSON list that is most of the memory in which it stands: that need not be copied. */
function kept(text: Buffer): Items {
  return 2 * text.length >= text.buffer.byteLength ? new List(text) : copied([text])
}

/** The items of a JSON list that comes in pieces: copied, so that they keep alive no byte but their own. */
export function copied(pieces: readonly Buffer[]): Items {
  // Not from the shared pool: a small list must not keep eight kilobytes of it.
  const json = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) at += piece.copy(json, at)
  return new List(json)
}

class List implements Items {
  readonly #json: Buffer

  constructor(json: Buffer) {
    this.#json = json
  }

  get bytes(): number {
    return this.#json.buffer.byteLength
  }

  apart(): readonly Item[] | null {
    if (walkArray(this.#json, 0, this.#json.length) === -1) return null
    const bounds = found.copy()
    const items: Item[] = []
    for (let at = 0; at < bounds.length; at += 2) {
      const item = itemAt(this.#json, bounds[at] ?? 0, bounds[at + 1] ?? 0)
      if (item === null) return null
      items.push(item)
    }
    return items
  }
}

/** A JSON list of items, each given in pieces. */
export function listOf(items: readonly (readonly Buffer[])[]): readonly Buffer[] {
  const pieces: Buffer[] = [opening]
  for (const item of items) {
    if (pieces.length > 1) pieces.push(comma)
    for (const piece of item) pieces.push(piece)
  }
  pieces.push(closing)
  return pieces
}

/** What is no object is nothing that we know, and is said as it stands; an object that cannot be read may be anything. */
function itemAt(list: Buffer, start: number, end: number): Item | null {
  const json = list.subarray(start, end)
  const item = Body.of(list, start, end)
  if (item === null) return list[start] === openBrace ? null : { json, is: 'other', sealed: null, hasId: false }
  return { json, is: kindOf(item), sealed: sealOf(item), hasId: item.span('id') !== null }
}

function kindOf(item: Body): Item['is'] {
  const type = item.value('type')
  if (type === 'reasoning' || type === 'compaction') return type
  return isReference(item) ? 'reference' : 'other'
}
