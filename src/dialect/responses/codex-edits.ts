import type { Plan } from '../../core/shape.ts'
import { Body, type Edit, type Span } from '../../lib/body.ts'
import { openBracket, quote } from '../../lib/json-scan.ts'
import { listOf } from './items.ts'

/** What the Codex backend demands of every question, as declared edits (protocols.md 3.3). Nothing here depends on what an earlier attempt did. */

/** Members that the backend refuses, whoever asks for them. */
const unsupported = ['max_output_tokens', 'prompt_cache_retention', 'safety_identifier', 'stream_options', 'temperature', 'top_p'] as const
/** Of requests alone: over WebSocket both are understood. */
const unsupportedOverHttp = ['generate', 'previous_response_id'] as const
/** A question whose answer is no stream has neither. */
const ofStreams = ['store', 'stream'] as const

/** An id as the backend gives them, by its typed prefix. */
const typedId = /^[a-z]+_./

export function codexEdits(plan: Plan, body: Body): readonly Edit[] {
  const edits: Edit[] = []
  const isFrame = plan.frame?.to === 'websocket'
  const isStream = plan.endpoint === 'responses'
  const gone = [...unsupported, ...(isFrame ? [] : unsupportedOverHttp), ...(isStream ? [] : ofStreams)]
  for (const member of gone) if (body.span(member) !== null) edits.push({ kind: 'drop', member })
  if (isStream && body.value('store') !== false) edits.push({ kind: 'set', member: 'store', json: 'false' })
  if (isStream && !isFrame && body.value('stream') !== true) edits.push({ kind: 'set', member: 'stream', json: 'true' })
  if (typeof body.value('instructions') !== 'string') edits.push({ kind: 'set', member: 'instructions', json: '""' })
  // A dialogue that is said again stands in place of the question's own input.
  const input = plan.frame?.replay === undefined || plan.frame.replay === null ? inputOf(plan, body) : null
  if (input !== null) edits.push({ kind: 'set', member: 'input', json: input })
  return edits
}

/** The input as a list of items that the backend takes; null: it is one as it stands. */
function inputOf(plan: Plan, body: Body): readonly Buffer[] | null {
  const span = body.span('input')
  const first = span === null ? undefined : body.bytes[span.start]
  if (span === null || (first !== quote && first !== openBracket)) return listOf([])
  if (first === quote) {
    const text = body.bytes.subarray(span.start, span.end)
    return [Buffer.from('[{"type":"message","role":"user","content":[{"type":"input_text","text":'), text, Buffer.from('}]}]')]
  }
  return needsRewriting(body, span) ? rewritten(plan, body) : null
}

/** Whether an item may have what the backend does not take. It is looked for without taking the input apart. */
function needsRewriting(body: Body, span: Span): boolean {
  const text = body.bytes.subarray(span.start, span.end)
  return ['"system"', '"id"', '\\u00'].some((word) => text.includes(word, 0, 'latin1'))
}

function rewritten(plan: Plan, body: Body): readonly Buffer[] | null {
  const items = body.items('input')
  if (items === null) return null
  const dropped = new Set(plan.dropItems)
  const kept: (readonly Buffer[])[] = []
  let isChanged = false
  for (const [index, span] of items.entries()) {
    if (dropped.has(index)) continue
    const bytes = body.bytes.subarray(span.start, span.end)
    const edited = codexItem(bytes, dropped.size > 0 ? 'no-ids' : 'typed-ids')
    isChanged ||= edited !== null
    kept.push(edited ?? [bytes])
  }
  return isChanged ? listOf(kept) : null
}

/** One item as the backend takes it: instructions come from a developer, and an id has a typed prefix or is left out. Null: as it stands. */
export function codexItem(json: Buffer, ids: 'typed-ids' | 'no-ids'): readonly Buffer[] | null {
  const body = Body.of(json)
  if (body === null) return null
  const edits: Edit[] = []
  if (body.value('role') === 'system') edits.push({ kind: 'set', member: 'role', json: '"developer"' })
  const id = body.value('id')
  const isReference = body.value('type') === 'item_reference'
  const isUntyped = typeof id !== 'string' || !typedId.test(id)
  if (body.span('id') !== null && !isReference && (ids === 'no-ids' || isUntyped)) edits.push({ kind: 'drop', member: 'id' })
  return edits.length === 0 ? null : body.edited(edits).pieces
}
