import { sseEvent } from '../../../lib/sse.ts'
import type { Json } from '../../json.ts'

/** Events of a Messages stream as the wire has them (protocols.md 5.3). */

export function messageStart(message: Json): Buffer {
  return event({ type: 'message_start', message })
}

export const ping = sseEvent('ping', '{"type": "ping"}')

export function blockStart(index: number, block: Json): Buffer {
  return event({ type: 'content_block_start', index, content_block: block })
}

export function blockStop(index: number): Buffer {
  return event({ type: 'content_block_stop', index })
}

/** The commonest event, up to its text. */
export function deltaOpening(index: number, type: DeltaType): string {
  return `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"${type}","${deltaMembers[type]}":"`
}

export const deltaClosing = '"}}\n\n'

export function blockDelta(index: number, type: DeltaType, text: string): Buffer {
  return Buffer.from(`${deltaOpening(index, type)}${JSON.stringify(text).slice(1, -1)}${deltaClosing}`)
}

const deltaMembers = { text_delta: 'text', thinking_delta: 'thinking', input_json_delta: 'partial_json', signature_delta: 'signature' } as const
export type DeltaType = keyof typeof deltaMembers

export function messageDelta(delta: Json, usage: Json): Buffer {
  return event({ type: 'message_delta', delta, usage })
}

export const messageStop = sseEvent('message_stop', '{"type":"message_stop"}')

function event(said: Json & { readonly type: string }): Buffer {
  return sseEvent(said.type, JSON.stringify(said))
}
