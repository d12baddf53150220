import { isObject, type Json } from '../../json.ts'
import { typeOf, type Unsaid } from '../unsaid.ts'

/** Thinking and the form of the output, for the hub (protocols.md 5.6). */

/** Budgets of thinking, in tokens, and the effort that each is taken for. Above the last: `xhigh`. */
const efforts: readonly (readonly [budget: number, effort: string])[] = [
  [512, 'minimal'],
  [1024, 'low'],
  [8192, 'medium'],
  [24_576, 'high'],
]

/** `reasoning`, and `include` so that what is reasoned comes back sealed and can go on in the next turn; nothing where nothing is asked. */
export function reasoningToHub(thinking: unknown, outputConfig: unknown, unsaid: Unsaid): Json {
  const effort = isObject(outputConfig) ? (outputConfig['effort'] ?? null) : null
  const reasoning = reasoningOf(thinking, effort, unsaid)
  if (reasoning === null) return {}
  return reasoning['effort'] === 'none' ? { reasoning } : { reasoning, include: ['reasoning.encrypted_content'] }
}

function reasoningOf(thinking: unknown, effort: unknown, unsaid: Unsaid): Json | null {
  const said = effort === null ? {} : { effort }
  if ((thinking ?? null) === null) return effort === null ? null : said
  if (!isObject(thinking)) {
    unsaid.malformed('thinking', 'an object')
    return null
  }
  // A summary has to be asked for there, and not every organisation may ask.
  const summary = thinking['display'] === 'summarized' ? { summary: 'auto' } : {}
  switch (thinking['type']) {
    case 'disabled':
      return { effort: 'none' }
    case 'enabled':
      return { ...(effort === null ? byBudget(thinking['budget_tokens']) : said), ...summary }
    case 'adaptive':
    case 'between_tools':
      return { ...said, ...summary }
    default:
      unsaid.note('thinking.type', `thinking ${typeOf(thinking)}`)
      return null
  }
}

function byBudget(budget: unknown): Json {
  if (typeof budget !== 'number') return {}
  return { effort: efforts.find(([upTo]) => budget <= upTo)?.[1] ?? 'xhigh' }
}

const configMembers = new Set(['effort', 'format'])

/** `text`; nothing where no form is asked for. */
export function formatToHub(outputConfig: unknown, unsaid: Unsaid): Json {
  if ((outputConfig ?? null) === null) return {}
  if (!isObject(outputConfig)) {
    unsaid.malformed('output_config', 'an object')
    return {}
  }
  unsaid.others(outputConfig, configMembers, 'output_config')
  const { format } = outputConfig
  if ((format ?? null) === null) return {}
  if (isObject(format) && format['type'] === 'json_schema') return { text: { format: { type: 'json_schema', name: 'output', schema: format['schema'] } } }
  unsaid.note('output_config.format', isObject(format) ? `a format ${typeOf(format)}` : null)
  return {}
}
