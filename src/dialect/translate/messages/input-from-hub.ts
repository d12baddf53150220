import { isObject, type Json } from '../../json.ts'
import { typeOf, type Unsaid } from '../unsaid.ts'
import { callId, inputOf, inputOfText } from './calls.ts'
import { blocksOf, textBlocks } from './content-from-hub.ts'
import { Dialogue } from './dialogue.ts'
import { blockOfSeal } from './seal.ts'

/** The hub's input as instructions and messages (protocols.md 5.8). */

export interface Said {
  readonly system: readonly Json[]
  readonly messages: readonly Json[]
}

export function saidOf(instructions: unknown, input: unknown, unsaid: Unsaid): Said {
  const system: Json[] = []
  if (typeof instructions === 'string') system.push(...textBlocks(instructions))
  else if ((instructions ?? null) !== null) unsaid.malformed('instructions', 'text')
  const dialogue = new Dialogue()
  if (typeof input === 'string') dialogue.say('user', textBlocks(input))
  else if (Array.isArray(input)) {
    const first = input.findIndex((item) => !isObject(item) || !isInstruction(item))
    const leading = first === -1 ? input.length : first
    for (const [index, item] of input.entries()) {
      const path = `input[${index}]`
      if (index < leading && isObject(item)) system.push(...instructionBlocks(item, path, unsaid))
      else add(item, path, dialogue, unsaid)
    }
  } else if ((input ?? null) !== null) unsaid.malformed('input', 'text or a list of items')
  return { system, messages: dialogue.messages() }
}

function isMessage({ type, role }: Json): boolean {
  return type === 'message' || (type === undefined && role !== undefined)
}

function isInstruction(item: Json): boolean {
  return isMessage(item) && (item['role'] === 'developer' || item['role'] === 'system')
}

function instructionBlocks(item: Json, path: string, unsaid: Unsaid): readonly Json[] {
  return blocksOf(item['content'], `${path}.content`, unsaid).filter((block, index) => {
    if (block['type'] !== 'text') unsaid.note(`${path}.content[${index}]`, 'instructions that are no text')
    return block['type'] === 'text'
  })
}

/**
 * Instructions in the middle of a dialogue: only some models take them as such there, while all know this form from Claude Code. Where they stand is
 * kept, so that the caches before them hold.
 */
function reminderBlocks(item: Json, path: string, unsaid: Unsaid): readonly Json[] {
  return instructionBlocks(item, path, unsaid).map(({ text }) => ({ type: 'text', text: `<system-reminder>\n${String(text)}\n</system-reminder>` }))
}

function add(item: unknown, path: string, dialogue: Dialogue, unsaid: Unsaid): void {
  if (!isObject(item)) {
    unsaid.malformed(path, 'an object')
    return
  }
  if (isMessage(item)) {
    addMessage(item, path, dialogue, unsaid)
    return
  }
  switch (item['type']) {
    case 'function_call':
      dialogue.call(callOf(item, inputOf(item['arguments']), path, unsaid))
      break
    case 'custom_tool_call':
      dialogue.call(callOf(item, inputOfText(typeof item['input'] === 'string' ? item['input'] : ''), path, unsaid))
      break
    case 'function_call_output':
    case 'custom_tool_call_output':
      dialogue.result(resultOf(item, path, unsaid))
      break
    case 'reasoning': {
      const block = blockOfSeal(item['encrypted_content'])
      if (block !== null) dialogue.say('assistant', [block])
      break
    }
    default:
      unsaid.note(path, `an item ${typeOf(item)}`)
  }
}

function addMessage(item: Json, path: string, dialogue: Dialogue, unsaid: Unsaid): void {
  switch (item['role']) {
    case 'user':
    case 'assistant':
      dialogue.say(item['role'], blocksOf(item['content'], `${path}.content`, unsaid))
      break
    case 'developer':
    case 'system':
      dialogue.say('user', reminderBlocks(item, path, unsaid))
      break
    default:
      unsaid.malformed(`${path}.role`, '"user", "assistant", "developer" or "system"')
  }
}

function callOf({ call_id: id, name }: Json, input: Json, path: string, unsaid: Unsaid): Json {
  if (typeof name !== 'string') unsaid.malformed(`${path}.name`, 'text')
  return { type: 'tool_use', id: checkedId(id, path, unsaid), name, input }
}

function checkedId(id: unknown, path: string, unsaid: Unsaid): string {
  if (typeof id === 'string') return callId(id)
  unsaid.malformed(`${path}.call_id`, 'text')
  return ''
}

function resultOf(item: Json, path: string, unsaid: Unsaid): Json {
  const { output } = item
  const content = typeof output === 'string' ? output : blocksOf(output, `${path}.output`, unsaid)
  const isEmpty = content.length === 0
  return { type: 'tool_result', tool_use_id: checkedId(item['call_id'], path, unsaid), ...(isEmpty ? {} : { content }) }
}
