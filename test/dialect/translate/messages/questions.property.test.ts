import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../src/dialect/json.ts'
import { messagesTranslator } from '../../../../src/dialect/translate/messages/translator.ts'
import { fromHub, listIn, toHub } from './support.ts'

/** Text that says something: neither dialect has words for nothing. */
const words = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => text.trim() !== '')
const name = fc.stringMatching(/^[a-zA-Z0-9_-]{1,64}$/)
const schema: fc.Arbitrary<Json> = fc.record({
  type: fc.constant('object'),
  properties: fc.dictionary(name, fc.record({ type: fc.constant('string') }), { maxKeys: 3 }),
})
const effort = fc.constantFrom('low', 'medium', 'high', 'xhigh', 'max')
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const input = fc.dictionary(name, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }).map((value): Json => JSON.parse(JSON.stringify(value)) as Json)
const url = fc.constantFrom('data:image/png;base64,AAAA', 'https://example.org/a.png')

/** What nothing is said of is left out. */
function said(value: Json): Json {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined))
}

interface Exchange {
  readonly user: readonly string[]
  readonly image: string | undefined
  readonly answer: string | undefined
  readonly calls: readonly { readonly name: string; readonly input: Json; readonly output: string }[]
}

const exchange: fc.Arbitrary<Exchange> = fc.record({
  user: fc.array(words, { minLength: 1, maxLength: 2 }),
  image: maybe(url),
  answer: maybe(words),
  calls: fc.array(fc.record({ name, input, output: words }), { maxLength: 3 }),
})

const dialogue = fc.record({ exchanges: fc.array(exchange, { maxLength: 3 }), last: words })
type Talk = typeof dialogue extends fc.Arbitrary<infer T> ? T : never

function imageBlock(at: string): Json {
  return { type: 'image', source: at.startsWith('data:') ? { type: 'base64', media_type: 'image/png', data: 'AAAA' } : { type: 'url', url: at } }
}

/** In the words of Messages; what the user says next stands behind the results. */
function messagesOf({ exchanges, last }: Talk): readonly Json[] {
  const messages: { role: string; content: Json[] }[] = []
  const add = (role: string, ...content: readonly Json[]): void => {
    if (content.length === 0) return
    const neighbour = messages.at(-1)
    if (neighbour?.role === role) neighbour.content.push(...content)
    else messages.push({ role, content: [...content] })
  }
  for (const [at, { user, image, answer, calls }] of exchanges.entries()) {
    add('user', ...user.map((text) => ({ type: 'text', text })), ...(image === undefined ? [] : [imageBlock(image)]))
    add('assistant', ...(answer === undefined ? [] : [{ type: 'text', text: answer }]))
    add('assistant', ...calls.map((call, index) => ({ type: 'tool_use', id: `call_${at}_${index}`, name: call.name, input: call.input })))
    add('user', ...calls.map((call, index) => ({ type: 'tool_result', tool_use_id: `call_${at}_${index}`, content: call.output })))
  }
  add('user', { type: 'text', text: last })
  return messages
}

/** In the words of the hub. */
function itemsOf({ exchanges, last }: Talk): readonly Json[] {
  const items: Json[] = []
  let user: Json[] = []
  const flush = (): void => {
    if (user.length > 0) items.push({ type: 'message', role: 'user', content: user })
    user = []
  }
  for (const [at, each] of exchanges.entries()) {
    user.push(...each.user.map((text) => ({ type: 'input_text', text })))
    if (each.image !== undefined) user.push({ type: 'input_image', image_url: each.image, detail: 'auto' })
    if (each.answer === undefined && each.calls.length === 0) continue
    flush()
    if (each.answer !== undefined) items.push({ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: each.answer }] })
    for (const [index, call] of each.calls.entries()) {
      items.push({ type: 'function_call', call_id: `call_${at}_${index}`, name: call.name, arguments: JSON.stringify(call.input) })
    }
    for (const [index, call] of each.calls.entries()) items.push({ type: 'function_call_output', call_id: `call_${at}_${index}`, output: call.output })
  }
  user.push({ type: 'input_text', text: last })
  flush()
  return items
}

const tools = fc.array(fc.record({ name, description: maybe(words), schema, strict: fc.boolean() }), { minLength: 1, maxLength: 3 })
const common = fc.record({
  model: words,
  limit: fc.integer({ min: 1, max: 100_000 }),
  system: maybe(words),
  talk: dialogue,
  tools: maybe(tools),
  choice: maybe(fc.constantFrom('auto', 'none', 'any', 'tool')),
  isSerial: fc.boolean(),
  effort: maybe(fc.oneof(effort, fc.constant('none'))),
  isShown: fc.boolean(),
  schema: maybe(schema),
  temperature: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
  topP: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
  isFast: fc.boolean(),
  user: maybe(fc.stringMatching(/^[\w-]{1,128}$/)),
  stream: maybe(fc.boolean()),
})
type Common = typeof common extends fc.Arbitrary<infer T> ? T : never

const isForced = ({ choice, tools: offered }: Common) => offered !== undefined && (choice === 'any' || choice === 'tool')

/** A forced choice leaves no time to think, which Messages does not say either. */
function inMessages(asked: Common): Json {
  const { choice, tools: offered, effort: word } = asked
  const thinks = word !== undefined && word !== 'none' && !isForced(asked)
  const thinking = thinks ? { type: 'adaptive', ...(asked.isShown ? { display: 'summarized' } : {}) } : undefined
  const config = said({ effort: word === 'none' ? undefined : word, format: asked.schema && { type: 'json_schema', schema: asked.schema } })
  const serial = asked.isSerial && choice !== 'none' ? { disable_parallel_tool_use: true } : {}
  return said({
    model: asked.model,
    max_tokens: asked.limit,
    system: asked.system === undefined ? undefined : [{ type: 'text', text: asked.system }],
    messages: messagesOf(asked.talk),
    tools: offered?.map((tool) => said({ name: tool.name, description: tool.description, input_schema: tool.schema, strict: tool.strict ? true : undefined })),
    tool_choice: offered && choice && { type: choice, ...(choice === 'tool' ? { name: offered[0]?.name } : {}), ...serial },
    thinking: word === 'none' ? { type: 'disabled' } : thinking,
    output_config: Object.keys(config).length === 0 ? undefined : config,
    temperature: asked.temperature,
    top_p: asked.topP,
    speed: asked.isFast ? 'fast' : undefined,
    metadata: asked.user === undefined ? undefined : { user_id: asked.user },
    stream: asked.stream,
  })
}

const hubChoices = { auto: 'auto', none: 'none', any: 'required' } as const

function inHub(asked: Common): Json {
  const { choice, tools: offered, effort: word } = asked
  const reasons = word !== undefined && word !== 'none'
  return said({
    model: asked.model,
    max_output_tokens: asked.limit,
    instructions: asked.system,
    input: itemsOf(asked.talk),
    tools: offered?.map((tool) => said({ type: 'function', name: tool.name, description: tool.description, parameters: tool.schema, strict: tool.strict })),
    tool_choice: offered && choice && (choice === 'tool' ? { type: 'function', name: offered[0]?.name } : hubChoices[choice]),
    parallel_tool_calls: offered && choice && choice !== 'none' && asked.isSerial ? false : undefined,
    reasoning: word === undefined ? undefined : { effort: word, ...(reasons && asked.isShown && !isForced(asked) ? { summary: 'auto' } : {}) },
    include: reasons ? ['reasoning.encrypted_content'] : undefined,
    text: asked.schema && { format: { type: 'json_schema', name: 'output', schema: asked.schema } },
    temperature: asked.temperature,
    top_p: asked.topP,
    service_tier: asked.isFast ? 'priority' : undefined,
    safety_identifier: asked.user,
    stream: asked.stream,
    store: false,
  })
}

/** But for the marks of the cache. */
function unmarked(question: Json): Json {
  const plain = (blocks: unknown) => listIn(blocks).map(({ cache_control: _mark, ...block }) => block)
  return said({
    ...question,
    messages: listIn(question['messages']).map((message) => ({ ...message, content: plain(message['content']) })),
    system: question['system'] === undefined ? undefined : plain(question['system']),
    tools: question['tools'] === undefined ? undefined : plain(question['tools']),
  })
}

describe('what both dialects can say', () => {
  test.each<[title: string, say: (asked: Common) => Json, expected: (asked: Common) => Json]>([
    ['is said in the hub in its words', (asked) => toHub(inMessages(asked)), inHub],
    ['is said in Messages in its words', (asked) => unmarked(fromHub(inHub(asked))), inMessages],
    ['comes back from the hub as it went', (asked) => unmarked(fromHub(toHub(inMessages(asked)))), inMessages],
    ['comes back from Messages as it went', (asked) => toHub(fromHub(inHub(asked))), inHub],
  ])('%s', (_title, say, expected) => {
    fc.assert(
      fc.property(common, (asked) => {
        expect(say(asked)).toEqual(expected(asked))
      }),
    )
  })
})

describe('whatever is asked', () => {
  const members = fc.constantFrom(
    'model input messages system instructions tools tool_choice thinking output_config reasoning text metadata speed service_tier include content role type name id call_id output arguments source'.split(
      ' ',
    ),
  )
  const value = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      fc.constantFrom(
        'user',
        'assistant',
        'system',
        'text',
        'image',
        'document',
        'tool_use',
        'tool_result',
        'message',
        'function_call',
        'function_call_output',
        'reasoning',
        'function',
        'custom',
        'adaptive',
        'json_schema',
      ),
      fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        members.chain((all) => fc.constantFrom(...all)),
        tie('value'),
        { maxKeys: 5 },
      ),
    ),
  })).value
  const question = fc
    .dictionary(
      members.chain((all) => fc.constantFrom(...all)),
      value,
    )
    .map((asked): Json => asked)

  test('is said or refused, and nothing is thrown', () =>
    fc.assert(
      fc.property(question, (asked) => {
        const both = [messagesTranslator.toHub(asked), messagesTranslator.fromHub(asked)]
        for (const told of both) if (told.kind === 'translated') JSON.stringify(told.question)
        return both.every(({ kind }) => kind === 'translated' || kind === 'unsayable')
      }),
      { numRuns: 500 },
    ))

  test('a dialogue in Messages has roles that alternate, ends with the user, and has results only first and right behind their calls', () => {
    const item = fc.oneof(
      fc.record({ role: fc.constantFrom('user', 'assistant', 'developer'), content: fc.string() }),
      fc.record({ type: fc.constant('function_call'), call_id: fc.constantFrom('a', 'b', 'c'), name, arguments: fc.string() }),
      fc.record({ type: fc.constant('function_call_output'), call_id: fc.constantFrom('a', 'b', 'c'), output: fc.string() }),
      fc.record({ type: fc.constant('reasoning'), encrypted_content: fc.string() }),
    )
    fc.assert(
      fc.property(fc.array(item, { maxLength: 12 }), (input) => {
        const messages = listIn(fromHub({ model: 'm', input })['messages'])
        expect(messages.at(-1)?.['role']).toBe('user')
        for (const [index, { role, content }] of messages.entries()) {
          expect(role).not.toBe(messages[index + 1]?.['role'])
          const types = listIn(content).map((block) => block['type'])
          expect(types.length).toBeGreaterThan(0)
          const results = types.filter((type) => type === 'tool_result').length
          expect(types.slice(0, results).every((type) => type === 'tool_result')).toBe(true)
        }
      }),
    )
  })
})
