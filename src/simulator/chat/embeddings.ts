import { createHash } from 'node:crypto'
import type { Behaviour } from '../behaviour.ts'
import { isObject, refused, type JsonObject, type Refused } from '../error.ts'
import { checkMembers, isSet, missing, wrongType, type MemberTypes } from '../members.ts'
import { whole, type Play } from '../play.ts'
import type { Asker } from '../question.ts'
import { tokensOf } from '../words.ts'

const types: MemberTypes = [
  ['dimensions', 'number'],
  ['encoding_format', 'string'],
  ['user', 'string'],
]

const dimensionsUsual = 16
const dimensionsMax = 3_072
const inputsMax = 2_048

/** One thing to be embedded: a text, or its tokens. */
type Input = string | readonly number[]

/** Answers `POST /v1/embeddings` (protocols.md 7.2). The same input has the same vector, whoever asks. */
export function embed(fields: JsonObject, { behaviour }: Asker): Play | Refused {
  const wrong = checkMembers(fields, types, behaviour)
  if (wrong !== null) return wrong
  const inputs = inputsOf(fields['input'])
  if ('kind' in inputs) return inputs
  const { encoding_format: format = 'float', dimensions = dimensionsUsual, model } = fields
  if (format !== 'float' && format !== 'base64') {
    return refused(400, "Invalid 'encoding_format': expected 'float' or 'base64'.", { param: 'encoding_format', code: 'invalid_value' })
  }
  if (!Number.isInteger(dimensions) || Number(dimensions) < 1 || Number(dimensions) > dimensionsMax) {
    return refused(400, `Invalid 'dimensions': expected 1 to ${dimensionsMax}.`, { param: 'dimensions', code: 'invalid_value' })
  }
  const data = inputs.all.map((input, index) => {
    const vector = vectorOf(input, Number(dimensions))
    return { object: 'embedding', index, embedding: format === 'float' ? [...vector] : Buffer.from(vector.buffer).toString('base64') }
  })
  const named = String(model) + behaviour.snapshot
  return whole(200, JSON.stringify({ object: 'list', data, model: named, usage: usageOf(inputs.all, behaviour) }), { 'openai-model': named })
}

function inputsOf(input: unknown): { readonly all: readonly Input[] } | Refused {
  if (!isSet(input)) return missing('input')
  if (typeof input === 'string') return input === '' ? empty : { all: [input] }
  if (!Array.isArray(input)) return wrongType('input', 'a string or an array')
  if (input.length === 0 || input.length > inputsMax) return empty
  if (isTokens(input)) return { all: [input] }
  const at = (input as readonly unknown[]).findIndex((one) => (typeof one !== 'string' || one === '') && !isTokens(one))
  return at === -1 ? { all: input as readonly Input[] } : wrongType(`input[${at}]`, 'a string or an array of tokens')
}

const empty = refused(400, `'input' must be 1 to ${inputsMax} texts, none of them empty.`, { param: 'input', code: 'invalid_value' })
const isTokens = (value: unknown): value is readonly number[] => Array.isArray(value) && value.length > 0 && value.every((one) => Number.isInteger(one))

/** A point on the unit sphere that depends on nothing but the input. */
function vectorOf(input: Input, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions)
  for (let at = 0; at < dimensions; at += 1) {
    const hash = createHash('sha256')
      .update(`${at} ${JSON.stringify(input)}`)
      .digest()
    vector[at] = hash.readInt32LE(0) / 2 ** 31
  }
  const length = Math.hypot(...vector) || 1
  return vector.map((one) => one / length)
}

/** Only the input counts. */
function usageOf(inputs: readonly Input[], { usage }: Behaviour): JsonObject {
  const given = isObject(usage) ? usage['input_tokens'] : undefined
  const counted = inputs.reduce((sum, input) => sum + (typeof input === 'string' ? tokensOf([{ content: input }]) : input.length), 0)
  const tokens = given ?? counted
  return { prompt_tokens: tokens, total_tokens: tokens }
}
