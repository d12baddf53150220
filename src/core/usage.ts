/** Token counts of one answer. Cached and written tokens are inside `inputTokens`, reasoning inside `outputTokens`. */
export interface Usage {
  readonly inputTokens: number
  readonly cachedTokens: number
  readonly cacheWriteTokens: number
  /** Of `cacheWriteTokens`, those that are kept for an hour or longer, where the upstream bills them otherwise (protocols.md 9.3). */
  readonly longCacheWriteTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
}

/** What is billed to nobody has used nothing: the counting of tokens, and moderations. */
export const noUsage: Usage = { inputTokens: 0, cachedTokens: 0, cacheWriteTokens: 0, longCacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 }

/** Reads a Responses `usage` object. Null when it is absent or malformed: unknown is never zero, and nothing is billed by halves. */
export function readUsage(value: unknown): Usage | null {
  return usageIn(value, { input: 'input_tokens', output: 'output_tokens' })
}

/** The same of Chat Completions (protocols.md 4.2). */
export function readChatUsage(value: unknown): Usage | null {
  return usageIn(value, { input: 'prompt_tokens', output: 'completion_tokens' })
}

/** OpenAI's dialects differ in what they call input and output. */
function usageIn(value: unknown, words: { readonly input: string; readonly output: string }): Usage | null {
  if (!isRecord(value)) return null
  const input = count(value[words.input])
  const output = count(value[words.output])
  const cached = detail(value[`${words.input}_details`], 'cached_tokens')
  const written = detail(value[`${words.input}_details`], 'cache_write_tokens')
  const reasoning = detail(value[`${words.output}_details`], 'reasoning_tokens')
  if (input === null || output === null || cached === null || written === null || reasoning === null) return null
  if (cached + written > input) return null
  // All cache writes cost the same here, however long they are kept (protocols.md 9.2).
  return { inputTokens: input, cachedTokens: cached, cacheWriteTokens: written, longCacheWriteTokens: 0, outputTokens: output, reasoningTokens: reasoning }
}

/** The same of Anthropic's Messages (protocols.md 5.3), whose `input_tokens` are those that no cache had to do with. */
export function readMessagesUsage(value: unknown): Usage | null {
  if (!isRecord(value)) return null
  const fresh = count(value['input_tokens'])
  const written = detail(value, 'cache_creation_input_tokens')
  const cached = detail(value, 'cache_read_input_tokens')
  const long = detail(value['cache_creation'], 'ephemeral_1h_input_tokens')
  const output = count(value['output_tokens'])
  const reasoning = detail(value['output_tokens_details'], 'thinking_tokens')
  if (fresh === null || written === null || cached === null || long === null || output === null || reasoning === null) return null
  const input = count(fresh + written + cached)
  if (input === null || long > written) return null
  return { inputTokens: input, cachedTokens: cached, cacheWriteTokens: written, longCacheWriteTokens: long, outputTokens: output, reasoningTokens: reasoning }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
}

/** Absent details mean zero; present but wrong ones make the whole usage unknown. */
function detail(details: unknown, name: string): number | null {
  if (details === undefined || details === null) return 0
  if (!isRecord(details)) return null
  const value = details[name]
  return value === undefined || value === null ? 0 : count(value)
}
