import { continued } from '../dialogue.ts'
import { isObject, refused, type JsonObject, type Refused } from '../error.ts'
import { checkMembers, isSet, missing, notSupported, wrongType, type MemberTypes } from '../members.ts'
import type { Asker, Flavour, Question, Request, Wishes } from '../question.ts'
import { tokensOf } from '../words.ts'
import { readMessages } from './dialogue.ts'

/** Reads a request of Chat Completions, as strictly as OpenAI (protocols.md 4.1). */
export function readChat({ fields, bodyBytes }: Pick<Request, 'fields' | 'bodyBytes'>, asker: Asker): Question | Refused {
  const wrong = checkMembers(fields, types, asker.behaviour) ?? checkForeign(fields)
  if (wrong !== null) return wrong
  const model = fields['model'] as string
  const tools = readTools(fields['tools'])
  if ('kind' in tools) return tools
  const bad = checkModel(fields, model, tools.named) ?? checkChoice(fields, tools.named) ?? checkRest(fields)
  if (bad !== null) return bad
  const input = readMessages(fields['messages'])
  if ('kind' in input) return input
  return {
    kind: 'question',
    dialect: 'chat',
    key: asker.key,
    fields,
    wishes: wishesOf(fields, tools.named),
    model,
    stream: fields['stream'] === true,
    store: false,
    input: input.items,
    dialogue: continued(null, input.items, bodyBytes),
    inputTokens: tokensOf(input.items),
    items: input.items.length,
  }
}

const types: MemberTypes = [
  ['messages', 'array'],
  ['stream', 'boolean'],
  ['stream_options', 'object'],
  ['store', 'boolean'],
  ['service_tier', 'string'],
  ['prompt_cache_key', 'string'],
  ['reasoning_effort', 'string'],
  ['response_format', 'object'],
  ['tools', 'array'],
  ['parallel_tool_calls', 'boolean'],
  ['max_completion_tokens', 'number'],
  ['max_tokens', 'number'],
  ['n', 'number'],
]

/** Members of the other dialects. What no dialect knows passes. */
const foreign = 'input instructions max_output_tokens previous_response_id include truncation system stop_sequences output_config speed'.split(' ')

function checkForeign(fields: JsonObject): Refused | null {
  const member = foreign.find((name) => name in fields)
  return member === undefined ? null : refused(400, `Unknown parameter: '${member}'.`, { param: member, code: 'unknown_parameter' })
}

type Named = ReadonlyMap<string, Flavour>

/** Newer models have their own mind: other names for limits, and functions only where they do not reason. */
function checkModel(fields: JsonObject, model: string, tools: Named): Refused | null {
  const effort = fields['reasoning_effort']
  if (/^gpt-[56]/.test(model) && isSet(fields['max_tokens'])) {
    return notSupported('max_tokens', "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")
  }
  if (model.startsWith('gpt-6.1') && (effort === 'none' || effort === 'minimal')) {
    const message = `Unsupported value: 'reasoning_effort' does not support '${effort}' with this model.`
    return refused(400, message, { param: 'reasoning_effort', code: 'unsupported_value' })
  }
  const hasFunctions = [...tools.values()].includes('function') || (Array.isArray(fields['functions']) && fields['functions'].length > 0)
  if (!model.startsWith('gpt-6') || !hasFunctions || effort === 'none') return null
  const message = `Function tools with reasoning are not supported for ${model} in /v1/chat/completions. Please use /v1/responses instead.`
  return refused(400, message, { param: 'tools', code: 'unsupported_parameter' })
}

function readTools(tools: unknown): { readonly named: Named } | Refused {
  const named = new Map<string, Flavour>()
  for (const [at, tool] of (Array.isArray(tools) ? (tools as readonly unknown[]) : []).entries()) {
    const param = `tools[${at}]`
    if (!isObject(tool)) return wrongType(param, 'object')
    const { type } = tool
    if (type === undefined) return missing(`${param}.type`)
    if (type !== 'function' && type !== 'custom') {
      const message = `Invalid value: '${JSON.stringify(type)}'. Supported values are: 'function' and 'custom'.`
      return refused(400, message, { param: `${param}.type`, code: 'invalid_value' })
    }
    const own = tool[type]
    if (!isObject(own)) return missing(`${param}.${type}`)
    if (typeof own['name'] !== 'string') return missing(`${param}.${type}.name`)
    if (!/^[\w-]{1,64}$/.test(own['name'])) {
      return refused(400, `Invalid '${param}.${type}.name': string does not match pattern.`, { param: `${param}.${type}.name`, code: 'invalid_value' })
    }
    named.set(own['name'], type)
  }
  return { named }
}

function checkChoice({ tool_choice: choice }: JsonObject, tools: Named): Refused | null {
  if (!isSet(choice) || choice === 'none' || (choice === 'auto' && tools.size > 0)) return null
  const param = 'tool_choice'
  if (tools.size === 0) return refused(400, "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.", { param })
  if (choice === 'required' || (isObject(choice) && choice['type'] === 'allowed_tools')) return null
  const name = nameIn(choice)
  if (name === null) return refused(400, "Invalid value for 'tool_choice'.", { param, code: 'invalid_value' })
  return tools.has(name) ? null : refused(400, `Tool choice '${name}' not found in 'tools' parameter.`, { param })
}

/** `{type: "function", function: {name}}`, or the same of a custom tool. */
function nameIn(choice: unknown): string | null {
  if (!isObject(choice) || typeof choice['type'] !== 'string') return null
  const own = choice[choice['type']]
  return isObject(own) && typeof own['name'] === 'string' ? own['name'] : null
}

function checkRest(fields: JsonObject): Refused | null {
  if (isSet(fields['stream_options']) && fields['stream'] !== true) {
    return refused(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", { param: 'stream_options' })
  }
  if (isSet(fields['max_tokens']) && isSet(fields['max_completion_tokens'])) {
    return refused(400, "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.", { param: 'max_tokens' })
  }
  if (isSet(fields['n']) && fields['n'] !== 1) return refused(400, 'This simulator gives one choice.', { param: 'n', code: 'unsupported_value' })
  return isSet(fields['messages']) ? null : missing('messages')
}

function wishesOf(fields: JsonObject, tools: Named): Wishes {
  const { tool_choice: choice, stream_options: options, service_tier: tier, reasoning_effort: effort } = fields
  const limit = fields['max_completion_tokens'] ?? fields['max_tokens']
  const cacheKey = fields['prompt_cache_key']
  const name = nameIn(choice)
  return {
    outputTokensMax: typeof limit === 'number' ? limit : Infinity,
    reasons: typeof effort === 'string' && effort !== 'none',
    // What the model thinks is counted, and not told.
    aloud: false,
    sealed: 'no',
    tools,
    choice: choice === 'none' || choice === 'required' ? choice : name === null ? 'auto' : { name },
    cacheKey: typeof cacheKey === 'string' ? cacheKey : null,
    tier: typeof tier === 'string' ? tier : null,
    obfuscated: !isObject(options) || options['include_obfuscation'] !== false,
  }
}
