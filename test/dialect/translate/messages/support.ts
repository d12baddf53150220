import type { ClientModel } from '../../../../src/core/ids.ts'
import { isObject, type Json } from '../../../../src/dialect/json.ts'
import type { HubEvent, Telling } from '../../../../src/dialect/translate/hub.ts'
import { noMemo } from '../../../../src/dialect/translate/hub.ts'
import { messagesTranslator } from '../../../../src/dialect/translate/messages/translator.ts'
import { eventFields, joinedData } from '../../../../src/lib/sse.ts'

export const startedAtS = 1_795_000_000

export function telling(more: Partial<Telling> = {}): Telling {
  return { restore: null, model: 'the-model' as ClientModel, wantsUsage: true, startedAtS, memo: noMemo, ...more }
}

/** Throws where it cannot be said. */
export function toHub(question: Json): Json {
  const said = messagesTranslator.toHub(question)
  if (said.kind === 'unsayable') throw new Error(said.refusal.message)
  return said.question
}

/** Throws where it cannot be said. */
export function fromHub(question: Json): Json {
  const said = messagesTranslator.fromHub(question)
  if (said.kind === 'unsayable') throw new Error(said.refusal.message)
  return said.question
}

/** The hub's events of a stream of Messages, to its clean end. */
export function readAll(events: readonly Json[], more: Partial<Telling> = {}): readonly HubEvent[] {
  const reader = messagesTranslator.reader(telling(more))
  return [...events.flatMap((event) => reader.read(typeof event['type'] === 'string' ? event['type'] : null, event)), ...reader.close()]
}

/** The events of Messages that a stream of the hub is written as. */
export function writeAll(events: readonly HubEvent[], more: Partial<Telling> = {}): readonly Json[] {
  const writer = messagesTranslator.writer(telling(more))
  return events.flatMap((event) => writer.write(event)).map(parsedEvent)
}

/** One event as it is written, with the name that it stands under checked against its own. */
export function parsedEvent(bytes: Buffer): Json {
  const data: unknown = JSON.parse(joinedData(bytes, 0, bytes.length)?.toString('utf8') ?? '')
  const { event } = eventFields(bytes, 0, bytes.length)
  if (!isObject(data) || data['type'] !== event || !bytes.toString('utf8').endsWith('\n\n')) throw new Error(`no event: ${bytes.toString('utf8')}`)
  return data
}

export const memberOf = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), value)

export function listIn(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** Events of Messages, as Anthropic sends them. */
export const start = (more: Json = {}): Json => ({
  type: 'message_start',
  message: {
    id: 'msg_abc',
    type: 'message',
    role: 'assistant',
    model: 'claude-up',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 10, cache_creation_input_tokens: 5, cache_read_input_tokens: 100, output_tokens: 1, service_tier: 'standard' },
    ...more,
  },
})
export const blockStart = (index: number, block: Json): Json => ({ type: 'content_block_start', index, content_block: block })
export const delta = (index: number, said: Json): Json => ({ type: 'content_block_delta', index, delta: said })
export const blockStop = (index: number): Json => ({ type: 'content_block_stop', index })
export const ending = (reason: string, usage: Json = { output_tokens: 30 }): Json => ({
  type: 'message_delta',
  delta: { stop_reason: reason, stop_sequence: null },
  usage,
})
export const stop: Json = { type: 'message_stop' }

export const textBlock = (index: number, ...texts: readonly string[]): readonly Json[] => [
  blockStart(index, { type: 'text', text: '' }),
  ...texts.map((text) => delta(index, { type: 'text_delta', text })),
  blockStop(index),
]
export const toolBlock = (index: number, name: string, ...json: readonly string[]): readonly Json[] => [
  blockStart(index, { type: 'tool_use', id: `toolu_${index}`, name, input: {} }),
  ...json.map((partial) => delta(index, { type: 'input_json_delta', partial_json: partial })),
  blockStop(index),
]
export const thinkingBlock = (index: number, signature: string, ...texts: readonly string[]): readonly Json[] => [
  blockStart(index, { type: 'thinking', thinking: '', signature: '' }),
  ...texts.map((thinking) => delta(index, { type: 'thinking_delta', thinking })),
  ...(signature === '' ? [] : [delta(index, { type: 'signature_delta', signature })]),
  blockStop(index),
]

/** What a reader of Messages has at the end, put together as Anthropic's own client does it. Throws on what that one, or the protocol, forbids. */
export function messageOf(events: readonly Json[]): Json {
  let message = null as Json | null
  let open: number | null = null
  let isOver = false
  const content: Json[] = []
  const partial: string[] = []
  for (const event of events) {
    if (isOver) throw new Error('something came after the end')
    const { index } = event
    switch (event['type']) {
      case 'message_start':
        if (message !== null) throw new Error('begun twice')
        message = event['message'] as Json
        break
      case 'ping':
        break
      case 'content_block_start':
        if (message === null || open !== null || index !== content.length) throw new Error(`block ${String(index)} began out of order`)
        open = index
        content.push(event['content_block'] as Json)
        partial.push('')
        break
      case 'content_block_delta': {
        if (open === null || index !== open) throw new Error(`more of block ${String(index)}, which is not open`)
        const said = event['delta'] as Json
        content[open] = grown(content[open] ?? {}, said)
        if (typeof said['partial_json'] === 'string') partial[open] += said['partial_json']
        break
      }
      case 'content_block_stop':
        if (open === null || index !== open) throw new Error(`the end of block ${String(index)}, which is not open`)
        if (partial[open] !== '') content[open] = { ...content[open], input: JSON.parse(partial[open] ?? '') as unknown }
        open = null
        break
      case 'message_delta': {
        if (message === null || open !== null) throw new Error('ended out of order')
        const usage: Json = { ...(message['usage'] as Json), ...(event['usage'] as Json) }
        message = { ...message, ...(event['delta'] as Json), usage }
        break
      }
      case 'message_stop':
        isOver = true
        break
      default:
        throw new Error(`unknown: ${String(event['type'])}`)
    }
  }
  if (message === null || !isOver) throw new Error('no whole message')
  return { ...message, content }
}

const appended: Readonly<Record<string, string>> = { text_delta: 'text', thinking_delta: 'thinking' }

function grown(block: Json, said: Json): Json {
  const type = String(said['type'])
  const fits = block['type'] === { text_delta: 'text', thinking_delta: 'thinking', signature_delta: 'thinking', input_json_delta: 'tool_use' }[type]
  if (!fits) throw new Error(`${type} in a block of type ${String(block['type'])}`)
  const member = appended[type]
  if (member !== undefined) return { ...block, [member]: String(block[member]) + String(said[member]) }
  return type === 'signature_delta' ? { ...block, signature: said['signature'] } : block
}
