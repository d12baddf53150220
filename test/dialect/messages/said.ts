import type { UpstreamModel } from '../../../src/core/ids.ts'
import type { Plan } from '../../../src/core/shape.ts'
import type { Endpoint, Turn } from '../../../src/core/turn.ts'
import type { Read } from '../../../src/dialect/dialect.ts'
import { governed, read } from '../../../src/dialect/messages/read.ts'
import { Body } from '../../../src/lib/body.ts'
import type { Headers } from '../../../src/lib/headers.ts'

export const model = 'claude-opus-5'

/** A question that says this beside what every question says. */
export const ask = (more: object = {}) => ({ model, max_tokens: 64, messages: [{ role: 'user', content: 'hi' }], ...more })

export function bodyOf(said: string | object): Body {
  const parsed = Body.parse(Buffer.from(typeof said === 'string' ? said : JSON.stringify(said)), governed)
  if (parsed.kind !== 'body') throw new Error(`no body: ${parsed.kind}`)
  return parsed.body
}

export function readOf(said: string | object, headers: Headers = {}, endpoint: Endpoint = 'messages'): Read {
  return read(bodyOf(said), endpoint, headers)
}

/** The turn that a body asks for; throws where it is refused. */
export function turnOf(said: string | object, headers: Headers = {}, endpoint: Endpoint = 'messages'): Turn {
  const made = readOf(said, headers, endpoint)
  if (made.kind !== 'turn') throw new Error(`refused: ${made.refusal.message}`)
  return made.turn
}

/** A plan that changes nothing but this. */
export function planOf(more: Partial<Plan> = {}): Plan {
  return {
    upstream: 'anthropic',
    endpoint: 'messages',
    model: model as UpstreamModel,
    renamed: null,
    tier: { kind: 'pass', rule: null, canonical: null },
    filterTo: null,
    dropItems: [],
    frame: null,
    ...more,
  }
}

/** An event as Anthropic sends it. */
export const sse = (type: string, more: object = {}) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`

const message = { id: 'msg_1', type: 'message', role: 'assistant', model, content: [], stop_reason: null, stop_sequence: null }

/** The first event of a message, with this usage. */
export const started = (usage: unknown = { input_tokens: 10, output_tokens: 1 }, more: object = {}) =>
  sse('message_start', { message: { ...message, usage, ...more } })
/** The last but one. */
export const ending = (stopReason: string | null = 'end_turn', usage: unknown = { output_tokens: 5 }) =>
  sse('message_delta', { delta: { stop_reason: stopReason, stop_sequence: null }, usage })
export const stopped = sse('message_stop')
export const text = (said: string, index = 0) => sse('content_block_delta', { index, delta: { type: 'text_delta', text: said } })
export const blockStart = (block: object = { type: 'text', text: '' }, index = 0) => sse('content_block_start', { index, content_block: block })
export const blockStop = (index = 0) => sse('content_block_stop', { index })
