import type { Account } from './account.ts'
import type { UpstreamModel } from './ids.ts'
import { dialectOf, isTranslatable, type DialectName, type Turn } from './turn.ts'

/** Whether accounts that do not speak the client's dialect are asked by translation: only when none that speaks it is ready, not at all, or like any other. */
export type Translate = 'fallback' | 'never' | 'always'

/** What a question is put in for an account that does not speak its own dialect, the best first: Responses can say most. */
const hubFirst: readonly DialectName[] = ['responses', 'chat', 'messages']

/**
 * Models that take no function tools on Chat Completions while they may reason (protocols.md 4.1). By family, since new members keep the rule; only OpenAI
 * itself is known to have it.
 */
const toolsOnResponsesAlone = /^gpt-(?:5\.|[6-9])/

/** The dialect in which a turn is put to an account; null: it can be put in none. */
export function wayTo({ dialects, upstream }: Account, model: UpstreamModel, turn: Turn): DialectName | null {
  const own = dialectOf(turn.endpoint)
  if (dialects.includes(own)) {
    const isRefused = turn.endpoint === 'chat' && turn.reasonsOverTools && upstream === 'openai' && toolsOnResponsesAlone.test(model)
    return isRefused && dialects.includes('responses') ? 'responses' : own
  }
  // Tokens can be counted, though not exactly, without anybody.
  if (turn.endpoint === 'count_tokens') return own
  return isTranslatable(turn.endpoint) ? (hubFirst.find((dialect) => dialects.includes(dialect)) ?? null) : null
}

/** Whether an account is asked only by translating the client's words into a dialect that they were not written in. */
export function isForeign({ dialects }: Account, turn: Turn): boolean {
  return !dialects.includes(dialectOf(turn.endpoint))
}
