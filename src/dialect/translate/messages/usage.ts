import { noUsage, readMessagesUsage, readUsage } from '../../../core/usage.ts'
import { isObject, type Json } from '../../json.ts'

/** Token counts and tiers, in the words of both (protocols.md 5.3, 5.5, 5.7, 5.8). */

/** Null where nothing is known: unknown is never zero. */
export function usageToHub(usage: unknown): Json | null {
  const counts = readMessagesUsage(usage)
  if (counts === null) return null
  return {
    input_tokens: counts.inputTokens,
    input_tokens_details: { cached_tokens: counts.cachedTokens, cache_write_tokens: counts.cacheWriteTokens },
    output_tokens: counts.outputTokens,
    output_tokens_details: { reasoning_tokens: counts.reasoningTokens },
    total_tokens: counts.inputTokens + counts.outputTokens,
  }
}

/** What was said first and what was said later of the same answer: later counts stand for all so far, and lack what cannot change. */
export function merged(earlier: unknown, later: unknown): Json | null {
  if (!isObject(later)) return isObject(earlier) ? earlier : null
  const said = Object.fromEntries(Object.entries(later).filter(([, value]) => value !== null))
  return isObject(earlier) ? { ...earlier, ...said } : said
}

/** The tier that served it, as the hub says it; null where nothing is said of it. */
export function tierToHub(usage: unknown): string | null {
  if (!isObject(usage)) return null
  if (usage['speed'] === 'fast') return 'priority'
  // Priority is bought capacity there, at ordinary speed and rates.
  return usage['speed'] === 'standard' || usage['service_tier'] === 'standard' || usage['service_tier'] === 'priority' ? 'default' : null
}

/** Clients add these up, so that what is unknown has to be zero here. */
export function countsFromHub(usage: unknown): Json {
  const counts = readUsage(usage) ?? noUsage
  return {
    input_tokens: counts.inputTokens - counts.cachedTokens - counts.cacheWriteTokens,
    cache_creation_input_tokens: counts.cacheWriteTokens,
    cache_read_input_tokens: counts.cachedTokens,
    output_tokens: counts.outputTokens,
    output_tokens_details: { thinking_tokens: counts.reasoningTokens },
    server_tool_use: null,
  }
}

/** The usage of a whole answer. @param tier the hub's `service_tier`. */
export function usageFromHub(usage: unknown, tier: unknown): Json {
  const speed = typeof tier !== 'string' ? null : tier === 'priority' || tier === 'fast' ? 'fast' : 'standard'
  return { ...countsFromHub(usage), cache_creation: null, service_tier: speed === null ? null : 'standard', speed, inference_geo: null }
}
