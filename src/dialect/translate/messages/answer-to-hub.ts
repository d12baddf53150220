import { isObject, type Json } from '../../json.ts'
import type { Telling } from '../hub.ts'
import { textOfInput } from './calls.ts'
import { callIdOf, coreOf, itemId } from './ids.ts'
import { callItem, messageItem, reasoningItem, type ItemStatus } from './items.ts'
import { responseOf } from './response.ts'
import { sealOfBlock } from './seal.ts'
import { endedBy } from './stop.ts'

/** A whole message as the hub's response object (protocols.md 5.8). It never throws, whatever came. */
export function answerToHub(answer: Json, telling: Telling): Json {
  const core = coreOf(answer['id'], telling)
  const ended = endedBy(answer['stop_reason'])
  const blocks: readonly unknown[] = Array.isArray(answer['content']) ? answer['content'] : []
  const output: Json[] = []
  for (const [index, block] of blocks.entries()) {
    // The limit cut what came last.
    const isCut = ended.status === 'incomplete' && index === blocks.length - 1
    const item = isObject(block) ? itemOf(block, { core, index: output.length, status: isCut ? 'incomplete' : 'completed' }, telling) : null
    if (item !== null) output.push(item)
  }
  const usage = isObject(answer['usage']) ? answer['usage'] : null
  return responseOf({ core, model: answer['model'], usage, output }, telling, ended)
}

interface Place {
  readonly core: string
  readonly index: number
  readonly status: ItemStatus
}

/** Null: a block that nobody asked for, since no question here offers tools that the service itself runs. */
function itemOf(block: Json, { core, index, status }: Place, { memo }: Telling): Json | null {
  switch (block['type']) {
    case 'text':
      return messageItem(itemId('message', core, index), textOf(block['text']), status)
    case 'thinking':
    case 'redacted_thinking':
      return reasoningItem(itemId('reasoning', core, index), textOf(block['thinking']), sealOfBlock(block), status)
    case 'tool_use': {
      const { id, name } = block
      const type = typeof name === 'string' && memo?.customTools.has(name) === true ? 'custom_tool_call' : 'function_call'
      const json = JSON.stringify(block['input'] ?? {})
      const call = { type, id: itemId(type, core, index), callId: callIdOf(id, core, index), name: textOf(name) } as const
      return callItem(call, type === 'custom_tool_call' ? textOfInput(json) : json, status)
    }
    default:
      return null
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
