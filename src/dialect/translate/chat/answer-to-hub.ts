import { isObject, type Json } from '../../json.ts'
import type { Telling } from '../hub.ts'
import { chatPrefix, endingOf, madeOf, responseOf, type Made } from './answer.ts'
import { annotationsToHub, logprobsToHub, objectsOf } from './asides.ts'
import { CallIds, callItem, itemId, contentText, messageItem, readCall, refusalPart, textOf, textPart, type ItemStatus } from './items.ts'
import { usageToHub } from './usage.ts'

/**
 * A whole answer of Chat Completions as the hub's response object (protocols.md 4.5). An answer that came whole needs no finish reason to be one; without
 * any choice it has failed.
 */
export function answerToHub(answer: Json, telling: Telling): Json {
  const made = madeOf(answer, answer['created'], chatPrefix, telling)
  const choice = choiceOf(answer['choices'])
  const said = { usage: usageToHub(answer['usage']), tier: answer['service_tier'] }
  if (choice === null)
    return responseOf(made, { ...said, status: 'failed', output: [], error: { code: 'server_error', message: 'The upstream answered nothing.' } })
  const ending = endingOf(choice['finish_reason'])
  return responseOf(made, { ...said, ...ending, output: outputOf(choice, made, ending.status) })
}

/** The first choice is the only one that was asked for. */
export function choiceOf(choices: unknown): Json | null {
  if (!Array.isArray(choices)) return null
  const first = choices.find((choice: unknown): choice is Json => isObject(choice) && (choice['index'] ?? 0) === 0)
  return first ?? null
}

/** The message stands before its calls; what was cut short is the last of them. */
function outputOf(choice: Json, { stem }: Made, status: 'completed' | 'incomplete'): readonly Json[] {
  const message = isObject(choice['message']) ? choice['message'] : {}
  const content = contentOf(message, choice['logprobs'])
  const calls = objectsOf(message['tool_calls'])
  const last = calls.length + (content.length > 0 ? 1 : 0) - 1
  const statusAt = (index: number): ItemStatus => (index === last ? status : 'completed')
  const output = content.length > 0 ? [messageItem(itemId('message', stem, 0), statusAt(0), content)] : []
  const ids = new CallIds()
  for (const entry of calls) {
    const index = output.length
    const call = readCall(entry)
    output.push(callItem(itemId(call.kind, stem, index), statusAt(index), { ...call, callId: ids.give(entry['id'], `call_${stem}_${index}`) }))
  }
  return output
}

function contentOf(message: Json, logprobs: unknown): readonly Json[] {
  const text = contentText(message['content'])
  const refusal = textOf(message['refusal'])
  const annotations = annotationsToHub(message['annotations'])
  const tokens = isObject(logprobs) ? logprobsToHub(logprobs['content']) : []
  const parts: Json[] = []
  if (text !== '' || annotations.length > 0 || tokens.length > 0) parts.push(textPart(text, annotations, tokens))
  if (refusal !== '') parts.push(refusalPart(refusal))
  return parts
}
