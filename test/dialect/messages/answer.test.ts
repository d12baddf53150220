import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClientModel } from '../../../src/core/ids.ts'
import { noUsage } from '../../../src/core/usage.ts'
import { observeAnswer } from '../../../src/dialect/messages/answer.ts'
import { model } from './said.ts'

const seen = (said: string | object, { restore = null, endpoint = 'messages' }: { restore?: string | null; endpoint?: 'messages' | 'count_tokens' } = {}) =>
  observeAnswer(Buffer.from(typeof said === 'string' ? said : JSON.stringify(said)), { endpoint, restore: restore as ClientModel | null })
const textOf = ({ pieces }: ReturnType<typeof seen>) => Buffer.concat(pieces).toString()
const message = (more: object = {}) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model,
  content: [{ type: 'text', text: 'hi' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 3, cache_read_input_tokens: 4, output_tokens: 5, service_tier: 'standard' },
  ...more,
})

describe('a whole message', () => {
  test('tells its end: usage and tier, and nothing that could be referred to', () => {
    expect(seen(message())).toMatchObject({
      end: { status: 'completed', response: null, items: [], usage: { inputTokens: 7, cachedTokens: 4, outputTokens: 5 }, tierServed: 'default', code: null },
      signal: null,
      sealed: [],
    })
  })

  test('goes out byte for byte where nothing is to be changed', () => {
    const odd = '{ "type":"message","n":1e400, "big":12345678901234567890,"content":[{"text":"\\u00e9"}] }'
    expect(textOf(seen(odd))).toBe(odd)
    expect(seen(odd).bytes).toBe(odd.length)
  })

  // A11
  test('has the client’s name of the model again, and nothing else is altered', () => {
    const said = '{"type":"message","content":[{"type":"fallback","model":"x"}], "model" : "x","usage":{}}'
    expect(textOf(seen(said, { restore: 'alias' }))).toBe(said.replace('"model" : "x"', '"model" : "alias"'))
    expect(seen(said, { restore: 'alias' }).bytes).toBe(said.length + 4)
  })

  test.each([
    ['max_tokens', 'incomplete'],
    ['model_context_window_exceeded', 'incomplete'],
    ['refusal', 'incomplete'],
    ['tool_use', 'completed'],
    ['pause_turn', 'completed'],
  ])('for the reason %s is %s', (reason, status) => expect(seen(message({ stop_reason: reason })).end.status).toBe(status))

  // E17
  test.each([[null], [{}], [{ input_tokens: '3', output_tokens: 5 }], [7]])('with a usage of %j leaves it unknown', (usage) => {
    expect(seen(message({ usage })).end).toMatchObject({ status: 'completed', usage: null, tierServed: null })
  })

  test('at a fast speed tells so', () => {
    expect(seen(message({ usage: { input_tokens: 1, output_tokens: 1, service_tier: 'standard', speed: 'fast' } })).end.tierServed).toBe('fast')
  })
})

describe('a count of tokens', () => {
  test('costs nothing', () => {
    const counted = seen('{"input_tokens": 2095}', { endpoint: 'count_tokens', restore: 'alias' })
    expect(counted).toMatchObject({ end: { status: 'completed', usage: noUsage, tierServed: null }, signal: null })
    expect(textOf(counted)).toBe('{"input_tokens": 2095}')
  })
})

describe('an answer that is none', () => {
  // B32
  test.each(['messages', 'count_tokens'] as const)('tells its error inside a 200 (%s)', (endpoint) => {
    const said = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}'
    expect(seen(said, { endpoint })).toMatchObject({
      end: { status: 'failed', usage: null, code: 'overloaded_error' },
      signal: { kind: 'told', status: 529, error: { type: 'overloaded_error', message: 'Overloaded' } },
    })
    expect(textOf(seen(said, { endpoint }))).toBe(said)
  })

  test('tells it without a type too', () => {
    expect(seen({ error: { message: 'no', code: 'server_error' } })).toMatchObject({ signal: { kind: 'told', status: 500 } })
  })

  test('is none where a message has an error among its members', () => expect(seen(message({ error: { message: 'no' } })).signal).toBeNull())

  test.each(['', '[]', '{"type":', 'oh'])('is cut where it is "%s"', (said) => {
    expect(seen(said)).toMatchObject({ end: { status: 'failed' }, signal: { kind: 'ended' } })
    expect(textOf(seen(said))).toBe(said)
  })

  test('never throws, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.json(), (said, part) => {
        seen(said, { restore: 'alias' })
        expect(['completed', 'incomplete', 'failed']).toContain(seen(`{"type":"message","usage":${part},"model":${part},"stop_reason":${part}}`).end.status)
        seen(`{"type":"error","error":${part},"message":${part}}`)
      }),
    )
  })
})
