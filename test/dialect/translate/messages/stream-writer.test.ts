import { describe, expect, test } from 'vitest'
import type { ClientModel } from '../../../../src/core/ids.ts'
import type { Json } from '../../../../src/dialect/json.ts'
import type { HubEvent } from '../../../../src/dialect/translate/hub.ts'
import { placesMax, waitingCharactersMax } from '../../../../src/dialect/translate/messages/item-teller.ts'
import { messagesTranslator } from '../../../../src/dialect/translate/messages/translator.ts'
import {
  added,
  argumentsDelta,
  callAdded,
  callEvents,
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
  textEvents,
} from './hub-events.ts'
import { memberOf, messageOf, startedAtS, telling, writeAll } from './support.ts'

const text = (said: string): Json => ({ type: 'text', text: said, citations: null })
const use = (index: number, input: Json): Json => ({ type: 'tool_use', id: `call_${index}`, name: 'lookup', input })
const contentOf = (...events: readonly HubEvent[]): unknown => messageOf(writeAll([created, ...events, completed()]))['content']

describe('a stream of the hub written as Messages', () => {
  test('a text, event by event', () => {
    const usage = {
      input_tokens: 10,
      cache_creation_input_tokens: 5,
      cache_read_input_tokens: 100,
      output_tokens: 30,
      output_tokens_details: { thinking_tokens: 20 },
    }
    expect(writeAll([created, { type: 'response.in_progress', response: response() }, ...textEvents(0, 'Hel', 'lo'), completed()])).toEqual([
      {
        type: 'message_start',
        message: {
          id: 'msg_abc',
          type: 'message',
          role: 'assistant',
          model: 'gpt-up',
          content: [],
          stop_reason: null,
          stop_sequence: null,
          stop_details: null,
          usage: expect.objectContaining({ input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 }),
          container: null,
          diagnostics: null,
        },
      },
      { type: 'ping' },
      { type: 'content_block_start', index: 0, content_block: text('') },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hel' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'lo' } },
      { type: 'content_block_stop', index: 0 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', stop_sequence: null, stop_details: null, container: null },
        usage: { ...usage, server_tool_use: null },
      },
      { type: 'message_stop' },
    ])
  })

  test('its bytes are what the wire has', () => {
    const writer = messagesTranslator.writer(telling())
    const heard = [created, textDelta(0, 'a\n"\u2028\ud83d')].flatMap((event) => writer.write(event)).map(String)
    expect(heard.slice(1)).toEqual([
      'event: ping\ndata: {"type": "ping"}\n\n',
      'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"","citations":null}}\n\n',
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\\n\\"\u2028\\ud83d"}}\n\n',
    ])
  })

  test('the first two events come alone, so that the turn can still move', () => {
    const writer = messagesTranslator.writer(telling())
    expect(writer.write(created)).toHaveLength(2)
    expect(writer.write({ type: 'response.in_progress', response: response() })).toEqual([])
  })

  test.each<[title: string, events: readonly HubEvent[], content: readonly Json[]]>([
    ['a call', callEvents(0, '{"q"', ':1}'), [use(0, { q: 1 })]],
    ['a call of nothing', callEvents(0), [use(0, {})]],
    [
      'thoughts, and their seal',
      [reasoningAdded(0), summaryDelta(0, 'a'), summaryDelta(0, 'b'), summaryDelta(0, 'c', 1), done(0, reasoningItem(0, 'gAAA', 'ab', 'c'))],
      [{ type: 'thinking', thinking: 'ab\n\nc', signature: 'turnout.responses.gAAA' }],
    ],
    [
      'thoughts that are not shown',
      [reasoningAdded(0), done(0, reasoningItem(0, 'gAAA'))],
      [{ type: 'thinking', thinking: '', signature: 'turnout.responses.gAAA' }],
    ],
    ['thoughts of nothing', [reasoningAdded(0), done(0, reasoningItem(0, null))], []],
    [
      'thoughts that are told in full',
      [
        reasoningAdded(0),
        { type: 'response.reasoning_text.delta', output_index: 0, content_index: 0, delta: 'be' },
        summaryDelta(0, 'not this'),
        done(0, {
          type: 'reasoning',
          id: 'rs_0',
          summary: [{ type: 'summary_text', text: 'not this' }],
          content: [{ type: 'reasoning_text', text: 'because' }],
        }),
      ],
      [{ type: 'thinking', thinking: 'because', signature: '' }],
    ],
    [
      'thoughts, a text and a call',
      [done(0, reasoningItem(0, 'g', 'a')), ...textEvents(1, 'b'), ...callEvents(2, '{}')],
      [thought('a', 'g'), text('b'), use(2, {})],
    ],
    ['a text of two parts', [textDelta(0, 'a'), textDelta(0, 'b', 1), done(0, messageItem(0, 'a', 'b'))], [text('a'), text('b')]],
    ['a text of nothing', textEvents(0, ''), []],
    [
      'a call of a custom tool',
      [added(0, custom('')), { type: 'response.custom_tool_call_input.delta', output_index: 0, delta: 'x' }, done(0, custom('x'))],
      [{ type: 'tool_use', id: 'call_0', name: 'note', input: { input: 'x' } }],
    ],
    [
      'what the service did',
      [added(0, { id: 'ws_0', type: 'web_search_call' }), done(0, { id: 'ws_0', type: 'web_search_call' }), ...textEvents(1, 'a')],
      [text('a')],
    ],
    ['a finished text whose deltas were never seen', [done(0, messageItem(0, 'all of it'))], [text('all of it')]],
    ['a finished call whose deltas were never seen', [done(0, callItem(0, '{"q":1}'))], [use(0, { q: 1 })]],
    ['a finished item whose last deltas were never seen', [textDelta(0, 'a'), done(0, messageItem(0, 'abc'))], [text('abc')]],
    [
      'a call of which something came too early',
      [argumentsDelta(0, '{"q"'), callAdded(0), argumentsDelta(0, ':1}'), done(0, callItem(0, '{"q":1}'))],
      [use(0, { q: 1 })],
    ],
    ['an item that is finished twice', [...textEvents(0, 'a'), done(0, messageItem(0, 'a')), textDelta(0, 'b')], [text('a')]],
  ])('%s', (_title, events, content) => expect(contentOf(...events)).toEqual(content))

  const call = callEvents(0, '{}')
  const no: HubEvent = { type: 'response.refusal.delta', output_index: 0, content_index: 0, delta: 'no' }
  const finalNo = done(0, { type: 'message', id: 'msg_0', content: [{ type: 'refusal', refusal: 'no' }] })
  test.each<[title: string, events: readonly HubEvent[], reason: string]>([
    ['a text', [...textEvents(0, 'a'), completed()], 'end_turn'],
    ['a call', [...call, completed()], 'tool_use'],
    ['a refusal', [no, finalNo, completed()], 'refusal'],
    ['a refusal that came at once', [finalNo, completed()], 'refusal'],
    ['a limit', [...call, incomplete('max_output_tokens')], 'max_tokens'],
    ['a filter', [...textEvents(0, 'a'), incomplete('content_filter')], 'refusal'],
    ['something else', [...textEvents(0, 'a'), incomplete('steered')], 'max_tokens'],
  ])('which ended by %s', (_title, events, reason) => {
    const message = messageOf(writeAll([created, ...events]))
    expect(message['stop_reason']).toBe(reason)
    expect(message['stop_details']).toEqual(reason === 'refusal' ? { type: 'refusal', category: null, explanation: null } : null)
  })

  test('the words of a refusal are told', () => expect(contentOf(no, finalNo)).toEqual([text('no')]))

  test('a tool has its own name back, and an id even where it had none', () => {
    const memo = { customTools: new Set<string>(), toolNames: new Map([['lookup', 'the long name']]) }
    const events = writeAll([created, done(3, callItem(3, '{}', { call_id: '' })), completed()], { memo })
    expect(messageOf(events)['content']).toEqual([{ type: 'tool_use', id: 'call_abc_3', name: 'the long name', input: {} }])
  })

  test('the model is called as the client called it', () => {
    const [first] = writeAll([created], { restore: 'alias' as ClientModel })
    expect(memberOf(first, 'message', 'model')).toBe('alias')
  })

  test('a stream without its beginning is given one', () => {
    expect(messageOf(writeAll([...textEvents(0, 'a'), completed()]))).toMatchObject({ id: `msg_${startedAtS}`, model: 'the-model', content: [text('a')] })
    expect(messageOf(writeAll([completed({ output: [messageItem(0, 'a')] })]))).toMatchObject({ id: 'msg_abc', content: [text('a')] })
  })

  test('what comes before it says nothing of it', () => {
    expect(messageOf(writeAll([{ type: 'codex.rate_limits' }, { type: 'response.metadata' }, created, completed()]))).toMatchObject({ id: 'msg_abc' })
  })

  test.each(['response.failed', 'error'])('after %s nothing is written', (type) => {
    expect(writeAll([created, { type }, ...textEvents(0, 'a'), completed()])).toHaveLength(2)
  })

  test('after the end nothing is written', () => expect(writeAll([created, completed(), ...textEvents(0, 'a'), completed()])).toHaveLength(4))

  test('an answer of which no usage is known counts nothing', () => {
    expect(messageOf(writeAll([created, completed({ usage: null })]))['usage']).toMatchObject({ input_tokens: 0, output_tokens: 0 })
  })
})

describe('items of the hub that overlap', () => {
  test.each<[title: string, events: readonly HubEvent[], content: readonly Json[]]>([
    [
      'a text that is still open gives way to a call',
      [textDelta(0, 'a'), callAdded(1), argumentsDelta(1, '{}'), done(0, messageItem(0, 'a')), done(1, callItem(1, '{}'))],
      [text('a'), use(1, {})],
    ],
    [
      'and goes on behind it',
      [textDelta(0, 'a'), ...callEvents(1, '{}'), textDelta(0, 'b'), done(0, messageItem(0, 'ab'))],
      [text('a'), use(1, {}), text('b')],
    ],
    [
      'a text that comes while a call is open is told behind it',
      [callAdded(0), textDelta(1, 'a'), argumentsDelta(0, '{}'), done(0, callItem(0, '{}')), textDelta(1, 'b'), done(1, messageItem(1, 'ab'))],
      [use(0, {}), text('ab')],
    ],
    [
      'a text that a call cut in half is told to its end',
      [textDelta(0, 'a'), callAdded(1), textDelta(0, 'b'), done(1, callItem(1, '{}')), textDelta(0, 'c'), done(0, messageItem(0, 'abc'))],
      [text('a'), use(1, {}), text('bc')],
    ],
    [
      'calls side by side come one after another',
      [
        callAdded(0),
        callAdded(1),
        argumentsDelta(1, '{"b'),
        argumentsDelta(0, '{"a":1}'),
        argumentsDelta(1, '":2}'),
        done(0, callItem(0, '{"a":1}')),
        done(1, callItem(1, '{"b":2}')),
      ],
      [use(0, { a: 1 }), use(1, { b: 2 })],
    ],
    [
      'a call that is finished first waits for the one that began first',
      [
        callAdded(0),
        callAdded(1),
        callAdded(2),
        done(2, callItem(2, '{"c":3}')),
        done(1, callItem(1, '{"b":2}')),
        argumentsDelta(0, '{"a":1}'),
        done(0, callItem(0, '{"a":1}')),
      ],
      [use(0, { a: 1 }), use(1, { b: 2 }), use(2, { c: 3 })],
    ],
    [
      'thoughts that come while a call is open are told behind it',
      [callAdded(0), summaryDelta(1, 'a'), done(1, reasoningItem(1, 'g', 'a')), done(0, callItem(0, '{}'))],
      [use(0, {}), thought('a', 'g')],
    ],
    [
      'thoughts give way to nothing',
      [
        summaryDelta(0, 'a'),
        textDelta(1, 'b'),
        callAdded(2),
        summaryDelta(0, 'c'),
        done(0, reasoningItem(0, 'g', 'ac')),
        done(1, messageItem(1, 'b')),
        done(2, callItem(2, '{}')),
      ],
      [thought('ac', 'g'), text('b'), use(2, {})],
    ],
  ])('%s', (_title, events, content) => expect(contentOf(...events)).toEqual(content))
})

describe('items that were never finished are told from the last event', () => {
  const endingWith = (events: readonly HubEvent[], ...output: readonly Json[]) => messageOf(writeAll([created, ...events, completed({ output })]))['content']

  test.each<[title: string, events: readonly HubEvent[], output: readonly Json[], content: readonly Json[]]>([
    ['all of them, where none was seen', [], [messageItem(0, 'a'), callItem(1, '{}')], [text('a'), use(1, {})]],
    ['the rest of one', [added(0, messageItem(0)), textDelta(0, 'a')], [messageItem(0, 'ab')], [text('ab')]],
    ['the rest of a call', [callAdded(0), argumentsDelta(0, '{"q"')], [callItem(0, '{"q":1}')], [use(0, { q: 1 })]],
    [
      'the open one first, then those that wait',
      [callAdded(0), callAdded(1), callAdded(2), done(2, callItem(2, '{"c":3}'))],
      [callItem(0, '{"a":1}'), callItem(1, '{"b":2}'), callItem(2, '{"c":3}')],
      [use(0, { a: 1 }), use(1, { b: 2 }), use(2, { c: 3 })],
    ],
    ['those that wait, even if it has none', [callAdded(0), callAdded(1), done(1, callItem(1, '{"b":2}'))], [], [use(0, {}), use(1, { b: 2 })]],
    ['none that were told', [...textEvents(0, 'a'), ...callEvents(1, '{}')], [messageItem(0, 'a'), callItem(1, '{}')], [text('a'), use(1, {})]],
    ['none that nobody named', [textDelta(0, 'a')], [{ ...messageItem(0, 'other'), id: undefined }], [text('a')]],
    ['none that is not among them', [added(0, messageItem(0)), textDelta(0, 'a')], [messageItem(7, 'other')], [text('a')]],
  ])('%s', (_title, events, output, content) => expect(endingWith(events, ...output)).toEqual(content))

  test('a call that a limit cut is told as far as it came', () => {
    const events = writeAll([
      created,
      callAdded(0),
      argumentsDelta(0, '{"q":'),
      incomplete('max_output_tokens', { output: [callItem(0, '{"q":', { status: 'incomplete' })] }),
    ])
    expect(events.slice(-4)).toMatchObject([
      { delta: { partial_json: '{"q":' } },
      { type: 'content_block_stop' },
      { delta: { stop_reason: 'max_tokens' } },
      stopEvent,
    ])
  })
})

describe('what is kept of a stream of the hub', () => {
  const waiting = (characters: number) => {
    const item = callItem(1, '', { padding: '' })
    return { ...item, padding: 'x'.repeat(characters - JSON.stringify(item).length) }
  }

  test('items that wait are kept up to the bound', () => {
    const events = [created, callAdded(0), callAdded(1), done(1, waiting(waitingCharactersMax)), done(0, callItem(0, '{}')), completed()]
    expect(messageOf(writeAll(events))['content']).toEqual([use(0, {}), use(1, {})])
  })

  test('and again up to the bound, once they are told', () => {
    const again = [2, 4].flatMap((index) => [callAdded(index), done(index + 1, waiting(waitingCharactersMax)), done(index, callItem(index, '{}'))])
    expect(messageOf(writeAll([created, ...again, completed()]))['content']).toHaveLength(4)
  })

  test('beyond it nothing more is written, and no end that would be a lie', () => {
    const events = writeAll([created, callAdded(0), callAdded(1), done(1, waiting(waitingCharactersMax + 1)), done(0, callItem(0, '{}')), completed()])
    expect(events.map(({ type }) => type)).toEqual(['message_start', 'ping', 'content_block_start'])
  })

  test('what cannot be written is beyond it', () => {
    const deep = { ...callItem(1, '{}'), padding: JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown }
    expect(writeAll([created, callAdded(0), done(1, deep), done(0, callItem(0, '{}')), completed()])).toHaveLength(3)
  })

  test('deltas of items that have to wait are not kept at all', () => {
    const writer = messagesTranslator.writer(telling())
    for (const event of [created, callAdded(0), callAdded(1)]) writer.write(event)
    const delta = argumentsDelta(1, 'x'.repeat(1024))
    for (let i = 0; i < 4096; i++) expect(writer.write(delta)).toEqual([])
    expect(writer.write(done(0, callItem(0, '{}')))).toHaveLength(2)
  })

  test('items are remembered up to the bound, and an answer of more has no end', () => {
    const items = (count: number) => Array.from({ length: count }, (_, index) => done(index, { type: 'web_search_call', id: `ws_${index}` }))
    expect(writeAll([created, ...items(placesMax), completed()]).at(-1)).toEqual(stopEvent)
    expect(writeAll([created, ...items(placesMax + 1), completed()])).toHaveLength(2)
    const output = Array.from({ length: placesMax + 1 }, () => ({ type: 'web_search_call' }))
    expect(writeAll([created, completed({ output })])).toHaveLength(2)
  })
})

const stopEvent = { type: 'message_stop' }

function thought(thinking: string, seal: string): Json {
  return { type: 'thinking', thinking, signature: `turnout.responses.${seal}` }
}

function custom(input: string): Json {
  return { id: 'ctc_0', type: 'custom_tool_call', call_id: 'call_0', name: 'note', input }
}
