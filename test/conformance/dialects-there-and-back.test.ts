import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chatTranslator } from '../../src/dialect/translate/chat/translator.ts'
import { noMemo, type Telling, type Translated, type Translator } from '../../src/dialect/translate/hub.ts'
import { messagesTranslator } from '../../src/dialect/translate/messages/translator.ts'
import { responsesTranslator } from '../../src/dialect/translate/responses-translator.ts'
import type { Json } from '../support/client.ts'
import { clients, listOf, objectOf, parsed, textOf, ways, type Heard, type Spoken, type Wishes } from '../support/dialect-clients.ts'
import { watched } from '../support/dialect-flow.ts'

/** What is said in one dialect, put into another, and back, says what it said: questions and whole answers, as far as both can say it. */

const translators: Readonly<Record<Spoken, Translator>> = { responses: responsesTranslator, chat: chatTranslator, messages: messagesTranslator }
const foreign = ways.filter(({ client, upstream }) => client !== upstream)

function questionIn(translated: Translated): Json {
  if (translated.kind === 'unsayable') throw new Error(translated.refusal.message)
  return translated.question
}

interface Called {
  readonly name: string
  readonly says: Json
  readonly output: string
}

interface Turned {
  readonly user: string
  readonly hasImage: boolean
  readonly assistant: string
  readonly calls: readonly Called[]
}

const word = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12 }).map((text) => `t${text}`),
  fc.constant('Wörtchen 🚂\n"\\'),
)
const says = fc.dictionary(fc.constantFrom('a', 'b', 'ü'), fc.oneof(fc.integer(), fc.string({ maxLength: 5 }), fc.boolean(), fc.constant(null)), {
  maxKeys: 3,
  noNullPrototype: true,
})
const turned: fc.Arbitrary<Turned> = fc.record({
  user: word,
  hasImage: fc.boolean(),
  assistant: word,
  calls: fc.array(fc.record({ name: fc.constantFrom('lookup', 'weigh'), says, output: word }), { maxLength: 2 }),
})
const wishes: fc.Arbitrary<Wishes> = fc.record(
  {
    system: word,
    stream: fc.boolean(),
    limit: fc.integer({ min: 1, max: 100_000 }),
    effort: fc.constantFrom('low' as const, 'high' as const),
    schema: fc.constant({ type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false }),
    choice: fc.oneof(fc.constantFrom('required' as const, 'none' as const), fc.constant({ name: 'weigh' })),
  },
  { requiredKeys: [] },
)

/** What an assistant said, in the words of a dialect. */
const assistantIn: Readonly<Record<Spoken, (text: string, calls: readonly (Called & { readonly id: string })[]) => readonly Json[]>> = {
  responses: (text, calls) => [
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text, annotations: [] }] },
    ...calls.map(({ id, name, says: said }) => ({ type: 'function_call', call_id: id, name, arguments: JSON.stringify(said) })),
  ],
  chat: (text, calls) => [
    {
      role: 'assistant',
      content: text,
      ...(calls.length === 0
        ? {}
        : { tool_calls: calls.map(({ id, name, says: said }) => ({ id, type: 'function', function: { name, arguments: JSON.stringify(said) } })) }),
    },
  ],
  messages: (text, calls) => [
    { role: 'assistant', content: [{ type: 'text', text }, ...calls.map(({ id, name, says: said }) => ({ type: 'tool_use', id, name, input: said }))] },
  ],
}

const png = 'data:image/png;base64,iVBORw0KGgo='

function dialogueIn(client: Spoken, turns: readonly Turned[]): readonly Json[] {
  const { user, outputs } = clients[client]
  const said = turns.flatMap((turn, nth) => {
    const calls = turn.calls.map((call, at) => ({ ...call, id: `call_${nth}_${at}` }))
    const results = outputs(
      calls.map(({ id, name, says: given }) => ({ id, name, kind: 'function', says: given })),
      calls.map(({ output }) => output),
    )
    return [user(turn.user, turn.hasImage ? [png] : []), ...assistantIn[client](turn.assistant, calls), ...(calls.length === 0 ? [] : results)]
  })
  return [...said, user('and now?')]
}

/** What a question of the hub says. */
function plain(question: Json): Json {
  const { model, stream, instructions, input, tools, tool_choice: choice, max_output_tokens: limit, reasoning, text } = question
  const said: string[] = textOf(instructions) === '' ? [] : [`system: ${textOf(instructions)}`]
  for (const item of listOf(input)) {
    const { type, role, content, call_id: id, name, arguments: given, output } = item
    if (output !== undefined) said.push(`output of ${textOf(id)}: ${words(output)}`)
    else if (type === 'function_call') said.push(`call ${textOf(id)}: ${textOf(name)} ${JSON.stringify(parsed(textOf(given)))}`)
    else said.push(`${role === 'developer' ? 'system' : String(role)}: ${words(content)}`)
  }
  return {
    model,
    stream: stream === true,
    said,
    tools: listOf(tools).map(({ type, name, parameters, strict }) => ({ type, name, parameters, strict: strict ?? false })),
    choice: choice ?? 'auto',
    limit: limit ?? null,
    effort: objectOf(reasoning)['effort'] ?? null,
    schema: objectOf(objectOf(text)['format'])['schema'] ?? null,
  }
}

function words(content: unknown): string {
  if (typeof content === 'string') return content
  return listOf(content)
    .map(({ text, image_url: url }) => textOf(text) || textOf(url))
    .join('|')
}

describe.each(foreign)('a question of $client, said in $upstream', ({ client, upstream }) => {
  test('says the same in the hub, before and behind it', () => {
    fc.assert(
      fc.property(fc.array(turned, { maxLength: 3 }), wishes, (turns, asked) => {
        // Messages demands a limit, and has one where there was none.
        const question = clients[client].body(dialogueIn(client, turns), { limit: 512, ...asked, tools: ['lookup', 'weigh'] })
        const hub = questionIn(translators[client].toHub(question))
        const there = questionIn(translators[upstream].fromHub(hub))
        const back = questionIn(translators[upstream].toHub(there))
        expect(plain(back)).toEqual(plain(hub))
        // The client's own words, once they have been through the hub, do not change any more.
        const again = questionIn(translators[client].fromHub(back))
        expect(plain(questionIn(translators[client].toHub(again)))).toEqual(plain(hub))
      }),
      { numRuns: 60 },
    )
  })
})

const telling: Telling = watched('responses')

const answer = fc.record({
  text: fc.option(word),
  calls: fc.array(fc.record({ name: fc.constantFrom('lookup', 'weigh'), says }), { maxLength: 3 }),
  cut: fc.constantFrom(null, 'max_output_tokens', 'content_filter'),
  used: fc.record({ fresh: fc.nat(1000), cached: fc.nat(1000), written: fc.nat(1000), output: fc.nat(1000), reasoning: fc.nat(100) }),
})

type Answered = typeof answer extends fc.Arbitrary<infer Each> ? Each : never

function responseOf({ text, calls, cut, used }: Answered): Json {
  const { fresh, cached, written, output, reasoning } = used
  const status = cut === null ? 'completed' : 'incomplete'
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1_795_000_000,
    model: 'gpt-5.5',
    status,
    error: null,
    incomplete_details: cut === null ? null : { reason: cut },
    output: [
      ...(text === null ? [] : [{ id: 'msg_1', type: 'message', role: 'assistant', status, content: [{ type: 'output_text', text, annotations: [] }] }]),
      ...calls.map(({ name, says: given }, at) => ({ id: `fc_${at}`, type: 'function_call', call_id: `call_${at}`, name, arguments: JSON.stringify(given) })),
    ],
    tools: [],
    tool_choice: 'auto',
    parallel_tool_calls: true,
    usage: {
      input_tokens: fresh + cached + written,
      input_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
      output_tokens: output + reasoning,
      output_tokens_details: { reasoning_tokens: reasoning },
      total_tokens: fresh + cached + written + output + reasoning,
    },
  }
}

/** What a client makes of a whole answer. */
function heardIn(client: Spoken, json: Json): Heard {
  return clients[client].hear({ status: 200, headers: { 'content-type': 'application/json' }, text: '', end: 'clean', json, events: [] })
}

const common = ({ text, calls, finish, usage, models, breaches }: Heard): Json => ({
  text,
  calls: calls.map(({ id, name, says: given }) => ({ id, name, says: given })),
  finish,
  usage,
  models,
  breaches,
})

describe.each(foreign)('an answer got in $upstream, told in $client', ({ client, upstream }) => {
  test('tells the same, there and back', () => {
    fc.assert(
      fc.property(answer, (answered) => {
        const hub = responseOf(answered)
        const theirs = upstream === 'responses' ? hub : translators[upstream].answerFromHub(hub, telling)
        const told = translators[client].answerFromHub(translators[upstream].answerToHub(theirs, telling), telling)
        expect(common(heardIn(client, told))).toEqual(common(heardIn(upstream, theirs)))
        const back = translators[upstream].answerFromHub(translators[client].answerToHub(told, telling), telling)
        expect(common(heardIn(upstream, back))).toEqual(common(heardIn(upstream, theirs)))
      }),
      { numRuns: 100 },
    )
  })
})

test('nothing of it needs to be remembered', () => {
  const question = clients.chat.body([clients.chat.user('hello')], { tools: ['lookup'] })
  expect(translators.chat.toHub(question)).toMatchObject({ kind: 'translated', memo: noMemo })
})
