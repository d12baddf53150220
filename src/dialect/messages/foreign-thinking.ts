import type { Sealed } from '../../core/turn.ts'
import type { Body, Edit, Span } from '../../lib/body.ts'
import { sealHash } from '../question.ts'
import { listOf } from '../responses/items.ts'
import { encryptedOf } from '../translate/messages/seal.ts'

/*
 * A dialogue that was served by translation for a while holds thinking that no Claude signed: its signature is empty, or what another service sealed, with a
 * mark of ours. Anthropic refuses a whole question for one such block (protocols.md 5.2), now and on every later turn, so they stay behind.
 */

/** What no such block can be without. */
const telling = ['"turnout.', '"signature":""', '"signature": ""'] as const

function mayBeForeign(body: Body): boolean {
  const span = body.span('messages')
  if (span === null) return false
  const text = body.bytes.subarray(span.start, span.end)
  return telling.some((word) => text.includes(word, 0, 'latin1'))
}

/** None where there is no such block, which is told without taking the messages apart. */
export function withoutForeignThinking(body: Body): readonly Edit[] {
  if (!mayBeForeign(body)) return []
  const kept = (body.items('messages') ?? []).map((message) => withoutForeign(body, message))
  if (kept.every(({ kind }) => kind === 'same')) return []
  const pieces = kept.flatMap((message) => (message.kind === 'gone' ? [] : [message.pieces]))
  return [{ kind: 'set', member: 'messages', json: listOf(pieces) }]
}

/** What other services sealed of it, by the place among all such blocks: they take it back only from those to whom they gave it. */
export function sealedThinking(body: Body): readonly Sealed[] {
  if (!mayBeForeign(body)) return []
  const seals = (body.items('messages') ?? []).flatMap((span) => {
    const message = body.within(span)
    return (message?.items('content') ?? []).flatMap((block) => encryptedOf(message?.within(block)?.value('signature')) ?? [])
  })
  return seals.map((seal, index) => ({ index, hash: sealHash(seal) }))
}

type Kept = { readonly kind: 'same' | 'less'; readonly pieces: readonly Buffer[] } | { readonly kind: 'gone' }

/** A message that held nothing else goes as a whole: one without content is refused too. */
function withoutForeign(body: Body, span: Span): Kept {
  const message = body.within(span)
  const blocks = message?.items('content') ?? []
  const indexes = blocks.flatMap((block, index) => (message !== null && isForeign(message.within(block)) ? [index] : []))
  if (message === null || indexes.length === 0) return { kind: 'same', pieces: [body.bytes.subarray(span.start, span.end)] }
  if (indexes.length === blocks.length) return { kind: 'gone' }
  return { kind: 'less', pieces: message.edited([{ kind: 'drop-items', member: 'content', indexes }]).pieces }
}

function isForeign(block: Body | null): boolean {
  if (block?.value('type') !== 'thinking') return false
  const signature = block.value('signature')
  return signature === '' || encryptedOf(signature) !== null
}
