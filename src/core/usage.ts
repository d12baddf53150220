/** Token counts of one answer. Cached and written tokens are inside `inputTokens`, reasoning inside `outputTokens`. */
export interface Usage {
  readonly inputTokens: number
  readonly cachedTokens: number
  readonly cacheWriteTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
}

/** What counting tokens costs: nothing was generated and nothing read into a model. */
export const noUsage: Usage = { inputTokens: 0, cachedTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 }

/** Reads a Responses `usage` object. Null when it is absent or malformed: unknown is never zero, and nothing is billed by halves. */
export function readUsage(value: unknown): Usage | null {
  if (!isRecord(value)) return null
  const input = count(value['input_tokens'])
  const output = count(value['output_tokens'])
  const cached = detail(value['input_tokens_details'], 'cached_tokens')
  const written = detail(value['input_tokens_details'], 'cache_write_tokens')
  const reasoning = detail(value['output_tokens_details'], 'reasoning_tokens')
  if (input === null || output === null || cached === null || written === null || reasoning === null) return null
  if (cached + written > input) return null
  return { inputTokens: input, cachedTokens: cached, cacheWriteTokens: written, outputTokens: output, reasoningTokens: reasoning }
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
