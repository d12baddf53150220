import type { Behaviour } from '../behaviour.ts'
import { refused, type JsonObject, type Refused } from '../error.ts'
import { checkMembers, isSet, missing, notSupported, wrongType, type MemberTypes } from '../members.ts'
import { whole, type Play } from '../play.ts'
import type { Asker } from '../question.ts'
import { tokensOf } from '../words.ts'

const types: MemberTypes = [
  ['n', 'number'],
  ['size', 'string'],
  ['quality', 'string'],
  ['background', 'string'],
  ['output_format', 'string'],
  ['response_format', 'string'],
  ['user', 'string'],
]

const picturesMax = 10
/** Of one picture, whatever is on it. */
const outputTokens = 272
/** A point, as PNG. */
const picture = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** Answers `POST /v1/images/generations` (protocols.md 7.3). All pictures are alike; those of `dall-e-*` have no usage, and are addresses unless told otherwise. */
export function draw(fields: JsonObject, { behaviour }: Asker, nowMs: number): Play | Refused {
  const wrong = checkMembers(fields, types, behaviour)
  if (wrong !== null) return wrong
  const { prompt, model } = fields
  const n = fields['n'] ?? 1
  const form = fields['response_format'] ?? 'url'
  if (!isSet(prompt)) return missing('prompt')
  if (typeof prompt !== 'string') return wrongType('prompt', 'string')
  if (prompt === '') return refused(400, "Invalid 'prompt': it is empty.", { param: 'prompt', code: 'invalid_value' })
  if (fields['stream'] === true) return notSupported('stream', "'stream' is not supported here.")
  if (!Number.isInteger(n) || Number(n) < 1 || Number(n) > picturesMax) {
    return refused(400, `Invalid 'n': expected 1 to ${picturesMax}.`, { param: 'n', code: 'invalid_value' })
  }
  const isLegacy = String(model).startsWith('dall-e')
  const one = isLegacy && form === 'url' ? { url: 'https://pictures.invalid/1.png', revised_prompt: prompt } : { b64_json: picture }
  const data = Array.from({ length: Number(n) }, () => one)
  const told = isLegacy ? {} : { size: '1024x1024', quality: 'low', background: 'opaque', output_format: 'png', usage: usageOf(prompt, data.length, behaviour) }
  return whole(200, JSON.stringify({ created: Math.floor(nowMs / 1000), data, ...told }), { 'openai-model': String(model) + behaviour.snapshot })
}

function usageOf(prompt: string, pictures: number, { usage }: Behaviour): JsonObject {
  if (usage !== null) return usage
  const input = tokensOf([{ content: prompt }])
  const output = pictures * outputTokens
  return {
    input_tokens: input,
    input_tokens_details: { text_tokens: input, image_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { text_tokens: 0, image_tokens: output },
    total_tokens: input + output,
  }
}
