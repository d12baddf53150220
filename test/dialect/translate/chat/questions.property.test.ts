import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../src/dialect/json.ts'
import { chatTranslator } from '../../../../src/dialect/translate/chat/translator.ts'
import type { Translated } from '../../../../src/dialect/translate/hub.ts'

function said(translated: Translated): Json {
  if (translated.kind === 'unsayable') throw new Error(translated.refusal.message)
  return translated.question
}

const text = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' })
const some = (model: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Json> => fc.record(model, { requiredKeys: [] })
const schema = fc.constantFrom({ type: 'object', properties: { q: { type: 'string' } } }, { type: 'object', properties: {} })

/** Members that both dialects call the same. */
const shared = some({
  model: text,
  stream: fc.boolean(),
  service_tier: fc.constantFrom('auto', 'flex', 'priority'),
  temperature: fc.constantFrom(0, 0.5, 2),
  top_p: fc.constantFrom(0.1, 1),
  metadata: fc.constant({ a: 'b' }),
  user: text,
  safety_identifier: text,
  prompt_cache_key: text,
  prompt_cache_retention: fc.constant('24h'),
  prompt_cache_options: fc.constant({ mode: 'implicit', ttl: '30m' }),
})

interface Tool {
  readonly kind: 'function' | 'custom'
  readonly name: string
  readonly description: string
  readonly schema: Json
  readonly strict: boolean
}
const tool: fc.Arbitrary<Tool> = fc.record({ kind: fc.constantFrom('function', 'custom'), name: text, description: text, schema, strict: fc.boolean() })

/** A dialogue, in neither dialect: what the users say, and what the assistant says and calls. */
interface Said {
  readonly by: 'system' | 'developer' | 'user'
  readonly parts: readonly ({ readonly text: string } | { readonly image: string; readonly detail: string })[]
  readonly answer: string
  readonly calls: readonly { readonly kind: Tool['kind']; readonly name: string; readonly input: string; readonly output: readonly string[] }[]
}
const dialogue: fc.Arbitrary<readonly Said[]> = fc.array(
  fc.record({
    by: fc.constantFrom('system', 'developer', 'user'),
    parts: fc.array(fc.oneof(fc.record({ text }), fc.record({ image: text, detail: fc.constantFrom('auto', 'low', 'high') })), { minLength: 1, maxLength: 3 }),
    answer: fc.oneof(fc.constant(''), text),
    calls: fc.array(
      fc.record({ kind: fc.constantFrom('function', 'custom'), name: text, input: text, output: fc.array(text, { minLength: 1, maxLength: 2 }) }),
      { maxLength: 3 },
    ),
  }),
  { maxLength: 4 },
)

const idOf = (turn: number, call: number): string => `call_${turn}_${call}`
/** One plain text is said as such. */
const plain = (parts: readonly Json[]): unknown => (parts.length === 1 && 'text' in (parts[0] ?? {}) ? parts[0]?.['text'] : parts)

function messagesOf(turns: readonly Said[]): readonly Json[] {
  return turns.flatMap(({ by, parts, answer, calls }, turn): readonly Json[] => {
    const content = parts.map((part) =>
      'text' in part
        ? { type: 'text', text: part.text }
        : { type: 'image_url', image_url: { url: part.image, ...(part.detail === 'auto' ? {} : { detail: part.detail }) } },
    )
    const toolCalls = calls.map(({ kind, name, input }, at) => ({
      id: idOf(turn, at),
      type: kind,
      [kind]: kind === 'function' ? { name, arguments: input } : { name, input },
    }))
    const message = { role: 'assistant', content: answer === '' ? null : answer, ...(calls.length === 0 ? {} : { tool_calls: toolCalls }) }
    const outputs = calls.map(({ output }, at) => ({
      role: 'tool',
      tool_call_id: idOf(turn, at),
      content: plain(output.map((each) => ({ type: 'text', text: each }))),
    }))
    return [{ role: by, content: plain(content) }, ...(answer === '' && calls.length === 0 ? [] : [message]), ...outputs]
  })
}

function itemsOf(turns: readonly Said[]): readonly Json[] {
  return turns.flatMap(({ by, parts, answer, calls }, turn): readonly Json[] => {
    const content = parts.map((part) =>
      'text' in part ? { type: 'input_text', text: part.text } : { type: 'input_image', image_url: part.image, detail: part.detail },
    )
    const message = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: answer }] }
    const made = calls.map(({ kind, name, input }, at) =>
      kind === 'function'
        ? { type: 'function_call', call_id: idOf(turn, at), name, arguments: input }
        : { type: 'custom_tool_call', call_id: idOf(turn, at), name, input },
    )
    const outputs = calls.map(({ kind, output }, at) => ({
      type: kind === 'function' ? 'function_call_output' : 'custom_tool_call_output',
      call_id: idOf(turn, at),
      output: plain(output.map((each) => ({ type: 'input_text', text: each }))),
    }))
    return [{ type: 'message', role: by, content: plain(content) }, ...(answer === '' ? [] : [message]), ...made, ...outputs]
  })
}

const chatTool = ({ kind, name, description, schema: parameters, strict }: Tool): Json =>
  kind === 'function'
    ? { type: kind, function: { name, description, parameters, strict } }
    : { type: kind, custom: { name, description, format: { type: 'grammar', grammar: { definition: 'x', syntax: 'lark' } } } }
const hubTool = ({ kind, name, description, schema: parameters, strict }: Tool): Json =>
  kind === 'function'
    ? { type: kind, name, description, parameters, strict }
    : { type: kind, name, description, format: { type: 'grammar', definition: 'x', syntax: 'lark' } }

const own = fc.record({
  turns: dialogue,
  tools: fc.array(tool, { minLength: 1, maxLength: 3 }),
  choice: fc.constantFrom('auto', 'required', 'named', 'allowed'),
  handsOut: fc.boolean(),
  effort: fc.option(fc.constantFrom('none', 'low', 'max'), { nil: undefined }),
  verbosity: fc.option(fc.constantFrom('low', 'high'), { nil: undefined }),
  schema: fc.option(schema, { nil: undefined }),
  tokens: fc.option(fc.nat(), { nil: undefined }),
  logprobs: fc.option(fc.nat(20), { nil: undefined }),
  store: fc.boolean(),
})
type Own = typeof own extends fc.Arbitrary<infer T> ? T : never

const given = (members: Json): Json => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))

function inChat({ turns, tools, choice, handsOut, effort, verbosity, schema: asked, tokens, logprobs, store }: Own): Json {
  const [first] = tools.map(({ kind, name }) => ({ type: kind, [kind]: { name } }))
  const chosen = choice === 'named' ? first : choice === 'allowed' ? { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [first] } } : choice
  return given({
    messages: messagesOf(turns),
    ...(handsOut ? { tools: tools.map(chatTool), tool_choice: chosen, parallel_tool_calls: true } : {}),
    reasoning_effort: effort,
    verbosity,
    response_format: asked === undefined ? undefined : { type: 'json_schema', json_schema: { name: 'n', schema: asked, strict: true } },
    max_completion_tokens: tokens,
    ...(logprobs === undefined ? {} : { logprobs: true, top_logprobs: logprobs }),
    store: store ? true : undefined,
  })
}

function inHub({ turns, tools, choice, handsOut, effort, verbosity, schema: asked, tokens, logprobs, store }: Own): Json {
  const [first] = tools.map(({ kind, name }) => ({ type: kind, name }))
  const chosen = choice === 'named' ? first : choice === 'allowed' ? { type: 'allowed_tools', mode: 'auto', tools: [first] } : choice
  const format = asked === undefined ? undefined : { type: 'json_schema', name: 'n', schema: asked, strict: true }
  return given({
    input: itemsOf(turns),
    ...(handsOut ? { tools: tools.map(hubTool), tool_choice: chosen, parallel_tool_calls: true } : {}),
    reasoning: effort === undefined ? undefined : { effort },
    text: verbosity === undefined && format === undefined ? undefined : given({ verbosity, format }),
    max_output_tokens: tokens,
    ...(logprobs === undefined ? {} : { include: ['message.output_text.logprobs'], top_logprobs: logprobs }),
    store,
  })
}

describe('a question', () => {
  test('of Chat is what it is in the hub, and the other way round', () => {
    fc.assert(
      fc.property(own, shared, (question, members) => {
        const chat = { ...members, ...inChat(question) }
        const hub = { ...members, ...inHub(question) }
        expect(said(chatTranslator.toHub(chat))).toEqual(hub)
        expect(said(chatTranslator.fromHub(hub))).toEqual(chat)
      }),
      { numRuns: 300 },
    )
  })

  const member = fc.constantFrom(
    'messages',
    'tools',
    'input',
    'text',
    'reasoning',
    'tool_choice',
    'functions',
    'role',
    'content',
    'type',
    'function',
    'tool_calls',
    'name',
  )
  test('of any shape is translated or refused, and never throws', () => {
    fc.assert(
      fc.property(fc.object({ key: member, maxDepth: 5 }), (question) => {
        for (const way of [chatTranslator.toHub(question), chatTranslator.fromHub(question)]) expect(['translated', 'unsayable']).toContain(way.kind)
      }),
    )
  })
})
