import type { Item } from '../../core/transcript.ts'
import { Body, type Span } from '../../lib/body.ts'
import { openBrace, openBracket, quote } from '../../lib/json-scan.ts'
import { isReference } from './read.ts'
import { sealOf } from './response.ts'

/** JSON text somewhere in a buffer. */
export interface Text extends Span {
  readonly bytes: Buffer
}

const firstOfNull = 0x6e
const messageHead = Buffer.from('{"type":"message","role":"user","content":')
const messageTail = Buffer.from('}')
const opening = Buffer.from('[')
const comma = Buffer.from(',')
const closing = Buffer.from(']')

/** What a question says itself, as items of a dialogue. Null: its `input` is neither text nor a list, or cannot be taken apart. */
export function itemsOf(body: Body): readonly Item[] | null {
  const input = body.span('input')
  const first = input === null ? firstOfNull : body.bytes[input.start]
  if (input === null || first === firstOfNull) return []
  if (first === quote) {
    const message = Buffer.concat([messageHead, body.bytes.subarray(input.start, input.end), messageTail])
    return packed([{ bytes: message, start: 0, end: message.length }], message.length)
  }
  const spans = first === openBracket ? body.items('input') : null
  return spans === null ? null : packed(textsOf(body, spans), Infinity)
}

export function textsOf({ bytes }: Body, spans: readonly Span[]): readonly Text[] {
  return spans.map(({ start, end }) => ({ bytes, start, end }))
}

/**
 * The items that these texts are, copied side by side, so that they keep alive no byte but their own. Null: one of them cannot be read, or all are
 * larger than `bytesMax`.
 */
export function packed(texts: readonly Text[], bytesMax: number): readonly Item[] | null {
  const total = texts.reduce((sum, { start, end }) => sum + end - start, 0)
  if (total > bytesMax) return null
  // Not from the shared pool: a small item must not keep eight kilobytes of it.
  const shelf = Buffer.allocUnsafeSlow(total)
  const items: Item[] = []
  let at = 0
  for (const { bytes, start, end } of texts) {
    const to = at + bytes.copy(shelf, at, start, end)
    const item = itemAt(shelf, at, to)
    if (item === null) return null
    items.push(item)
    at = to
  }
  return items
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
function itemAt(shelf: Buffer, start: number, end: number): Item | null {
  const json = shelf.subarray(start, end)
  const item = Body.of(shelf, start, end)
  if (item === null) return shelf[start] === openBrace ? null : { json, is: 'other', sealed: null, hasId: false }
  return { json, is: kindOf(item), sealed: sealOf(item), hasId: item.span('id') !== null }
}

function kindOf(item: Body): Item['is'] {
  const type = item.value('type')
  if (type === 'reasoning' || type === 'compaction') return type
  return isReference(item) ? 'reference' : 'other'
}
