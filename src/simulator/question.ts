import type { Behaviour } from './behaviour.ts'
import { continued, dialogueBytesMax, type Dialogue } from './dialogue.ts'
import { isObject, refused, type JsonObject, type Refused } from './error.ts'
import type { Memory, Stored } from './memory.ts'
import { opens } from './seal.ts'

/** What a turn asks of the simulated upstream, checked as strictly as a real one checks it. */
export interface Question {
  readonly kind: 'question'
  readonly key: string
  readonly fields: JsonObject
  readonly model: string
  readonly stream: boolean
  readonly store: boolean
  /** The input as items, a text included. */
  readonly input: readonly JsonObject[]
  /** What the model has before it. */
  readonly dialogue: Dialogue
  /** Of the whole dialogue, as far as it is known here. */
  readonly inputTokens: number
  readonly items: number
}

/** Whom the question is put to. */
export interface Asker {
  readonly key: string
  readonly behaviour: Behaviour
  readonly memory: Memory
  /** The earlier answer of this id that may be continued here. */
  readonly recall: (id: string) => Stored | null
}

/** The body as an object. What is wrong with it is what a real service would say. */
export function parseBody(body: Buffer): { readonly kind: 'fields'; readonly fields: JsonObject } | Refused {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return isObject(value) ? { kind: 'fields', fields: value } : refused(400, 'The body must be a JSON object.', { code: 'invalid_type' })
  } catch {
    return refused(400, 'We could not parse the JSON body of your request.')
  }
}

/** Reads a request for an answer (or for its size). */
export function readQuestion(fields: JsonObject, bodyBytes: number, asker: Asker): Question | Refused {
  const wrong = checkMembers(fields, asker.behaviour)
  if (wrong !== null) return wrong
  const model = fields['model'] as string
  if (asker.behaviour.models !== null && !asker.behaviour.models.includes(model)) return unknownModel(model)
  const input = readInput(fields['input'])
  if ('kind' in input) return input
  const previous = readPrevious(fields['previous_response_id'], asker)
  if (previous !== null && previous.kind === 'refused') return previous
  const before = previous?.stored ?? null
  const bad = checkItems(input.items, asker) ?? checkCalls(input.items, before?.openCalls ?? [], asker)
  if (bad !== null) return bad
  return {
    kind: 'question',
    key: asker.key,
    fields,
    model,
    stream: fields['stream'] === true,
    store: fields['store'] !== false,
    input: input.items,
    dialogue: continued(before?.dialogue ?? null, input.items, bodyBytes),
    inputTokens: Math.ceil(bodyBytes / 4) + (before?.tokens ?? 0),
    items: input.items.length + (before?.items ?? 0),
  }
}

export function unknownModel(model: string): Refused {
  return refused(404, `The model \`${model}\` does not exist or you do not have access to it.`, { param: 'model', code: 'model_not_found' })
}

const types: readonly (readonly [member: string, is: 'boolean' | 'string' | 'array' | 'number'])[] = [
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

function checkMembers(fields: JsonObject, behaviour: Behaviour): Refused | null {
  const { model } = fields
  if (model === undefined || model === null) return missing('model')
  if (typeof model !== 'string') return wrongType('model', 'string')
  for (const member of behaviour.unsupported) {
    if (fields[member] === undefined || fields[member] === null) continue
    return refused(400, `Unsupported parameter: '${member}' is not supported with this model.`, { param: member, code: 'unsupported_parameter' })
  }
  for (const [member, is] of types) {
    const value = fields[member]
    if (value === undefined || value === null) continue
    if ((Array.isArray(value) ? 'array' : typeof value) !== is) return wrongType(member, is)
  }
  return null
}

const missing = (param: string) => refused(400, `Missing required parameter: '${param}'.`, { param, code: 'missing_required_parameter' })
const wrongType = (param: string, is: string) => refused(400, `Invalid type for '${param}': expected ${is}.`, { param, code: 'invalid_type' })

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
const outputTypes: ReadonlySet<unknown> = new Set(['function_call_output', 'custom_tool_call_output'])

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

/** What the user said last, in a few words, and whether it was a tool that spoke last. */
export function lastWords(question: Question): { readonly by: 'user' | 'tool'; readonly text: string } {
  for (const item of question.input.toReversed()) {
    if (outputTypes.has(item['type'])) return { by: 'tool', text: textOf(item['output']) }
    if (item['role'] === 'user') return { by: 'user', text: textOf(item['content']) }
  }
  return { by: 'user', text: '' }
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part) => (isObject(part) && typeof part['text'] === 'string' ? part['text'] : '')).join(' ')
}
