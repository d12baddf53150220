import { isObject, type Json } from '../../json.ts'
import { typeOf, type Unsaid } from '../unsaid.ts'

/** Reasoning and the form of the text, for Messages (protocols.md 5.8). */

/** `context` says which earlier thoughts the model sees: there it sees those that it is given. The older word for `summary` is one no more. */
const reasoningMembers = new Set(['effort', 'summary', 'generate_summary', 'context', 'mode'])
/** How much is said is for the model to decide there. */
const textMembers = new Set(['format', 'verbosity'])

/** Words of the hub that Messages does not have; the others are the same. */
const efforts: Readonly<Record<string, string>> = { minimal: 'low' }

/** @param isForced whether the model must call a tool: thinking and that are refused together. */
export function thinkingFromHub(reasoning: unknown, text: unknown, isForced: boolean, unsaid: Unsaid): Json {
  const { thinking, effort } = reasoningOf(reasoning, unsaid)
  const config = { ...(effort === null ? {} : { effort }), ...formatOf(text, unsaid) }
  const isThinkingSaid = thinking !== null && (!isForced || thinking['type'] === 'disabled')
  return { ...(isThinkingSaid ? { thinking } : {}), ...(Object.keys(config).length === 0 ? {} : { output_config: config }) }
}

interface Reasoned {
  readonly thinking: Json | null
  readonly effort: unknown
}

function reasoningOf(reasoning: unknown, unsaid: Unsaid): Reasoned {
  if (!isObject(reasoning)) {
    if ((reasoning ?? null) !== null) unsaid.malformed('reasoning', 'an object')
    return { thinking: null, effort: null }
  }
  unsaid.others(reasoning, reasoningMembers, 'reasoning')
  if ((reasoning['mode'] ?? 'standard') !== 'standard') unsaid.note('reasoning.mode')
  const effort = reasoning['effort'] ?? null
  if (effort === 'none') return { thinking: { type: 'disabled' }, effort: null }
  const wantsSummary = (reasoning['summary'] ?? null) !== null
  if (effort === null && !wantsSummary) return { thinking: null, effort: null }
  const word = typeof effort === 'string' ? (efforts[effort] ?? effort) : effort
  return { thinking: { type: 'adaptive', ...(wantsSummary ? { display: 'summarized' } : {}) }, effort: word }
}

function formatOf(text: unknown, unsaid: Unsaid): Json {
  if (!isObject(text)) {
    if ((text ?? null) !== null) unsaid.malformed('text', 'an object')
    return {}
  }
  unsaid.others(text, textMembers, 'text')
  const { format } = text
  if ((format ?? null) === null || (isObject(format) && format['type'] === 'text')) return {}
  if (isObject(format) && format['type'] === 'json_schema') return { format: { type: 'json_schema', schema: format['schema'] } }
  unsaid.note('text.format', isObject(format) ? `a format ${typeOf(format)}` : null)
  return {}
}
