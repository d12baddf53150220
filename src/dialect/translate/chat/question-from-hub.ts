import type { Json } from '../../json.ts'
import type { Translated } from '../hub.ts'
import { messagesOf } from './items-to-messages.ts'
import { isCodexQuestion } from '../codex-tools.ts'
import { formatFromHub } from './text-format.ts'
import { choiceFromHub, toolsFromHub } from './tools.ts'
import { kept, renamed, told, Unsaid, type Idle } from '../unsaid.ts'

/** Said as they stand, null included: the upstream's own dialect acts on them afterwards. */
const verbatim = ['model', 'stream', 'service_tier'] as const
/** Said under the same name; null is as good as absent. */
const same = ['metadata', 'moderation', 'prompt_cache_key', 'prompt_cache_retention', 'safety_identifier', 'temperature', 'top_p', 'user'] as const
/** Said in another way, below, or of no meaning to a model: `stream_options` is about the client's own stream, `client_metadata` about the client. */
const otherwise = [
  'input',
  'instructions',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'text',
  'reasoning',
  'max_output_tokens',
  'include',
  'top_logprobs',
  'prompt_cache_options',
  'store',
  'stream_options',
  'client_metadata',
] as const
const known = new Set<string>([...verbatim, ...same, ...otherwise])

/** What has no words in Chat, but asks for nothing where its value is this. */
const idle: Idle = new Map([
  ['background', (value: unknown) => value === false],
  ['truncation', (value: unknown) => value === 'disabled'],
  ['generate', (value: unknown) => value === true],
  ['context_management', (value: unknown) => Array.isArray(value) && value.length === 0],
])

/** How reasoning is summed up and kept is lost with the reasoning itself, which Chat does not show. */
const reasoningMembers = new Set(['effort', 'summary', 'generate_summary', 'context'])
const textMembers = new Set(['format', 'verbosity'])
const cacheOptions = ['mode', 'ttl'] as const
const cacheMembers = new Set<string>(cacheOptions)

/** A question of the hub as one of Chat Completions (protocols.md 4.4). */
export function questionFromHub(question: Json): Translated {
  const unsaid = new Unsaid('Responses', 'Chat Completions')
  unsaid.others(question, known, '', idle)
  const { instructions, store } = question
  const leading = typeof instructions === 'string' && instructions !== '' ? instructions : null
  if ((instructions ?? null) !== null && typeof instructions !== 'string') unsaid.malformed('instructions', 'text')
  const chat: Json = {
    ...kept(question, verbatim),
    messages: messagesOf(question['input'], leading, unsaid),
    ...told(question, same),
    ...toolsOf(question, unsaid),
    ...textOf(question['text'], unsaid),
    ...effortOf(question['reasoning'], unsaid),
    ...renamed(question['max_output_tokens'], 'max_completion_tokens'),
    // How many of them means nothing to an answer that tells none.
    ...(tellsLogprobs(question['include'], unsaid) ? { logprobs: true, ...told(question, ['top_logprobs']) } : {}),
    ...cacheOf(question['prompt_cache_options'], unsaid),
    // Chat stores only what it is asked to store, and some upstreams do not know the word.
    ...(store === true ? { store } : {}),
  }
  return unsaid.translated(chat)
}

/** Chat refuses an empty list of tools, and without tools whatever is said about their use. */
function toolsOf(question: Json, unsaid: Unsaid): Json {
  const tools = toolsFromHub(question['tools'], isCodexQuestion(question), unsaid)
  const choice = choiceFromHub(question['tool_choice'], unsaid)
  if (tools.length === 0) return choice === 'auto' || choice === 'none' ? {} : renamed(choice, 'tool_choice')
  return { tools, ...renamed(choice, 'tool_choice'), ...told(question, ['parallel_tool_calls']) }
}

function textOf(value: unknown, unsaid: Unsaid): Json {
  const text = unsaid.object(value, 'text')
  if (text === null) return {}
  unsaid.others(text, textMembers, 'text')
  return { ...renamed(formatFromHub(text['format']), 'response_format'), ...told(text, ['verbosity']) }
}

function effortOf(value: unknown, unsaid: Unsaid): Json {
  const reasoning = unsaid.object(value, 'reasoning')
  if (reasoning === null) return {}
  unsaid.others(reasoning, reasoningMembers, 'reasoning', new Map([['mode', (mode) => mode === 'standard']]))
  return renamed(reasoning['effort'], 'reasoning_effort')
}

function cacheOf(value: unknown, unsaid: Unsaid): Json {
  const options = unsaid.object(value, 'prompt_cache_options')
  if (options === null) return {}
  unsaid.others(options, cacheMembers, 'prompt_cache_options', new Map([['prewarm', (prewarm) => prewarm === false]]))
  return { prompt_cache_options: told(options, cacheOptions) }
}

function tellsLogprobs(include: unknown, unsaid: Unsaid): boolean {
  return unsaid.list(include, 'include').includes('message.output_text.logprobs')
}
