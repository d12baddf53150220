import type { Behaviour } from './behaviour.ts'
import type { JsonObject } from './error.ts'
import { lastWords, type Asker, type Flavour, type Question } from './question.ts'
import { seal, sign } from './seal.ts'

/** One thing that an answer says. */
export type Item =
  | { readonly kind: 'reasoning'; readonly id: string; readonly summary: string | null; readonly sealed: string | null }
  | { readonly kind: 'message'; readonly id: string; readonly pieces: readonly string[]; readonly whole: boolean }
  | {
      readonly kind: 'call'
      readonly id: string
      readonly callId: string
      readonly name: string
      readonly says: string
      readonly flavour: Flavour
    }

/** All that will be said to one question, before it is put into bytes. */
export interface Answer {
  readonly id: string
  readonly question: Question
  readonly model: string
  readonly createdAtS: number
  readonly items: readonly Item[]
  /** `completed`, or why it is incomplete. */
  readonly ending: 'completed' | 'max_output_tokens' | 'steered'
  /** In the words of the Responses API; null: none is told. */
  readonly usage: unknown
  readonly tierServed: string
  /** `empty`: the terminal event tells no output although items were streamed. */
  readonly terminalOutput: 'whole' | 'empty'
  readonly outputTokens: number
  readonly obfuscated: boolean
}

const reasoningTokens = 16

/** How the ids begin that a dialect gives to an answer and to a call. */
export const idsOf = {
  responses: { answer: 'resp_', call: 'call_' },
  chat: { answer: 'chatcmpl-', call: 'call_' },
  messages: { answer: 'msg_', call: 'toolu_' },
} as const satisfies Readonly<Record<Question['dialect'], unknown>>

export function answer(question: Question, asker: Asker, nowMs: number): Answer {
  const { behaviour, memory } = asker
  const items: Item[] = []
  const reasoning = reason(question, asker)
  if (reasoning !== null) items.push(reasoning)
  const calls = callsAsked(question)
  const ids = idsOf[question.dialect]
  const said = calls.length > 0 ? null : message(question, behaviour)
  if (said !== null) items.push({ kind: 'message', id: memory.id('msg_'), ...said })
  for (const call of calls) items.push({ kind: 'call', id: memory.id(call.flavour === 'function' ? 'fc_' : 'ctc_'), callId: memory.id(ids.call), ...call })
  const bytes = said === null ? calls.length * 40 : said.pieces.reduce((sum, piece) => sum + piece.length, 0)
  const outputTokens = Math.max(1, Math.ceil(bytes / 4)) + (reasoning === null ? 0 : reasoningTokens)
  return {
    id: memory.id(ids.answer),
    question,
    model: question.model + behaviour.snapshot,
    createdAtS: Math.floor(nowMs / 1000),
    items,
    ending: said === null || said.whole ? 'completed' : 'max_output_tokens',
    usage: behaviour.usage ?? usage(question, asker, outputTokens, reasoning === null ? 0 : reasoningTokens),
    tierServed: served(behaviour.tier, question),
    terminalOutput: 'whole',
    outputTokens,
    obfuscated: question.wishes.obfuscated,
  }
}

/** An item as it stands in `output` when it is done. */
export function itemDone(item: Item): JsonObject {
  switch (item.kind) {
    case 'reasoning': {
      const summary = item.summary === null ? [] : [{ type: 'summary_text', text: item.summary }]
      return { id: item.id, type: 'reasoning', summary, ...(item.sealed === null ? {} : { encrypted_content: item.sealed }) }
    }
    case 'message': {
      const content = [{ type: 'output_text', text: item.pieces.join(''), annotations: [], logprobs: [] }]
      return { id: item.id, type: 'message', role: 'assistant', status: item.whole ? 'completed' : 'incomplete', content }
    }
    case 'call': {
      const says = item.flavour === 'function' ? { type: 'function_call', arguments: item.says } : { type: 'custom_tool_call', input: item.says }
      return { id: item.id, ...says, call_id: item.callId, name: item.name, status: 'completed' }
    }
  }
}

function reason({ wishes }: Question, { key, behaviour, memory }: Asker): Item | null {
  if (behaviour.reasoning === 'never' || (behaviour.reasoning === 'asked' && !wishes.reasons)) return null
  const id = memory.id('rs_')
  const summary = wishes.aloud ? `**Thinking it over** ${behaviour.label} weighs the question.` : null
  switch (wishes.sealed) {
    case 'no':
      return { kind: 'reasoning', id, summary, sealed: null }
    case 'content':
      return { kind: 'reasoning', id, summary, sealed: seal(key, id, behaviour.sealedBytes) }
    case 'signature':
      return { kind: 'reasoning', id, summary, sealed: sign(summary ?? '', id, behaviour.sealedBytes) }
  }
}

interface CallAsked {
  readonly name: string
  readonly flavour: Flavour
  readonly says: string
}

/** The calls that the input asks for: `call:<tool>` in the user's last words, its arguments behind it in parentheses, or a choice that demands one. */
function callsAsked(question: Question): readonly CallAsked[] {
  const { tools, choice } = question.wishes
  if (tools.size === 0 || choice === 'none') return []
  const last = lastWords(question)
  if (last.by === 'tool') return []
  const asked = [...last.text.matchAll(/\bcall:([\w.-]+)(?:\((\{[^)]*\})\))?/g)].map(([, name = '', says]) => ({ name, says }))
  const wanted: { readonly name: string; readonly says?: string | undefined }[] = asked.filter(({ name }) => tools.has(name))
  if (wanted.length === 0 && typeof choice === 'object' && tools.has(choice.name)) wanted.push({ name: choice.name })
  const first = tools.keys().next()
  if (wanted.length === 0 && choice === 'required' && first.done !== true) wanted.push({ name: first.value })
  return wanted.map(({ name, says }) => {
    const flavour = tools.get(name) ?? 'function'
    return { name, flavour, says: says ?? (flavour === 'custom' ? `asked: ${few(last.text)}` : JSON.stringify({ asked: few(last.text) })) }
  })
}

const few = (text: string) => text.trim().split(/\s+/, 8).join(' ').slice(0, 80)

/** The text, cut into its deltas. At a limit of tokens it stops short. */
function message(question: Question, behaviour: Behaviour): { readonly pieces: readonly string[]; readonly whole: boolean } {
  const pieces = cut(textFor(question, behaviour), question.stream ? behaviour.deltas : 1)
  const kept: string[] = []
  let left = question.wishes.outputTokensMax * 4
  for (const piece of pieces) {
    if (left <= 0) break
    kept.push(piece.length <= left ? piece : piece.slice(0, left))
    left -= piece.length
  }
  return { pieces: kept, whole: left >= 0 && kept.length === pieces.length }
}

function textFor(question: Question, behaviour: Behaviour): string {
  const last = lastWords(question)
  const heard = last.by === 'tool' ? `The tool said: ${few(last.text)}` : `You asked: ${few(last.text)}`
  const text = behaviour.text ?? `Hello from ${behaviour.label}. ${heard}`
  const bytes =
    question.stream || behaviour.answerBytes === null ? (behaviour.deltaBytes === null ? null : behaviour.deltas * behaviour.deltaBytes) : behaviour.answerBytes
  if (bytes === null) return text
  return text.length >= bytes ? text.slice(0, bytes) : text + filler(bytes - text.length)
}

const fillerWords = ' and so the train went on over the points to another track'
const filler = (bytes: number) => fillerWords.repeat(Math.ceil(bytes / fillerWords.length)).slice(0, bytes)

/** In `count` pieces of one size, never through the middle of a character. */
function cut(text: string, count: number): readonly string[] {
  const size = Math.max(1, Math.ceil(text.length / Math.max(1, count)))
  const pieces: string[] = []
  for (let start = 0; start < text.length;) {
    let end = Math.min(text.length, start + size)
    const code = text.charCodeAt(end - 1)
    if (code >= 0xd800 && code < 0xdc00 && end < text.length) end += 1
    pieces.push(text.slice(start, end))
    start = end
  }
  return pieces
}

/** In the words of the Responses API. What one cache key has said before is cached, nearly all the rest is written. */
function usage({ inputTokens: input, wishes }: Question, { key, memory }: Asker, outputTokens: number, reasoned: number): JsonObject {
  const { cacheKey } = wishes
  const cached = cacheKey === null ? 0 : memory.warm(key, cacheKey, input)
  const written = cacheKey === null ? 0 : Math.max(0, input - cached - 8)
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoned },
    total_tokens: input + outputTokens,
  }
}

/** `fast` and `priority` are one tier; newer models call it the former in their answers (protocols.md 1.2). */
function served(tier: string, { wishes, model }: Question): string {
  if (tier !== 'echo') return tier
  const asked = wishes.tier
  if (asked === null || asked === 'auto') return 'default'
  if (asked !== 'fast' && asked !== 'priority') return asked
  return model.startsWith('gpt-6') ? 'fast' : 'priority'
}
