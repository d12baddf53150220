import { isObject, type Json } from '../../json.ts'
import type { Translated } from '../hub.ts'
import { itemsOf } from './messages-to-items.ts'
import { formatToHub } from './text-format.ts'
import { choiceToHub, toolsToHub } from './tools.ts'
import { kept, renamed, told, Unsaid, type Idle } from '../unsaid.ts'

/** Said as they stand, null included: the upstream's own dialect acts on them afterwards. */
const verbatim = ['model', 'stream', 'service_tier'] as const
/** Said under the same name; null is as good as absent. */
const same = [
  'metadata',
  'moderation',
  'parallel_tool_calls',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
  'temperature',
  'top_logprobs',
  'top_p',
  'user',
] as const
/** Said in another way, below. */
const otherwise = [
  'messages',
  'tools',
  'functions',
  'tool_choice',
  'function_call',
  'response_format',
  'verbosity',
  'reasoning_effort',
  'max_completion_tokens',
  'max_tokens',
  'logprobs',
  'web_search_options',
  'store',
  'stream_options',
] as const
const known = new Set<string>([...verbatim, ...same, ...otherwise])

/** What has no words in the hub, but asks for nothing where its value is this. */
const idle: Idle = new Map([
  ['n', (value: unknown) => value === 1],
  ['stop', (value: unknown) => Array.isArray(value) && value.length === 0],
  ['frequency_penalty', (value: unknown) => value === 0],
  ['presence_penalty', (value: unknown) => value === 0],
  ['logit_bias', (value: unknown) => isObject(value) && Object.keys(value).length === 0],
  ['modalities', (value: unknown) => Array.isArray(value) && value.every((each) => each === 'text')],
])

const streamOptions = new Set(['include_usage', 'include_obfuscation'])
const searchOptions = new Set(['search_context_size', 'user_location'])
const placeMembers = new Set(['type', 'approximate'])

/** A question of Chat Completions as one of the hub (protocols.md 4.3). */
export function questionToHub(question: Json): Translated {
  const unsaid = new Unsaid('Chat Completions', 'the Responses dialect')
  unsaid.others(question, known, '', idle)
  const tools = [...toolsToHub(question['tools'], question['functions'], unsaid), ...searchOf(question['web_search_options'], unsaid)]
  const hub: Json = {
    ...kept(question, verbatim),
    ...told(question, same),
    input: itemsOf(question['messages'], unsaid),
    ...(tools.length === 0 ? {} : { tools }),
    ...renamed(choiceToHub(question['tool_choice'], question['function_call'], unsaid), 'tool_choice'),
    ...textOf(question, unsaid),
    ...renamed(question['max_completion_tokens'] ?? question['max_tokens'], 'max_output_tokens'),
    ...((question['reasoning_effort'] ?? null) === null ? {} : { reasoning: { effort: question['reasoning_effort'] } }),
    ...(question['logprobs'] === true ? { include: ['message.output_text.logprobs'] } : {}),
    // Chat stores only what it is asked to store, the hub all that it is not asked to forget.
    store: question['store'] === true,
    ...streamOf(question['stream_options'], unsaid),
  }
  return unsaid.translated(hub)
}

function textOf(question: Json, unsaid: Unsaid): Json {
  const text = { ...renamed(formatToHub(question['response_format'], unsaid), 'format'), ...told(question, ['verbosity']) }
  return Object.keys(text).length === 0 ? {} : { text }
}

/** The hub always tells the usage, so that only the other option has to be said. */
function streamOf(value: unknown, unsaid: Unsaid): Json {
  const options = unsaid.object(value, 'stream_options')
  if (options === null) return {}
  unsaid.others(options, streamOptions, 'stream_options')
  const said = told(options, ['include_obfuscation'])
  return Object.keys(said).length === 0 ? {} : { stream_options: said }
}

function searchOf(value: unknown, unsaid: Unsaid): readonly Json[] {
  const options = unsaid.object(value, 'web_search_options')
  if (options === null) return []
  unsaid.others(options, searchOptions, 'web_search_options')
  const place = unsaid.object(options['user_location'], 'web_search_options.user_location')
  if (place !== null) unsaid.others(place, placeMembers, 'web_search_options.user_location')
  const approximate = unsaid.object(place?.['approximate'], 'web_search_options.user_location.approximate')
  const where = approximate === null ? {} : { user_location: { ...approximate, type: 'approximate' } }
  return [{ type: 'web_search', ...told(options, ['search_context_size']), ...where }]
}
