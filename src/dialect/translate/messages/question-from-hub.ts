import { isObject, type Json } from '../../json.ts'
import { renamed, Unsaid } from '../unsaid.ts'
import { isCodexQuestion } from '../codex-tools.ts'
import type { Translated } from '../hub.ts'
import { saidOf } from './input-from-hub.ts'
import { thinkingFromHub } from './thinking-from-hub.ts'
import { choiceFromHub, toolsFromHub } from './tools-from-hub.ts'

/**
 * How much may be answered where the question sets no limit, which Messages demands. Unit: tokens.
 * Source: our own choice; the smallest of the limits of those models that think. Too much is the worse mistake: the question is refused. Too little cuts
 * an answer of a length that is rare, and says so.
 */
export const maxTokensOtherwise = 32_000

/** What is said of elsewhere in this file. */
const said = [
  'model',
  'input',
  'instructions',
  'stream',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'reasoning',
  'text',
  'max_output_tokens',
  'temperature',
  'top_p',
  'service_tier',
  'user',
  'safety_identifier',
] as const

/**
 * What changes no answer: hints to caches, labels, what belongs to a stream or a frame of the hub, and what is not kept there anyway. Of `include`,
 * `prompt_cache_options` and `generate` only what follows from them below.
 */
const dropped = [
  'store',
  'include',
  'metadata',
  'client_metadata',
  'stream_options',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'generate',
  'type',
  'stream_id',
] as const

/** Members with values that mean no more than their absence. */
const meaningless: Readonly<Record<string, readonly unknown[]>> = { background: [false], truncation: ['disabled'], top_logprobs: [0], context_management: [] }

const known: ReadonlySet<string> = new Set([...said, ...dropped, ...Object.keys(meaningless)])

/** A question of the hub as one of Messages (protocols.md 5.8). */
export function questionFromHub(question: Json): Translated {
  const unsaid = new Unsaid('the Responses API', 'Anthropic Messages')
  unsaid.others(question, known, '')
  noteDemands(question, unsaid)
  const { tools, customTools } = toolsFromHub(question['tools'], isCodexQuestion(question), unsaid)
  const { choice, allowed } = choiceFromHub(question['tool_choice'], question['parallel_tool_calls'], unsaid)
  const offered = allowed === null ? tools : tools.filter((tool) => allowed.has(tool['name']))
  const isForced = choice !== null && (choice['type'] === 'any' || choice['type'] === 'tool')
  const { system, messages } = saidOf(question['instructions'], question['input'], unsaid)
  const translated = unsaid.translated({
    ...renamed(question['model'], 'model'),
    max_tokens: question['max_output_tokens'] ?? maxTokensOtherwise,
    ...(system.length === 0 ? {} : { system: remembered(system) }),
    messages: rememberedInLast(messages),
    ...(offered.length === 0 ? {} : { tools: remembered(offered) }),
    // A choice among no tools is refused there.
    ...(choice === null || (offered.length === 0 && !isForced) ? {} : { tool_choice: choice }),
    ...thinkingFromHub(question['reasoning'], question['text'], isForced, unsaid),
    ...renamed(question['temperature'], 'temperature'),
    ...renamed(question['top_p'], 'top_p'),
    ...speedOf(question['service_tier'], unsaid),
    ...userOf(question),
    ...renamed(question['stream'], 'stream'),
  })
  return translated.kind === 'unsayable' ? translated : { ...translated, memo: { customTools, toolNames: new Map() } }
}

function noteDemands(question: Json, unsaid: Unsaid): void {
  for (const [member, values] of Object.entries(meaningless)) {
    const value = question[member] ?? null
    const isEmpty = Array.isArray(value) && value.length === 0
    if (value !== null && !isEmpty && !values.includes(value)) unsaid.note(member)
  }
  const { include, prompt_cache_options: cache } = question
  const logprobs = Array.isArray(include) ? include.indexOf('message.output_text.logprobs') : -1
  if (logprobs !== -1) unsaid.note(`include[${logprobs}]`, 'log probabilities')
  if (isObject(cache) && cache['prewarm'] === true) unsaid.note('prompt_cache_options.prewarm')
  if (question['generate'] === false) unsaid.note('generate')
}

/** Capacity that was bought elsewhere, and the account's own default, are no wish that an answer could miss. */
const noWish: ReadonlySet<unknown> = new Set(['auto', 'default', 'scale'])

function speedOf(tier: unknown, unsaid: Unsaid): Json {
  const word = typeof tier === 'string' ? tier.trim().toLowerCase() : (tier ?? null)
  if (word === 'priority' || word === 'fast') return { speed: 'fast' }
  if (word !== null && !noWish.has(word)) unsaid.note('service_tier')
  return {}
}

function userOf({ safety_identifier: safety, user }: Json): Json {
  const id = safety ?? user
  return typeof id === 'string' ? { metadata: { user_id: id } } : {}
}

const mark: Json = { cache_control: { type: 'ephemeral' } }

/** As Claude's own clients do it, or an agent would pay for its whole dialogue in every turn: up to here it may be read from a cache. */
function remembered(blocks: readonly Json[]): readonly Json[] {
  return blocks.map((block, index) => (index === blocks.length - 1 ? { ...block, ...mark } : block))
}

function rememberedInLast(messages: readonly Json[]): readonly Json[] {
  return messages.map((message, index) => {
    const { content } = message
    return index === messages.length - 1 && Array.isArray(content) ? { ...message, content: remembered(content.filter(isObject)) } : message
  })
}
