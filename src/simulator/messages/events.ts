import type { Answer, Item } from '../answer.ts'
import type { JsonObject } from '../error.ts'
import { frame, type Frame } from '../frame.ts'
import { messagesUsage, servedAs } from './usage.ts'

/** The tokens that an answer is said to have before it has begun. */
const outputTokensBegun = 1

/** One block of content as it ends. */
type Block =
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: JsonObject }

/** What a block begins with, and what is added to it. */
interface Growth {
  readonly begun: JsonObject
  readonly deltas: readonly JsonObject[]
}

/** Every event of an answer, `message_stop` last (protocols.md 5.3). */
export function messageEventsOf(answer: Answer, paceMs: number): readonly Frame[] {
  const begun = messagesUsage(answer, outputTokensBegun)
  const usage = begun === null ? null : { ...begun, ...servedAs(answer) }
  const stop = { stop_reason: stopOf(answer), stop_sequence: null, stop_details: null, container: null }
  return [
    frame({ type: 'message_start', message: messageOf(answer, { content: [], stop_reason: null, usage }) }),
    frame({ type: 'ping' }),
    ...answer.items.filter(isSaid).flatMap((item, index) => blockEvents(item, index, paceMs)),
    frame({ type: 'message_delta', delta: stop, usage: messagesUsage(answer) }),
    frame({ type: 'message_stop' }),
  ]
}

/** How many events tell that an answer is over. */
export const endingEvents = 2

/** The whole answer as one JSON object. */
export function messageText(answer: Answer): string {
  const content = answer.terminalOutput === 'whole' ? answer.items.filter(isSaid).map(blockOf) : []
  const usage = messagesUsage(answer)
  return JSON.stringify(messageOf(answer, { content, stop_reason: stopOf(answer), usage: usage === null ? null : { ...usage, ...servedAs(answer) } }))
}

function messageOf(answer: Answer, { content, stop_reason, usage }: JsonObject): JsonObject {
  const head = { id: answer.id, type: 'message', role: 'assistant', model: answer.model, content }
  return { ...head, stop_reason, stop_sequence: null, stop_details: null, usage, container: null }
}

/** A text without words has no block. */
const isSaid = (item: Item) => item.kind !== 'message' || item.pieces.length > 0

function stopOf(answer: Answer): string {
  if (answer.ending === 'max_output_tokens') return 'max_tokens'
  return answer.items.some((item) => item.kind === 'call') ? 'tool_use' : 'end_turn'
}

function blockOf(item: Item): Block {
  switch (item.kind) {
    case 'reasoning':
      return { type: 'thinking', thinking: item.summary ?? '', signature: item.sealed ?? '' }
    case 'message':
      return { type: 'text', text: item.pieces.join('') }
    case 'call':
      return { type: 'tool_use', id: item.callId, name: item.name, input: inputOf(item.says) }
  }
}

/** Arguments are an object here; what is none is kept inside one. */
function inputOf(says: string): JsonObject {
  try {
    return JSON.parse(says) as JsonObject
  } catch {
    return { asked: says }
  }
}

function blockEvents(item: Item, index: number, paceMs: number): readonly Frame[] {
  const { begun, deltas } = growthOf(item)
  return [
    frame({ type: 'content_block_start', index, content_block: begun }),
    ...deltas.map((delta) => ({ ...frame({ type: 'content_block_delta', index, delta }), waitMs: paceMs })),
    frame({ type: 'content_block_stop', index }),
  ]
}

function growthOf(item: Item): Growth {
  const block = blockOf(item)
  switch (block.type) {
    case 'thinking': {
      const thoughts = halves(block.thinking).map((thinking) => ({ type: 'thinking_delta', thinking }))
      return { begun: { ...block, thinking: '', signature: '' }, deltas: [...thoughts, { type: 'signature_delta', signature: block.signature }] }
    }
    case 'text': {
      const pieces = item.kind === 'message' ? item.pieces : []
      return { begun: { type: 'text', text: '' }, deltas: pieces.map((text) => ({ type: 'text_delta', text })) }
    }
    case 'tool_use': {
      const pieces = ['', ...halves(JSON.stringify(block.input))]
      return { begun: { ...block, input: {} }, deltas: pieces.map((json) => ({ type: 'input_json_delta', partial_json: json })) }
    }
  }
}

function halves(text: string): readonly string[] {
  const half = Math.ceil(text.length / 2)
  return text === '' ? [] : [text.slice(0, half), text.slice(half)]
}
