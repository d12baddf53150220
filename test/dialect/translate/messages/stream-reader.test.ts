import { describe, expect, test } from 'vitest'
import type { ClientModel } from '../../../../src/core/ids.ts'
import { keptCharactersMax } from '../../../../src/dialect/translate/messages/stream-reader.ts'
import { sealOfBlock } from '../../../../src/dialect/translate/messages/seal.ts'
import { messagesTranslator } from '../../../../src/dialect/translate/messages/translator.ts'
import { blockStart, blockStop, delta, ending, memberOf, readAll, start, startedAtS, stop, telling, textBlock, thinkingBlock, toolBlock } from './support.ts'

const types = (events: ReturnType<typeof readAll>) => events.map(({ type }) => type.replace('response.', ''))

describe('a stream of Messages read into the hub', () => {
  test('a text', () => {
    const events = readAll([start(), { type: 'ping' }, ...textBlock(0, 'Hel', 'lo'), ending('end_turn'), stop])
    const place = { item_id: 'msg_abc_0', output_index: 0, content_index: 0 }
    const part = { type: 'output_text', text: 'Hello', annotations: [], logprobs: [] }
    const item = { id: 'msg_abc_0', type: 'message', role: 'assistant', status: 'completed', content: [part] }
    expect(events).toEqual([
      {
        type: 'response.created',
        response: expect.objectContaining({ id: 'resp_abc', status: 'in_progress', output: [], usage: null, created_at: startedAtS }),
      },
      { type: 'response.in_progress', response: expect.objectContaining({ id: 'resp_abc' }) },
      { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
      { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
      { type: 'response.output_text.delta', ...place, delta: 'Hel', logprobs: [] },
      { type: 'response.output_text.delta', ...place, delta: 'lo', logprobs: [] },
      { type: 'response.output_text.done', ...place, text: 'Hello', logprobs: [] },
      { type: 'response.content_part.done', ...place, part },
      { type: 'response.output_item.done', output_index: 0, item },
      {
        type: 'response.completed',
        response: expect.objectContaining({
          id: 'resp_abc',
          status: 'completed',
          model: 'claude-up',
          output: [item],
          service_tier: 'default',
          usage: {
            input_tokens: 115,
            input_tokens_details: { cached_tokens: 100, cache_write_tokens: 5 },
            output_tokens: 30,
            output_tokens_details: { reasoning_tokens: 0 },
            total_tokens: 145,
          },
        }),
      },
    ])
  })

  test('thoughts, and their seal', () => {
    const events = readAll([start(), ...thinkingBlock(0, 'EqQB', 'h', 'm'), ending('end_turn'), stop])
    const place = { item_id: 'rs_abc_0', output_index: 0, summary_index: 0 }
    const seal = sealOfBlock({ type: 'thinking', thinking: 'hm', signature: 'EqQB' })
    const summary = { type: 'summary_text', text: 'hm' }
    expect(events.slice(2, -1)).toEqual([
      { type: 'response.output_item.added', output_index: 0, item: { id: 'rs_abc_0', type: 'reasoning', summary: [], status: 'in_progress' } },
      { type: 'response.reasoning_summary_part.added', ...place, part: { type: 'summary_text', text: '' } },
      { type: 'response.reasoning_summary_text.delta', ...place, delta: 'h' },
      { type: 'response.reasoning_summary_text.delta', ...place, delta: 'm' },
      { type: 'response.reasoning_summary_text.done', ...place, text: 'hm' },
      { type: 'response.reasoning_summary_part.done', ...place, part: summary },
      {
        type: 'response.output_item.done',
        output_index: 0,
        item: { id: 'rs_abc_0', type: 'reasoning', summary: [summary], encrypted_content: seal, status: 'completed' },
      },
    ])
  })

  test('thoughts that are not shown have no summary', () => {
    const events = readAll([
      start(),
      ...thinkingBlock(0, 'EqQB'),
      blockStart(1, { type: 'redacted_thinking', data: 'EqQC' }),
      blockStop(1),
      ending('end_turn'),
      stop,
    ])
    expect(types(events).slice(2, -1)).toEqual(['output_item.added', 'output_item.done', 'output_item.added', 'output_item.done'])
    expect(memberOf(events.at(-1), 'response', 'output')).toMatchObject([
      { summary: [], encrypted_content: sealOfBlock({ type: 'thinking', thinking: '', signature: 'EqQB' }) },
      { summary: [], encrypted_content: sealOfBlock({ type: 'redacted_thinking', data: 'EqQC' }) },
    ])
  })

  test('a call', () => {
    const events = readAll([start(), ...toolBlock(0, 'lookup', '', '{"q"', ':1}'), ending('tool_use'), stop])
    const place = { item_id: 'fc_abc_0', output_index: 0 }
    const item = { id: 'fc_abc_0', type: 'function_call', call_id: 'toolu_0', name: 'lookup', arguments: '{"q":1}', status: 'completed' }
    expect(events.slice(2, -1)).toEqual([
      { type: 'response.output_item.added', output_index: 0, item: { ...item, arguments: '', status: 'in_progress' } },
      { type: 'response.function_call_arguments.delta', ...place, delta: '{"q"' },
      { type: 'response.function_call_arguments.delta', ...place, delta: ':1}' },
      { type: 'response.function_call_arguments.done', ...place, arguments: '{"q":1}' },
      { type: 'response.output_item.done', output_index: 0, item },
    ])
  })

  test.each([
    ['without input has an empty object', { type: 'tool_use', id: 't', name: 'n', input: {} }, '{}'],
    ['whose input came at once has all of it', { type: 'tool_use', id: 't', name: 'n', input: { q: 1 } }, '{"q":1}'],
  ])('a call %s', (_title, block, json) => {
    const events = readAll([start(), blockStart(0, block), blockStop(0), ending('tool_use'), stop])
    expect(events).toContainEqual({ type: 'response.function_call_arguments.delta', item_id: 'fc_abc_0', output_index: 0, delta: json })
    expect(memberOf(events.at(-1), 'response', 'output')).toMatchObject([{ arguments: json }])
  })

  test('the call of a custom tool has its text', () => {
    const memo = { customTools: new Set(['apply_patch']), toolNames: new Map<string, string>() }
    const events = readAll([start(), ...toolBlock(0, 'apply_patch', '{"inp', 'ut":"a\\nb"}'), ending('tool_use'), stop], { memo })
    const place = { item_id: 'ctc_abc_0', output_index: 0 }
    const item = { id: 'ctc_abc_0', type: 'custom_tool_call', call_id: 'toolu_0', name: 'apply_patch', input: 'a\nb', status: 'completed' }
    expect(events.slice(2, -1)).toEqual([
      { type: 'response.output_item.added', output_index: 0, item: { ...item, input: '', status: 'in_progress' } },
      { type: 'response.custom_tool_call_input.delta', ...place, delta: 'a\nb' },
      { type: 'response.custom_tool_call_input.done', ...place, input: 'a\nb' },
      { type: 'response.output_item.done', output_index: 0, item },
    ])
  })

  test('the call of a custom tool with no text has none to tell', () => {
    const memo = { customTools: new Set(['note']), toolNames: new Map<string, string>() }
    const events = readAll([start(), ...toolBlock(0, 'note', '{"input":""}'), ending('tool_use'), stop], { memo })
    expect(types(events).slice(2, -1)).toEqual(['output_item.added', 'custom_tool_call_input.done', 'output_item.done'])
  })

  test('what is said of a block that is not open is of nobody', () => {
    const late = delta(0, { type: 'text_delta', text: 'late' })
    const other = delta(7, { type: 'text_delta', text: 'other' })
    const [begun = {}, ended = {}] = textBlock(0)
    const events = readAll([start(), late, begun, other, ended, late, ending('end_turn'), stop])
    expect(memberOf(events.at(-1), 'response', 'output')).toMatchObject([{ content: [{ text: '' }] }])
  })

  test('a block behind the reason why all ended is cut as any other', () => {
    const events = readAll([start(), ending('max_tokens'), ...textBlock(0, 'a'), stop])
    expect(memberOf(events.at(-1), 'response', 'output')).toMatchObject([{ status: 'incomplete' }])
  })

  test('an item that a limit cut says so, and those before it do not', () => {
    const events = readAll([start(), ...textBlock(0, 'a'), ...textBlock(1, 'b'), ending('max_tokens'), stop])
    expect(events.at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output: [{ status: 'completed' }, { status: 'incomplete' }] },
    })
    expect(events.filter(({ type }) => type === 'response.output_item.done')).toMatchObject([
      { item: { status: 'completed' } },
      { item: { status: 'incomplete' } },
    ])
  })

  test('blocks of what the service did leave no gap among the items', () => {
    const search = blockStart(1, { type: 'server_tool_use', id: 's', name: 'web_search', input: {} })
    const query = delta(1, { type: 'input_json_delta', partial_json: '{}' })
    const events = readAll([start(), ...textBlock(0, 'a'), search, query, blockStop(1), ...textBlock(2, 'b'), ending('end_turn'), stop])
    expect(memberOf(events.at(-1), 'response', 'output')).toMatchObject([{ id: 'msg_abc_0' }, { id: 'msg_abc_1' }])
  })

  test('the end comes out of the last event, and closing brings nothing more', () => {
    const reader = messagesTranslator.reader(telling())
    for (const event of [start(), ...textBlock(0, 'a'), ending('end_turn')]) reader.read(null, event)
    expect(reader.read('message_stop', {})).toMatchObject([{ type: 'response.completed' }])
    expect(reader.close()).toEqual([])
    expect(reader.read(null, start())).toEqual([])
  })

  test('the model is called as the client called it, from the beginning to the end', () => {
    const events = readAll([start(), ending('end_turn'), stop], { restore: 'alias' as ClientModel })
    expect(events.map((event) => memberOf(event, 'response', 'model'))).toEqual(['alias', 'alias', 'alias'])
  })

  test('what is said of usage at the end stands for all, and what is not said again stays', () => {
    const said = { input_tokens: 20, cache_read_input_tokens: null, output_tokens: 7, output_tokens_details: { thinking_tokens: 3 } }
    const events = readAll([start(), ending('end_turn', { output_tokens: 2 }), { type: 'message_delta', delta: {}, usage: said }, stop])
    expect(memberOf(events.at(-1), 'response', 'usage')).toMatchObject({ input_tokens: 125, output_tokens: 7, output_tokens_details: { reasoning_tokens: 3 } })
  })
})

describe('a stream of Messages that breaks off', () => {
  test('fails when it is closed', () => {
    const events = readAll([start(), ...textBlock(0, 'a')])
    expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: { id: 'resp_abc', status: 'failed', error: { code: 'server_error' } } })
  })

  test('fails even if nothing of it came', () => {
    expect(readAll([])).toMatchObject([{ type: 'response.failed', response: { id: `resp_${startedAtS}` } }])
  })

  test.each([
    ['overloaded_error', 'server_error'],
    ['rate_limit_error', 'rate_limit_exceeded'],
    ['api_error', 'server_error'],
  ])('by an error of type %s fails with the code %s, once', (type, code) => {
    const events = readAll([start(), { type: 'error', error: { type, message: 'Sorry.' } }, stop])
    expect(events.slice(2)).toMatchObject([{ type: 'response.failed', response: { error: { code, message: 'Sorry.' } } }])
  })

  test('or is nested beyond all reason does not throw', () => {
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown
    const events = readAll([start({ model: deep }), blockStart(0, { type: 'tool_use', id: deep, name: deep, input: deep }), blockStop(0), stop])
    expect(() => JSON.stringify(events)).not.toThrow()
    expect(events.at(-1)?.type).toBe('response.completed')
  })

  test('without its beginning is given one', () => {
    expect(types(readAll([...textBlock(0, 'a'), stop]))[0]).toBe('created')
  })
})

describe('what is kept of a stream of Messages', () => {
  const quarter = 'x'.repeat(keptCharactersMax / 4)
  const begun = () => {
    const reader = messagesTranslator.reader(telling())
    for (const event of [start(), blockStart(0, { type: 'text', text: '' })]) reader.read(null, event)
    return reader
  }

  test('is all of an answer up to the bound', () => {
    const reader = begun()
    for (let i = 0; i < 3; i++) reader.read(null, delta(0, { type: 'text_delta', text: quarter }))
    expect(reader.read(null, delta(0, { type: 'text_delta', text: quarter.slice(1024) }))).toMatchObject([{ type: 'response.output_text.delta' }])
    reader.read(null, blockStop(0))
    expect(reader.read(null, stop)).toContainEqual(expect.objectContaining({ type: 'response.completed' }))
  })

  test('is as much of texts that come together', () => {
    const reader = begun()
    reader.read(null, delta(0, { type: 'text_delta', text: 'a' }))
    expect(reader.grow('x'.repeat(keptCharactersMax - 1025))).toBe(true)
    expect(reader.grow('x')).toBe(false)
    expect(reader.read(null, delta(0, { type: 'text_delta', text: 'y' }))).toMatchObject([{ type: 'response.failed' }])
  })

  test('is nothing of one beyond it, which fails', () => {
    const reader = begun()
    for (let i = 0; i < 3; i++) reader.read(null, delta(0, { type: 'text_delta', text: quarter }))
    expect(reader.read(null, delta(0, { type: 'text_delta', text: quarter.slice(1023) }))).toMatchObject([{ type: 'response.failed' }])
    expect(reader.read(null, stop)).toEqual([])
    expect(reader.close()).toEqual([])
  })

  test('is bounded for blocks of nothing too', () => {
    const reader = messagesTranslator.reader(telling())
    reader.read(null, start())
    let read = 0
    for (; read < keptCharactersMax; read++) {
      if (reader.read(null, blockStart(read, { type: 'text', text: '' })).some(({ type }) => type === 'response.failed')) break
    }
    expect(read).toBe(keptCharactersMax / 1024)
  })
})
