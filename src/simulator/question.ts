import type { Headers } from '../lib/headers.ts'
import type { Behaviour } from './behaviour.ts'
import type { Dialogue } from './dialogue.ts'
import { isObject, type JsonObject, type Refuse, type Refused } from './error.ts'
import type { Memory, Stored } from './memory.ts'
import { outputTypes, textOf } from './words.ts'

export type DialectName = 'responses' | 'chat' | 'messages'
export type Flavour = 'function' | 'custom'

/** What a question wants of its answer, whatever the words of its dialect. */
export interface Wishes {
  /** Infinity: as many as it takes. */
  readonly outputTokensMax: number
  readonly reasons: boolean
  /** Whether it is to be told what the model thinks. */
  readonly aloud: boolean
  /** In what form it is to be given what only the key that was used can open. */
  readonly sealed: 'no' | 'content' | 'signature'
  /** The tools that may be called, by name. */
  readonly tools: ReadonlyMap<string, Flavour>
  readonly choice: 'auto' | 'none' | 'required' | { readonly name: string }
  /** What two questions share whose beginnings are cached; null: nothing is. */
  readonly cacheKey: string | null
  readonly tier: string | null
  /** Whether deltas are padded. */
  readonly obfuscated: boolean
}

/** What a turn asks of the simulated upstream, checked as strictly as a real one checks it. */
export interface Question {
  readonly kind: 'question'
  readonly dialect: DialectName
  readonly key: string
  /** The body, in the words of its dialect. */
  readonly fields: JsonObject
  readonly wishes: Wishes
  readonly model: string
  readonly stream: boolean
  readonly store: boolean
  /** The input as items of the Responses API, whatever the dialect: one question has one dialogue. */
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
export function parseBody(body: Buffer, refuse: Refuse): { readonly kind: 'fields'; readonly fields: JsonObject } | Refused {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return isObject(value) ? { kind: 'fields', fields: value } : refuse(400, 'The body must be a JSON object.', { code: 'invalid_type' })
  } catch {
    return refuse(400, 'We could not parse the JSON body of your request.')
  }
}

/** What is read: a body, and what goes with it. */
export interface Request {
  readonly fields: JsonObject
  readonly bodyBytes: number
  readonly headers: Headers
  readonly refuse: Refuse
  /** Whether it is to be answered, or only counted. */
  readonly purpose: 'answer' | 'count'
}

/** What the user said last, in a few words, and whether it was a tool that spoke last. */
export function lastWords(question: Question): { readonly by: 'user' | 'tool'; readonly text: string } {
  for (const item of question.input.toReversed()) {
    if (outputTypes.has(item['type'])) return { by: 'tool', text: textOf(item['output']) }
    if (item['role'] === 'user') return { by: 'user', text: textOf(item['content']) }
  }
  return { by: 'user', text: '' }
}
