import { noUsage, readMessagesUsage } from '../../core/usage.ts'
import { Body } from '../../lib/body.ts'
import { restored, unknownEnd, unreadable } from '../answer.ts'
import type { AnswerEnd, SeenAnswer, Watched } from '../dialect.ts'
import { isObject, type Json } from '../json.ts'
import { errorIn, statusOf } from './error.ts'

/** Reasons that end an answer before the model was done with it. */
const cutShort: ReadonlySet<unknown> = new Set(['max_tokens', 'model_context_window_exceeded', 'refusal'])

/** `pause_turn` is an end too: the client asks again if it wants more. */
export function endedBy(stopReason: unknown): 'completed' | 'incomplete' {
  return cutShort.has(stopReason) ? 'incomplete' : 'completed'
}

/**
 * The tier that a usage object names. Anthropic's `priority` is capacity that was bought beforehand, and costs what is usual; only its speed has prices of
 * its own. Null: nothing is said of either.
 */
export function tierServed({ speed, service_tier: tier }: Json): string | null {
  if (speed === 'fast') return 'fast'
  if (tier === 'standard' || tier === 'priority') return 'default'
  if (typeof tier === 'string') return tier
  return speed === 'standard' ? 'default' : null
}

/** Reads a whole JSON answer of any endpoint of this dialect. */
export function observeAnswer(bytes: Buffer, { endpoint, restore }: Pick<Watched, 'endpoint' | 'restore'>): SeenAnswer {
  const answer = Body.of(bytes)
  if (answer === null) return unreadable(bytes)
  const error = errorOf(answer)
  if (error !== null) {
    const signal = { kind: 'told', status: statusOf(error), headers: {}, error } as const
    return { end: { ...unknownEnd, code: error.code }, pieces: [bytes], bytes: bytes.length, signal, sealed: [] }
  }
  return { end: endpoint === 'count_tokens' ? counted : endOf(answer), ...answer.edited(restored(answer, restore)), signal: null, sealed: [] }
}

const counted: AnswerEnd = { ...unknownEnd, status: 'completed', usage: noUsage }

function errorOf(answer: Body): ReturnType<typeof errorIn> | null {
  const type = answer.value('type')
  if (type !== 'error' && (type !== undefined || !isObject(answer.value('error')))) return null
  return errorIn({ error: answer.value('error'), message: answer.value('message') })
}

function endOf(message: Body): AnswerEnd {
  const usage = message.value('usage')
  return {
    ...unknownEnd,
    status: endedBy(message.value('stop_reason')),
    usage: readMessagesUsage(usage),
    tierServed: isObject(usage) ? tierServed(usage) : null,
  }
}
