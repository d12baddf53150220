import { isObject, refused, type JsonObject, type Refused } from '../error.ts'
import { checkMembers, isSet, missing, wrongType } from '../members.ts'
import { whole, type Play } from '../play.ts'
import type { Asker } from '../question.ts'
import { textOf } from '../words.ts'

const inputsMax = 2_048

/** What may be found, each where its word is said. A real service has more of them. */
const categories = ['harassment', 'hate', 'illicit', 'self-harm', 'sexual', 'violence'] as const

/** Answers `POST /v1/moderations`: one verdict for each text, or for all parts of one message. The same input has the same verdict, whoever asks. */
export function moderate(fields: JsonObject, { behaviour, memory }: Asker): Play | Refused {
  const wrong = checkMembers(fields, [], behaviour)
  if (wrong !== null) return wrong
  const inputs = inputsOf(fields['input'])
  if ('kind' in inputs) return inputs
  const named = String(fields['model']) + behaviour.snapshot
  const results = inputs.all.map(verdictOn)
  return whole(200, JSON.stringify({ id: memory.id('modr-'), model: named, results }), { 'openai-model': named })
}

function inputsOf(input: unknown): { readonly all: readonly string[] } | Refused {
  if (!isSet(input)) return missing('input')
  if (typeof input === 'string') return { all: [input] }
  if (!Array.isArray(input)) return wrongType('input', 'a string or an array')
  const inputs = input as readonly unknown[]
  if (inputs.length === 0 || inputs.length > inputsMax)
    return refused(400, `'input' must be 1 to ${inputsMax} texts.`, { param: 'input', code: 'invalid_value' })
  if (inputs.every(isObject)) return { all: [textOf(inputs)] }
  const at = inputs.findIndex((one) => typeof one !== 'string')
  return at === -1 ? { all: inputs as readonly string[] } : wrongType(`input[${at}]`, 'a string')
}

function verdictOn(text: string): JsonObject {
  const found = new Set<string>(categories.filter((category) => text.includes(category)))
  const forEach = <T>(say: (isFound: boolean) => T) => Object.fromEntries(categories.map((category) => [category, say(found.has(category))]))
  return {
    flagged: found.size > 0,
    categories: forEach((isFound) => isFound),
    category_scores: forEach((isFound) => (isFound ? 0.98 : 0.000_01)),
    category_applied_input_types: forEach(() => ['text']),
  }
}
