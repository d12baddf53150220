import { createHash } from 'node:crypto'
import { header } from '../../lib/headers.ts'
import { continued } from '../dialogue.ts'
import { isObject, type JsonObject, type Refused } from '../error.ts'
import { isSet, typeOf, type MemberTypes } from '../members.ts'
import type { Asker, Flavour, Question, Request, Wishes } from '../question.ts'
import { tokensOf } from '../words.ts'
import { readDialogue } from './dialogue.ts'
import type { Wrong } from './error.ts'
import { cacheTtl } from './usage.ts'

/** From this version on sampling is the service's own affair (protocols.md 5.1). */
const versionWithoutSampling = '2026-10-21'

/** What is checked against. */
interface Scene {
  readonly asker: Asker
  readonly version: string
  readonly wrong: Wrong
}

/** Reads a request of Messages, as strictly as Anthropic (protocols.md 5.1, 5.2). */
export function readMessagesQuestion(request: Request, asker: Asker): Question | Refused {
  const { fields, bodyBytes, refuse } = request
  const wrong: Wrong = (message) => refuse(400, message)
  const version = header(request.headers, 'anthropic-version')
  if (version === null || version === '') return wrong('anthropic-version: header is required')
  const scene = { asker, version, wrong }
  const bad = checkMembers(request, scene) ?? checkThinking(fields, wrong)
  if (bad !== null) return bad
  const model = fields['model'] as string
  const { models } = asker.behaviour
  if (models !== null && !models.includes(model)) return refuse(404, `model: ${model}`)
  const tools = readTools(fields['tools'], wrong)
  if ('kind' in tools) return tools
  const choice = checkChoice(fields['tool_choice'], tools.named, wrong)
  if (choice !== null) return choice
  const input = readDialogue(fields, { version, wrong })
  if ('kind' in input) return input
  return {
    kind: 'question',
    dialect: 'messages',
    key: asker.key,
    fields,
    wishes: wishesOf(fields, tools.named, input.items),
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
  ['model', 'string'],
  ['max_tokens', 'number'],
  ['messages', 'array'],
  ['stream', 'boolean'],
  ['tools', 'array'],
  ['tool_choice', 'object'],
  ['thinking', 'object'],
  ['output_config', 'object'],
  ['metadata', 'object'],
  ['stop_sequences', 'array'],
  ['service_tier', 'string'],
  ['speed', 'string'],
]

/** Members of the other dialects. What no dialect knows passes. */
const foreign =
  'input instructions max_output_tokens max_completion_tokens stream_options reasoning reasoning_effort response_format previous_response_id store parallel_tool_calls prompt_cache_key text include stop n'.split(
    ' ',
  )
const sampling = ['temperature', 'top_p', 'top_k']
const speeds: ReadonlySet<unknown> = new Set(['standard', 'fast'])
const tiers: ReadonlySet<unknown> = new Set(['auto', 'standard_only'])

function checkMembers({ fields, purpose }: Request, { asker, version, wrong }: Scene): Refused | null {
  const required = purpose === 'answer' ? ['model', 'max_tokens', 'messages'] : ['model', 'messages']
  const missing = required.find((member) => !isSet(fields[member]))
  if (missing !== undefined) return wrong(`${missing}: Field required`)
  const unsupported = asker.behaviour.unsupported.find((member) => isSet(fields[member]))
  if (unsupported !== undefined) return wrong(`${unsupported}: not supported with this model`)
  const extra = [...foreign, ...(version >= versionWithoutSampling ? sampling : []), ...(purpose === 'count' ? ['max_tokens', 'stream'] : [])]
  const found = extra.find((member) => member in fields)
  if (found !== undefined) return wrong(`${found}: Extra inputs are not permitted`)
  for (const [member, is] of types) {
    if (isSet(fields[member]) && typeOf(fields[member]) !== is) return wrong(`${member}: Input should be a valid ${is}`)
  }
  const { max_tokens: limit, speed, service_tier: tier } = fields
  if (isSet(limit) && (!Number.isInteger(limit) || Number(limit) < 0)) return wrong('max_tokens: Input should be greater than or equal to 0')
  if (isSet(speed) && !speeds.has(speed)) return wrong("speed: Input should be 'standard' or 'fast'")
  if (isSet(tier) && !tiers.has(tier)) return wrong("service_tier: Input should be 'auto' or 'standard_only'")
  return null
}

const thinkingTypes: ReadonlySet<unknown> = new Set(['enabled', 'adaptive', 'disabled', 'between_tools'])
const budgetMin = 1_024

function checkThinking({ thinking, max_tokens: limit }: JsonObject, wrong: Wrong): Refused | null {
  if (!isObject(thinking)) return null
  if (!thinkingTypes.has(thinking['type']))
    return wrong(`thinking.type: Input tag '${String(thinking['type'])}' found using 'type' is none of the expected ones`)
  if (thinking['type'] !== 'enabled') return null
  const budget = thinking['budget_tokens']
  if (typeof budget !== 'number') return wrong('thinking.enabled.budget_tokens: Field required')
  if (budget < budgetMin) return wrong(`thinking.enabled.budget_tokens: Input should be greater than or equal to ${budgetMin}`)
  return typeof limit === 'number' && limit <= budget ? wrong('`max_tokens` must be greater than `thinking.budget_tokens`.') : null
}

type Named = ReadonlyMap<string, Flavour>

/** The tools that the client runs; those with a type of their own the service would run. */
function readTools(tools: unknown, wrong: Wrong): { readonly named: Named } | Refused {
  const named = new Map<string, Flavour>()
  for (const [at, tool] of (Array.isArray(tools) ? (tools as readonly unknown[]) : []).entries()) {
    if (!isObject(tool)) return wrong(`tools.${at}: Input should be a valid object`)
    const { type, name, input_schema: schema } = tool
    if (typeof type === 'string' && /_\d{8}$/.test(type)) continue
    if (isSet(type) && type !== 'custom') return wrong(`tools.${at}: Input tag ${JSON.stringify(type)} found using 'type' is none of the expected tags`)
    if (typeof name !== 'string') return wrong(`tools.${at}.custom.name: Field required`)
    if (!/^[\w-]{1,128}$/.test(name)) return wrong(`tools.${at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`)
    if (!isObject(schema)) return wrong(`tools.${at}.custom.input_schema: Field required`)
    if (schema['type'] !== 'object') return wrong(`tools.${at}.custom.input_schema.type: Input should be 'object'`)
    if (named.has(name)) return wrong('tools: Tool names must be unique.')
    named.set(name, 'function')
  }
  return { named }
}

const choices: ReadonlySet<unknown> = new Set(['auto', 'any', 'tool', 'none'])

function checkChoice(choice: unknown, tools: Named, wrong: Wrong): Refused | null {
  if (!isObject(choice)) return null
  if (!choices.has(choice['type']))
    return wrong(`tool_choice: Input tag '${String(choice['type'])}' found using 'type' is none of: 'any', 'auto', 'none', 'tool'`)
  if (choice['type'] !== 'tool') return null
  if (typeof choice['name'] !== 'string') return wrong('tool_choice.tool.name: Field required')
  return tools.has(choice['name']) ? null : wrong(`Tool '${choice['name']}' not found in provided tools`)
}

function wishesOf(fields: JsonObject, tools: Named, items: readonly JsonObject[]): Wishes {
  const { thinking, tool_choice: choice, max_tokens: limit } = fields
  return {
    outputTokensMax: typeof limit === 'number' ? limit : Infinity,
    reasons: isObject(thinking) && thinking['type'] !== 'disabled',
    aloud: isObject(thinking) && thinking['type'] !== 'disabled' && thinking['display'] !== 'omitted',
    sealed: 'signature',
    tools,
    choice: isObject(choice) ? choiceOf(choice) : 'auto',
    cacheKey: cacheTtl(fields) === null ? null : beginningOf(items),
    tier: null,
    obfuscated: false,
  }
}

function choiceOf({ type, name }: JsonObject): Wishes['choice'] {
  if (type === 'tool' && typeof name === 'string') return { name }
  return type === 'any' ? 'required' : type === 'none' ? 'none' : 'auto'
}

/** Up to the user's first words: what the turns of one dialogue have in common. */
function beginningOf(items: readonly JsonObject[]): string {
  const first = items.findIndex((item) => item['role'] === 'user') + 1
  return createHash('sha256')
    .update(JSON.stringify(items.slice(0, first)))
    .digest('hex')
}
