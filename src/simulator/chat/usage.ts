import { isObject, type JsonObject } from '../error.ts'

/** From a member of the Responses API to that of Chat Completions, in which it stands. */
const members = [
  ['input_tokens', 'prompt_tokens'],
  ['output_tokens', 'completion_tokens'],
  ['total_tokens', 'total_tokens'],
] as const

const inputNone = { audio_tokens: 0 }
const outputNone = { audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 }

/** Usage in the words of Chat Completions, nonsense included (protocols.md 4.2); null: none is told. */
export function chatUsage(usage: unknown): JsonObject | null {
  if (!isObject(usage)) return null
  const told = members.flatMap(([from, to]) => (usage[from] === undefined ? [] : [[to, usage[from]] as const]))
  const { input_tokens_details: input, output_tokens_details: output } = usage
  return {
    ...(Object.fromEntries(told) as JsonObject),
    ...(input === undefined ? {} : { prompt_tokens_details: isObject(input) ? { ...input, ...inputNone } : input }),
    ...(output === undefined ? {} : { completion_tokens_details: isObject(output) ? { ...output, ...outputNone } : output }),
  }
}
