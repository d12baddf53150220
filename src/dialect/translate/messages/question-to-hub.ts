import { hash } from 'node:crypto'
import { isObject, type Json } from '../../json.ts'
import { renamed, Unsaid } from '../unsaid.ts'
import type { Translated } from '../hub.ts'
import { inputToHub } from './input-to-hub.ts'
import { choiceToHub, toolsToHub } from './tools-to-hub.ts'
import { formatToHub, reasoningToHub } from './thinking-to-hub.ts'
import { ToolNames } from './tool-names.ts'

/** What is said of elsewhere in this file. */
const said = [
  'model',
  'max_tokens',
  'messages',
  'system',
  'stream',
  'stop_sequences',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'metadata',
  'service_tier',
  'speed',
  'temperature',
  'top_p',
  'inference_geo',
] as const
/** Hints that change no answer: to caches, to what of a long dialogue may be left out, to who looks for faults. */
const hints = ['cache_control', 'context_management', 'diagnostics'] as const
const known: ReadonlySet<string> = new Set([...said, ...hints])

/** The hub takes no longer name of a user (protocols.md 1.1). Unit: characters. */
const safetyIdentifierMax = 128

/** What Claude Code puts first into its instructions is meant for the service, which takes it out; before another model it would break every cache. */
const forTheService = 'x-anthropic-billing-header:'

/** A question of Messages as one of the hub (protocols.md 5.6). */
export function questionToHub(question: Json): Translated {
  const unsaid = new Unsaid('Anthropic Messages', 'the Responses API')
  const names = new ToolNames()
  unsaid.others(question, known, '')
  const { tools, maxToolCalls, searchName } = toolsToHub(question['tools'], names, unsaid)
  const hub = {
    ...renamed(question['model'], 'model'),
    ...instructionsOf(question['system'], unsaid),
    input: inputToHub(question['messages'], names, unsaid),
    ...(tools.length === 0 ? {} : { tools }),
    ...renamed(maxToolCalls, 'max_tool_calls'),
    ...choiceToHub(question['tool_choice'], searchName, names, unsaid),
    ...reasoningToHub(question['thinking'], question['output_config'], unsaid),
    ...formatToHub(question['output_config'], unsaid),
    ...limitsOf(question, unsaid),
    ...tierOf(question, unsaid),
    ...userOf(question['metadata'], unsaid),
    ...renamed(question['stream'], 'stream'),
    // Nothing of Messages is kept, and the hub keeps what does not say so.
    store: false,
  }
  const translated = unsaid.translated(hub)
  return translated.kind === 'unsayable' ? translated : { ...translated, memo: { customTools: new Set(), toolNames: names.shortened } }
}

function instructionsOf(system: unknown, unsaid: Unsaid): Json {
  if ((system ?? null) === null) return {}
  if (typeof system === 'string') return system === '' ? {} : { instructions: system }
  if (!Array.isArray(system)) {
    unsaid.malformed('system', 'text or a list of blocks')
    return {}
  }
  const texts = system.flatMap((block: unknown, index) => {
    if (isObject(block) && block['type'] === 'text' && typeof block['text'] === 'string') return [block['text']]
    unsaid.malformed(`system[${index}]`, 'a block of text')
    return []
  })
  const instructions = texts.filter((text) => !text.startsWith(forTheService)).join('\n\n')
  return instructions === '' ? {} : { instructions }
}

function limitsOf(question: Json, unsaid: Unsaid): Json {
  const { max_tokens: maxTokens, stop_sequences: stops, inference_geo: place } = question
  if (maxTokens === 0) unsaid.note('max_tokens', '0, which only warms a cache')
  if ((stops ?? null) !== null && !(Array.isArray(stops) && stops.length === 0)) unsaid.note('stop_sequences')
  // Where an answer may be made is no hint; that it may be made anywhere says nothing.
  if ((place ?? 'global') !== 'global') unsaid.note('inference_geo')
  return { ...renamed(maxTokens, 'max_output_tokens'), ...renamed(question['temperature'], 'temperature'), ...renamed(question['top_p'], 'top_p') }
}

/** Anthropic's own words for capacity that was bought; any other is a tier as the hub knows them, for rules and upstreams to judge. */
const ownTiers: ReadonlySet<unknown> = new Set(['auto', 'standard_only'])

function tierOf({ speed, service_tier: tier }: Json, unsaid: Unsaid): Json {
  if (speed === 'fast') return { service_tier: 'priority' }
  if ((speed ?? 'standard') !== 'standard') unsaid.note('speed')
  return ownTiers.has(tier) ? {} : renamed(tier, 'service_tier')
}

const metadataMembers = new Set(['user_id'])

function userOf(metadata: unknown, unsaid: Unsaid): Json {
  if (!isObject(metadata)) {
    if ((metadata ?? null) !== null) unsaid.malformed('metadata', 'an object')
    return {}
  }
  unsaid.others(metadata, metadataMembers, 'metadata')
  const { user_id: user } = metadata
  if (typeof user !== 'string' || user === '') return {}
  return { safety_identifier: user.length > safetyIdentifierMax ? hash('sha256', user, 'hex') : user }
}
