import type { Usage } from '../core/usage.ts'
import type { DialectName, Endpoint } from '../core/turn.ts'

/**
 * The names that OpenTelemetry's conventions for generative AI give to what a span says. They are still in development and change from version to version:
 * nothing else in the program spells them. Source: semantic conventions 1.38, gen-ai and openai.
 */
export const genAi = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cachedTokens: 'gen_ai.usage.cache_read.input_tokens',
  cacheWriteTokens: 'gen_ai.usage.cache_creation.input_tokens',
  tierRequested: 'openai.request.service_tier',
  tierServed: 'openai.response.service_tier',
  errorType: 'error.type',
  status: 'http.response.status_code',
} as const

/** Whose protocol the client speaks, whoever serves it. */
export const providers: Readonly<Record<DialectName, string>> = { responses: 'openai', chat: 'openai', messages: 'anthropic' }

/** The conventions have the words `chat` and `embeddings`; the others are ours. */
export const operations: Readonly<Record<Endpoint, string>> = {
  responses: 'chat',
  compact: 'compact',
  input_tokens: 'count_tokens',
  chat: 'chat',
  embeddings: 'embeddings',
  moderations: 'moderate',
  images: 'generate_images',
  messages: 'chat',
  count_tokens: 'count_tokens',
}

export function usageAttributes({ inputTokens, cachedTokens, cacheWriteTokens, outputTokens }: Usage): Record<string, number> {
  return {
    [genAi.inputTokens]: inputTokens,
    [genAi.outputTokens]: outputTokens,
    [genAi.cachedTokens]: cachedTokens,
    [genAi.cacheWriteTokens]: cacheWriteTokens,
  }
}
