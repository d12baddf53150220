import { continued, dialogueBytesMax, itemsOf, type Dialogue } from '../dialogue.ts'
import { isObject, refused, type JsonObject, type Refused } from '../error.ts'
import { checkMembers, wrongType, type MemberTypes } from '../members.ts'
import type { Stored } from '../memory.ts'
import type { Asker, Flavour, Question, Request, Wishes } from '../question.ts'
import { opens } from '../seal.ts'
import { outputTypes, tokensOf } from '../words.ts'

type Asked = Pick<Request, 'fields' | 'bodyBytes'>

/** Reads a request for an answer (or for its size). */
export function readResponses({ fields, bodyBytes }: Asked, asker: Asker): Question | Refused {
  const wrong = checkMembers(fields, types, asker.behaviour)
  if (wrong !== null) return wrong
  const input = readInput(fields['input'])
  if ('kind' in input) return input
  const previous = readPrevious(fields['previous_response_id'], asker)
  if (previous !== null && previous.kind === 'refused') return previous
  const before = previous?.stored ?? null
  const bad = checkItems(input.items, asker) ?? checkCalls(input.items, before?.openCalls ?? [], asker)
  if (bad !== null) return bad
  const dialogue = continued(before?.dialogue ?? null, input.items, bodyBytes)
  return {
    kind: 'question',
    dialect: 'responses',
    key: asker.key,
    fields,
    wishes: wishesOf(fields),
    model: fields['model'] as string,
    stream: fields['stream'] === true,
    store: fields['store'] !== false,
    input: input.items,
    dialogue,
    inputTokens: asker.behaviour.count === 'words' ? wordsOf(fields, dialogue) : Math.ceil(bodyBytes / 4) + (before?.tokens ?? 0),
    items: input.items.length + (before?.items ?? 0),
  }
}

const types: MemberTypes = [
  ['stream', 'boolean'],
  ['store', 'boolean'],
  ['background', 'boolean'],
  ['instructions', 'string'],
  ['service_tier', 'string'],
  ['prompt_cache_key', 'string'],
  ['previous_response_id', 'string'],
  ['tools', 'array'],
  ['include', 'array'],
  ['max_output_tokens', 'number'],
]

function wishesOf(fields: JsonObject): Wishes {
  const { reasoning, include, tool_choice: choice, stream_options: options, service_tier: tier } = fields
  const limit = fields['max_output_tokens']
  const cacheKey = fields['prompt_cache_key']
  return {
    outputTokensMax: typeof limit === 'number' ? limit : Infinity,
    reasons: isObject(reasoning) && reasoning['effort'] !== 'none',
    aloud: isObject(reasoning) && typeof reasoning['summary'] === 'string',
    sealed: Array.isArray(include) && include.includes('reasoning.encrypted_content') ? 'content' : 'no',
    tools: toolsOf(fields['tools']),
    choice: choice === 'none' || choice === 'required' ? choice : isObject(choice) && typeof choice['name'] === 'string' ? { name: choice['name'] } : 'auto',
    cacheKey: typeof cacheKey === 'string' ? cacheKey : null,
    tier: typeof tier === 'string' ? tier : null,
    obfuscated: !isObject(options) || options['include_obfuscation'] !== false,
  }
}

function toolsOf(tools: unknown): ReadonlyMap<string, Flavour> {
  const named = new Map<string, Flavour>()
  for (const tool of Array.isArray(tools) ? (tools as readonly unknown[]) : []) {
    if (!isObject(tool) || typeof tool['name'] !== 'string') continue
    if (tool['type'] === 'function' || tool['type'] === 'custom') named.set(tool['name'], tool['type'])
  }
  return named
}

/** The instructions are no items, and are not continued. */
const wordsOf = ({ instructions }: JsonObject, dialogue: Dialogue) => tokensOf([{ content: instructions }, ...itemsOf(dialogue)])

function readInput(input: unknown): { readonly items: readonly JsonObject[] } | Refused {
  if (input === undefined || input === null) return { items: [] }
  if (typeof input === 'string') return { items: [{ type: 'message', role: 'user', content: input }] }
  if (!Array.isArray(input)) return wrongType('input', 'a string or an array')
  const at = input.findIndex((item) => !isObject(item))
  return at === -1 ? { items: input as readonly JsonObject[] } : wrongType(`input[${at}]`, 'object')
}

function readPrevious(id: unknown, asker: Asker): { readonly kind: 'found'; readonly stored: Stored } | Refused | null {
  if (typeof id !== 'string') return null
  const stored = asker.recall(id)
  if (stored === null) return lost(id)
  if (stored.dialogue.bytes <= dialogueBytesMax) return { kind: 'found', stored }
  return refused(400, 'The dialogue is longer than this simulator continues.', { param: 'input', code: 'context_length_exceeded' })
}

function lost(id: string): Refused {
  return refused(400, `Previous response with id '${id}' not found.`, { param: 'previous_response_id', code: 'previous_response_not_found' })
}

/** Sealed reasoning must be this key's own; what is named by id must be kept for this key; an item must not be parted from its reasoning. */
function checkItems(items: readonly JsonObject[], asker: Asker): Refused | null {
  const reasoned = new Set<unknown>()
  for (const [at, item] of items.entries()) {
    const { type, id } = item
    const sealed = item['encrypted_content']
    const param = `input[${at}]`
    if (typeof sealed === 'string') {
      if (!opens(asker.key, sealed)) {
        const name = typeof id === 'string' ? id : param
        return refused(400, `The encrypted content of item ${name} could not be verified.`, { param, code: 'invalid_encrypted_content' })
      }
      reasoned.add(id)
      continue
    }
    if (typeof id !== 'string') continue
    const given = asker.memory.given(asker.key, id)
    if (type === 'item_reference' || type === 'reasoning') {
      if (given?.stored !== true) return refused(400, `Item with id '${id}' not found.`, { param, code: 'item_not_found' })
      reasoned.add(id)
    } else if (typeof given?.needs === 'string' && !reasoned.has(given.needs)) {
      return refused(400, `Item '${id}' was provided without its required 'reasoning' item: '${given.needs}'.`, { param })
    }
  }
  return null
}

const callTypes: ReadonlySet<unknown> = new Set(['function_call', 'custom_tool_call'])

/** A call and its output are never parted. */
function checkCalls(items: readonly JsonObject[], before: readonly string[], { key, memory }: Asker): Refused | null {
  const open = new Set<unknown>(before)
  for (const item of items) {
    const { type, id } = item
    if (callTypes.has(type)) open.add(item['call_id'])
    if (type === 'item_reference' && typeof id === 'string') {
      const call = memory.given(key, id)?.call ?? null
      if (call !== null) open.add(call)
    }
    if (outputTypes.has(type) && !open.delete(item['call_id'])) {
      return refused(400, `No tool call found for the output with call_id ${String(item['call_id'])}.`, { param: 'input' })
    }
  }
  for (const call of open) return refused(400, `No tool output found for the call ${String(call)}.`, { param: 'input' })
  return null
}
