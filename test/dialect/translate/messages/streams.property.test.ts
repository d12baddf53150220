import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../src/dialect/json.ts'
import type { HubEvent } from '../../../../src/dialect/translate/hub.ts'
import { messagesTranslator } from '../../../../src/dialect/translate/messages/translator.ts'
import {
  added,
  argumentsDelta,
  callItem,
  completed,
  created,
  done,
  incomplete,
  messageItem,
  reasoningAdded,
  reasoningItem,
  response,
  summaryDelta,
  textDelta,
} from './hub-events.ts'
import {
  blockStart,
  blockStop,
  delta,
  ending,
  listIn,
  memberOf,
  messageOf,
  parsedEvent,
  readAll,
  start,
  stop,
  telling,
  textBlock,
  thinkingBlock,
  toolBlock,
  writeAll,
} from './support.ts'

const chunks = fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }), { maxLength: 4 })
const json = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }).map((value) => JSON.stringify(value))
/** A text cut into pieces. */
const pieces = (text: fc.Arbitrary<string>) =>
  fc.tuple(text, fc.array(fc.nat(40), { maxLength: 4 })).map(([whole, cuts]) => {
    const at = [0, ...cuts.filter((cut) => cut < whole.length).toSorted((a, b) => a - b), whole.length]
    return at.slice(1).map((end, index) => whole.slice(at[index], end))
  })

type Part =
  | { readonly kind: 'text'; readonly texts: readonly string[] }
  | { readonly kind: 'call'; readonly texts: readonly string[] }
  | { readonly kind: 'thinking'; readonly texts: readonly string[]; readonly seal: string }

const part: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), texts: chunks }),
  fc.record({ kind: fc.constant('call' as const), texts: pieces(json) }),
  fc.record({ kind: fc.constant('thinking' as const), texts: chunks, seal: fc.stringMatching(/^[A-Za-z0-9+/]{1,20}$/) }),
)
const parts = fc.array(part, { maxLength: 5 })
const stopReason = fc.constantFrom('end_turn', 'tool_use', 'max_tokens', 'refusal')
const count = fc.nat(1_000_000)
const usage = fc.record({ input_tokens: count, cache_creation_input_tokens: count, cache_read_input_tokens: count, output_tokens: count })

interface Answer {
  readonly parts: readonly Part[]
  readonly reason: string
  readonly usage: Json
}
const answer: fc.Arbitrary<Answer> = fc.record({ parts, reason: stopReason, usage })

function streamOf({ parts: all, reason, usage: counts }: Answer): readonly Json[] {
  const blocks = all.flatMap((each, index) => {
    if (each.kind === 'text') return textBlock(index, ...each.texts)
    return each.kind === 'call' ? toolBlock(index, 'lookup', ...each.texts) : thinkingBlock(index, each.seal, ...each.texts)
  })
  return [
    start({ usage: { ...counts, output_tokens: 1, service_tier: 'standard' } }),
    { type: 'ping' },
    ...blocks,
    ending(reason, { output_tokens: counts['output_tokens'] }),
    stop,
  ]
}

function wholeOf({ parts: all, reason, usage: counts }: Answer): Json {
  const content = all.map((each, index) => {
    const text = each.texts.join('')
    if (each.kind === 'text') return { type: 'text', text }
    if (each.kind === 'thinking') return { type: 'thinking', thinking: text, signature: each.seal }
    return { type: 'tool_use', id: `toolu_${index}`, name: 'lookup', input: JSON.parse(text === '' ? '{}' : text) as unknown }
  })
  return {
    id: 'msg_abc',
    type: 'message',
    role: 'assistant',
    model: 'claude-up',
    content,
    stop_reason: reason,
    stop_sequence: null,
    usage: { ...counts, service_tier: 'standard' },
  }
}

/** Arguments say the same, however they are spaced. */
function normal(responseSaid: Json): Json {
  const output = listIn(responseSaid['output']).map((item) =>
    item['type'] === 'function_call' ? { ...item, arguments: JSON.parse(String(item['arguments'])) as unknown } : item,
  )
  return { ...responseSaid, output }
}

const terminalOf = (events: readonly HubEvent[]) => events.at(-1)?.['response'] as Json
const told = (message: Json): Json => {
  const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens, output_tokens } = message['usage'] as Json
  return { ...message, usage: { input_tokens, cache_creation_input_tokens, cache_read_input_tokens, output_tokens } }
}

describe('an answer of Messages', () => {
  test('says the same in the hub, streamed or whole', () => {
    fc.assert(
      fc.property(answer, (said) => {
        const whole = messagesTranslator.answerToHub(wholeOf(said), telling())
        expect(normal(terminalOf(readAll(streamOf(said))))).toEqual(normal(whole))
      }),
    )
  })

  test('comes back from the hub as it went: text, thoughts, calls, reason and usage', () => {
    fc.assert(
      fc.property(answer, (said) => {
        const back = told(messageOf(writeAll(readAll(streamOf(said)))))
        const hasCalls = said.parts.some(({ kind }) => kind === 'call')
        const content = listIn(wholeOf(said)['content']).flatMap((block) => {
          if (block['type'] === 'text') return block['text'] === '' ? [] : [{ ...block, citations: null }]
          return block['type'] === 'thinking' ? [{ ...block, signature: expect.stringMatching(/^turnout\.responses\.turnout\.claude\./) as unknown }] : [block]
        })
        expect(back['content']).toEqual(content)
        const cut = said.reason === 'max_tokens' || said.reason === 'refusal' ? said.reason : null
        expect(back['stop_reason']).toBe(cut ?? (hasCalls ? 'tool_use' : 'end_turn'))
        expect(back['usage']).toEqual(said.usage)
      }),
    )
  })

  test('says the same to a client of Messages, streamed or whole', () => {
    fc.assert(
      fc.property(answer, (said) => {
        const whole = messagesTranslator.answerFromHub(messagesTranslator.answerToHub(wholeOf(said), telling()), telling())
        expect(told(messageOf(writeAll(readAll(streamOf(said)))))).toEqual(told(whole))
      }),
    )
  })
})

interface Item {
  readonly item: Json
  /** In their order. */
  readonly events: readonly HubEvent[]
}

function itemOf(each: Part, index: number): Item {
  const whole = each.texts.join('')
  switch (each.kind) {
    case 'text': {
      const item = messageItem(index, whole)
      return { item, events: [added(index, messageItem(index)), ...each.texts.map((text) => textDelta(index, text)), done(index, item)] }
    }
    case 'call': {
      const item = callItem(index, whole)
      return { item, events: [added(index, callItem(index, '')), ...each.texts.map((text) => argumentsDelta(index, text)), done(index, item)] }
    }
    case 'thinking': {
      const item = reasoningItem(index, each.seal, whole)
      return { item, events: [reasoningAdded(index), ...each.texts.map((text) => summaryDelta(index, text)), done(index, item)] }
    }
  }
}

/** Merges lists as the dice say, each in its own order. */
function merged(lists: readonly (readonly HubEvent[])[], dice: readonly number[]): readonly HubEvent[] {
  const left = lists.map((list) => [...list])
  const all: HubEvent[] = []
  for (let i = 0; left.some((list) => list.length > 0); i++) {
    const full = left.filter((list) => list.length > 0)
    const event = full[(dice[i % dice.length] ?? 0) % full.length]?.shift()
    if (event !== undefined) all.push(event)
  }
  return all
}

const textIn = (content: unknown) => listIn(content).map((block) => (block['type'] === 'text' ? String(block['text']) : ''))
const othersIn = (content: unknown) => listIn(content).filter((block) => block['type'] !== 'text')
const sorted = (blocks: readonly Json[]) => blocks.map((block) => JSON.stringify(block)).toSorted()

describe('an answer of the hub', () => {
  test('says the same in Messages, streamed or whole', () => {
    fc.assert(
      fc.property(parts, fc.boolean(), (all, isCut) => {
        const items = all.map(itemOf)
        const output = items.map(({ item }) => item)
        const end = isCut ? incomplete('max_output_tokens', { output }) : completed({ output })
        const streamed = messageOf(writeAll([created, ...items.flatMap(({ events }) => events), end]))
        const whole = messagesTranslator.answerFromHub(end['response'] as Json, telling())
        expect(told(streamed)).toEqual(told(whole))
      }),
    )
  })

  test('comes back from Messages as it went', () => {
    fc.assert(
      fc.property(parts, (all) => {
        const items = all.map(itemOf)
        const output = items.map(({ item }) => item)
        const back = terminalOf(readAll(writeAll([created, ...items.flatMap(({ events }) => events), completed({ output })])))
        const kept = (item: Json) => memberOf(item, 'type') !== 'message' || listIn(item['content']).some((each) => each['text'] !== '')
        const gist = ({ type, content, name, call_id: call, arguments: json, summary }: Json) => ({
          type,
          name,
          call,
          summary: listIn(summary).filter((each) => each['text'] !== ''),
          text: textIn(listIn(content).map((each) => ({ ...each, type: 'text' }))),
          input: json === undefined ? null : (JSON.parse(typeof json === 'string' && json !== '' ? json : '{}') as unknown),
        })
        expect(listIn(back['output']).map(gist)).toEqual(output.filter(kept).map(gist))
        expect(back['usage']).toEqual(response()['usage'])
      }),
    )
  })

  test('whose items overlap loses nothing and tells nothing twice', () => {
    fc.assert(
      fc.property(
        parts,
        fc.array(fc.nat(), { minLength: 1, maxLength: 40 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }),
        (all, dice, finishes) => {
          const items = all.map(itemOf)
          const output = items.map(({ item }) => item)
          // Some are finished by the last event alone.
          const lists = items.map(({ events }, index) => ((finishes[index % finishes.length] ?? true) ? events : events.slice(0, -1)))
          const message = messageOf(writeAll([created, ...merged(lists, dice), completed({ output })]))
          const whole = messagesTranslator.answerFromHub(response({ output }), telling())
          expect(sorted(othersIn(message['content']))).toEqual(sorted(othersIn(whole['content'])))
          const characters = (content: unknown) => textIn(content).join('').split('').toSorted().join('')
          expect(characters(message['content'])).toBe(characters(whole['content']))
          expect(message['stop_reason']).toBe(whole['stop_reason'])
        },
      ),
    )
  })

  test('whose texts overlap keeps each in its order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 40 }), fc.nat(20), fc.nat(5), (dice, length, calls) => {
        const digits = Array.from({ length }, (_, index) => String.fromCodePoint(0x4e00 + index))
        const items = [
          itemOf({ kind: 'text', texts: digits }, 0),
          ...Array.from({ length: calls }, (_, index) => itemOf({ kind: 'call', texts: ['{', '}'] }, index + 1)),
        ]
        const message = messageOf(
          writeAll([
            created,
            ...merged(
              items.map(({ events }) => events),
              dice,
            ),
            completed({ output: items.map(({ item }) => item) }),
          ]),
        )
        expect(textIn(message['content']).join('')).toBe(digits.join(''))
      }),
    )
  })
})

const scalar = fc.oneof(
  fc.string({ maxLength: 5 }),
  fc.integer({ min: -1, max: 3 }),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.constant([]),
  fc.constant({}),
)
const record = (names: readonly string[]) => fc.dictionary(fc.constantFrom(...names), scalar, { maxKeys: 6 }).map((value): Json => value)

describe('whatever comes', () => {
  const anyMessagesEvent: fc.Arbitrary<Json> = fc.oneof(
    fc.constantFrom(start(), stop, ending('end_turn'), ending('max_tokens'), { type: 'error', error: { type: 'api_error', message: 'x' } }, { type: 'ping' }),
    fc
      .tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom('text', 'thinking', 'redacted_thinking', 'tool_use', 'server_tool_use', 'novelty'))
      .map(([index, type]) => blockStart(index, { type, id: 't', name: 'n' })),
    fc.tuple(fc.integer({ min: 0, max: 2 }), record(['text', 'thinking', 'signature', 'partial_json', 'type'])).map(([index, said]) => delta(index, said)),
    fc.integer({ min: 0, max: 2 }).map(blockStop),
    fc
      .tuple(
        fc.constantFrom(
          'message_start',
          'content_block_start',
          'content_block_delta',
          'content_block_stop',
          'message_delta',
          'message_stop',
          'error',
          'novelty',
        ),
        record(['index', 'delta', 'content_block', 'message', 'usage', 'error']),
      )
      .map(([type, said]): Json => ({ ...said, type })),
  )
  const ends = new Set(['response.completed', 'response.incomplete', 'response.failed'])

  test('is read without a throw, and to exactly one end, which comes last', () => {
    fc.assert(
      fc.property(fc.array(anyMessagesEvent, { maxLength: 20 }), (events) => {
        const read = readAll(events)
        expect(read.filter(({ type }) => ends.has(type))).toHaveLength(1)
        expect(ends.has(read.at(-1)?.type ?? '')).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('is read so that items begin once, end once and stand in the last event', () => {
    fc.assert(
      fc.property(fc.array(anyMessagesEvent, { maxLength: 20 }), (events) => {
        const read = readAll(events)
        if (read.at(-1)?.type === 'response.failed') return
        const indexes = (type: string) => read.filter((event) => event.type === type).map((event) => event['output_index'])
        const finished = indexes('response.output_item.done')
        expect(indexes('response.output_item.added')).toEqual(finished)
        expect(finished).toEqual(finished.map((_, index) => index))
        expect(read.filter(({ type }) => type === 'response.output_item.done').map((event) => event['item'])).toEqual(terminalOf(read)['output'])
        expect(read[0]?.type).toBe('response.created')
      }),
      { numRuns: 500 },
    )
  })

  const names = ['output_index', 'content_index', 'summary_index', 'delta', 'item', 'response', 'item_id', 'part', 'text']
  const itemKind = fc.constantFrom('message', 'reasoning', 'function_call', 'custom_tool_call', 'web_search_call')
  const index = fc.integer({ min: 0, max: 3 })
  const text = fc.string({ maxLength: 4 })
  const anyItem: fc.Arbitrary<Json> = fc.tuple(itemKind, index, text).map(([type, at, said]) => ({
    type,
    id: `i_${at}`,
    call_id: `c_${at}`,
    name: 'n',
    arguments: said,
    input: said,
    summary: [{ type: 'summary_text', text: said }],
    content: [{ type: said.length % 2 === 0 ? 'output_text' : 'refusal', text: said, refusal: said }],
    encrypted_content: said,
  }))
  const deltaType = fc.constantFrom('output_text', 'refusal', 'reasoning_summary_text', 'reasoning_text', 'function_call_arguments', 'custom_tool_call_input')
  const anyHubEvent: fc.Arbitrary<HubEvent> = fc.oneof(
    fc.constant(created),
    fc.tuple(index, anyItem).map(([at, item]) => added(at, item)),
    fc.tuple(index, anyItem).map(([at, item]) => done(at, item)),
    fc.tuple(deltaType, index, index, text).map(([type, at, inside, said]): HubEvent => ({
      type: `response.${type}.delta`,
      output_index: at,
      content_index: inside,
      summary_index: inside,
      delta: said,
    })),
    fc
      .tuple(
        fc.constantFrom(
          'response.created',
          'response.output_item.added',
          'response.output_item.done',
          'response.output_text.delta',
          'response.novelty',
          'codex.rate_limits',
        ),
        record(names),
      )
      .map(([type, said]): HubEvent => ({ ...said, type })),
  )
  const anyEnd: fc.Arbitrary<HubEvent> = fc
    .tuple(fc.array(anyItem, { maxLength: 3 }), fc.boolean())
    .map(([output, isCut]) => (isCut ? incomplete('max_output_tokens', { output }) : completed({ output })))

  test('is written without a throw, as a message that is well formed and ends once', () => {
    fc.assert(
      fc.property(fc.array(anyHubEvent, { maxLength: 25 }), anyEnd, fc.array(anyHubEvent, { maxLength: 3 }), (events, end, after) => {
        const written = writeAll([...events, end, ...after, end])
        messageOfCut(written)
        expect(written.filter(({ type }) => type === 'message_stop')).toHaveLength(1)
        expect(written.at(-1)).toEqual(stop)
      }),
      { numRuns: 1000 },
    )
  })

  test('that fails is written to no end', () => {
    fc.assert(
      fc.property(fc.array(anyHubEvent, { maxLength: 15 }), anyEnd, (events, end) => {
        const writer = messagesTranslator.writer(telling())
        const written = [...events, { type: 'response.failed' }, end].flatMap((event) => writer.write(event)).map(parsedEvent)
        expect(written.some(({ type }) => type === 'message_stop')).toBe(false)
      }),
    )
  })

  test('is answered by a whole, whichever way, without a throw', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(anyItem, record(['type', 'id', 'text', 'content', 'input'])), { maxLength: 4 }),
        record(['id', 'status', 'usage', 'model', 'stop_reason', 'incomplete_details']),
        (items, more) => {
          JSON.stringify(messagesTranslator.answerFromHub({ ...more, output: items }, telling()))
          JSON.stringify(messagesTranslator.answerToHub({ ...more, content: items }, telling()))
        },
      ),
    )
  })
})

/** Whether blocks are well formed; what is said in them may be cut. */
function messageOfCut(events: readonly Json[]): void {
  messageOf(
    events.map((event) =>
      memberOf(event, 'delta', 'type') === 'input_json_delta' ? { ...event, delta: { type: 'input_json_delta', partial_json: '' } } : event,
    ),
  )
}
