import type { Answer } from '../answer.ts'
import { isObject, type JsonObject } from '../error.ts'

/** How long what is written into the cache is kept, as the request marks it; null: nothing is marked. */
export function cacheTtl(fields: JsonObject): '5m' | '1h' | null {
  const text = JSON.stringify([fields['cache_control'], fields['system'], fields['messages'], fields['tools']])
  if (!text.includes('"type":"ephemeral"')) return null
  return text.includes('"ttl":"1h"') ? '1h' : '5m'
}

/**
 * Usage in Anthropic's words: `input_tokens` without what was read from the cache or written into it (protocols.md 5.3). Nonsense stays nonsense; null: none is told.
 * @param outputTokens null: as many as there are.
 */
export function messagesUsage({ usage, question }: Answer, outputTokens: number | null = null): JsonObject | null {
  if (!isObject(usage)) return null
  const { input_tokens: input, input_tokens_details: details, output_tokens: output, output_tokens_details: outputDetails } = usage
  const read = countIn(details, 'cached_tokens')
  const written = countIn(details, 'cache_write_tokens')
  const ttl = written > 0 ? cacheTtl(question.fields) : null
  const thinking = countIn(outputDetails, 'reasoning_tokens')
  return {
    input_tokens: typeof input === 'number' ? input - read - written : input,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    cache_creation: { ephemeral_5m_input_tokens: ttl === '1h' ? 0 : written, ephemeral_1h_input_tokens: ttl === '1h' ? written : 0 },
    output_tokens: outputTokens ?? output,
    ...(outputTokens !== null || thinking === 0 ? {} : { output_tokens_details: { thinking_tokens: thinking } }),
  }
}

function countIn(details: unknown, member: string): number {
  const count = isObject(details) ? details[member] : 0
  return typeof count === 'number' ? count : 0
}

/** How it was served: only the beginning of a stream, and a whole answer, tell it. */
export function servedAs({ tierServed, question }: Answer): JsonObject {
  const asked = question.fields['speed'] === 'fast'
  // Such a model takes the wish, and does not grant it.
  const granted = asked && !question.model.startsWith('claude-opus-4-6')
  return { service_tier: tierServed === 'default' ? 'standard' : tierServed, speed: granted ? 'fast' : 'standard', inference_geo: 'global' }
}
