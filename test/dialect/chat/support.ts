import type { ClientModel } from '../../../src/core/ids.ts'
import type { Endpoint, Turn } from '../../../src/core/turn.ts'
import { governed, read } from '../../../src/dialect/chat/read.ts'
import type { Read, Seen, Watched } from '../../../src/dialect/dialect.ts'
import { Body } from '../../../src/lib/body.ts'
import type { Headers } from '../../../src/lib/headers.ts'

export const model = 'gpt-5.5'

/** A client's body, from its text or from a value. */
export function bodyOf(said: string | object): Body {
  const parsed = Body.parse(Buffer.from(typeof said === 'string' ? said : JSON.stringify(said)), governed)
  if (parsed.kind !== 'body') throw new Error(`no body: ${parsed.kind}`)
  return parsed.body
}

export function readOf(said: string | object, headers: Headers = {}, endpoint: Endpoint = 'chat'): Read {
  return read(bodyOf(said), endpoint, headers)
}

/** The turn that a body asks for; throws where it is refused. */
export function turnOf(said: string | object, headers: Headers = {}, endpoint: Endpoint = 'chat'): Turn {
  const made = readOf(said, headers, endpoint)
  if (made.kind !== 'turn') throw new Error(`refused: ${made.refusal.message}`)
  return made.turn
}

export function watched(differing: Partial<Watched> = {}): Watched {
  return {
    endpoint: 'chat',
    restore: null,
    framing: 'sse',
    client: 'sse',
    model: model as ClientModel,
    wantsUsage: true,
    startedAtS: 1_795_000_000,
    memo: null,
    ...differing,
  }
}

/** The choices of a chunk of one answer. */
export const says = (delta: object, finish: string | null = null): object => ({ choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] })

export const usage = {
  prompt_tokens: 120,
  completion_tokens: 30,
  total_tokens: 150,
  prompt_tokens_details: { cached_tokens: 100, cache_write_tokens: 10, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 20 },
}
export const usageRead = { inputTokens: 120, cachedTokens: 100, cacheWriteTokens: 10, longCacheWriteTokens: 0, outputTokens: 30, reasoningTokens: 20 }

const common = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_795_000_000, model }

/** A chunk as it stands in a stream. */
export const chunk = (more: object): string => event({ ...common, ...more })
export const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
export const done = 'data: [DONE]\n\n'

export const role = chunk(says({ role: 'assistant', content: '', refusal: null }))
export const word = (text: string, more: object = {}): string => chunk({ ...says({ content: text }), ...more })
export const finish = (reason = 'stop', more: object = {}): string => chunk({ ...says({}, reason), ...more })
export const usageChunk = chunk({ choices: [], usage })

export const textOf = (seen: Seen): string | null =>
  'bytes' in seen ? seen.bytes.toString() : seen.kind === 'instead' ? Buffer.concat(seen.events).toString() : null
