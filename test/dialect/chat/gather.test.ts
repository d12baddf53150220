import { describe, expect, test } from 'vitest'
import { chat } from '../../../src/dialect/chat/chat.ts'
import { chunk, done, event, finish, model, role, says, usage, usageChunk, word } from './support.ts'

const gathered = (...events: readonly string[]) => chat.gather(Buffer.from(events.join('')))
const textOf = (...events: readonly string[]): string | null => {
  const found = gathered(...events)
  return found.kind === 'whole' ? found.json.toString() : null
}
const whole = (...events: readonly string[]): unknown => JSON.parse(textOf(...events) ?? 'null')
const message = (...deltas: readonly object[]): unknown => {
  const found = whole(role, ...deltas.map((delta) => chunk(says(delta))), finish(), done) as { readonly choices: readonly { readonly message: unknown }[] }
  return found.choices[0]?.message
}

describe('what a stream amounts to', () => {
  test('is a whole completion', () => {
    const more = { service_tier: 'default', system_fingerprint: 'fp_1', usage: null, obfuscation: 'abc' }
    expect(
      whole(
        chunk({ ...says({ role: 'assistant', content: '', refusal: null }), ...more }),
        word('Hi', more),
        word(' there', more),
        finish('stop', more),
        usageChunk,
        done,
      ),
    ).toEqual({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1_795_000_000,
      model,
      service_tier: 'default',
      system_fingerprint: 'fp_1',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hi there', refusal: null }, logprobs: null, finish_reason: 'stop' }],
      usage,
    })
  })

  test('is read as any whole answer is', () => {
    const json = textOf(role, word('Hi'), finish('length', { service_tier: 'flex' }), usageChunk, done)
    const watched = { endpoint: 'chat', restore: null, framing: 'sse', client: 'sse', model, wantsUsage: true, startedAtS: 0, memo: null }
    expect(chat.observeAnswer(Buffer.from(json ?? ''), watched as never).end).toMatchObject({
      status: 'incomplete',
      tierServed: 'flex',
      usage: { inputTokens: 120, outputTokens: 30 },
    })
  })

  test('is whole without [DONE], where all is finished', () => {
    expect(gathered(word('Hi'), finish()).kind).toBe('whole')
  })

  test('has no usage where none was told', () => expect(whole(word('Hi', { usage: null }), finish(), done)).not.toHaveProperty('usage'))

  test('keeps numbers that no double can hold', () => {
    const text = textOf(
      'data: {"created":12345678901234567890,"choices":[{"delta":{"content":"Hi","big":98765432109876543210,"large":1e400},"finish_reason":"stop"}]}\n\n',
      done,
    )
    expect(text).toContain('"created":12345678901234567890')
    expect(text).toContain('"big":98765432109876543210,"large":1e400')
  })

  test('ends with the first [DONE]', () => {
    expect(textOf(word('Hi'), finish(), done, word('more'), done)).toBe(textOf(word('Hi'), finish(), done))
  })

  test('leaves out what cannot be read', () => {
    expect(message({ content: 'Hi' })).toEqual({ role: 'assistant', content: 'Hi', refusal: null })
    expect(whole(': hi\n\n', 'data: {"a":\n\n', 'data: "x"\n\n', event({ choices: 7 }), event({ choices: [7] }), finish(), done)).toMatchObject({
      choices: [{ finish_reason: 'stop' }],
    })
  })
})

test('an upstream that nests without end does no harm', () => {
  const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`
  expect(whole(`data: {"choices":[{"delta":{"a":${deep}}}]}\n\n`, word('Hi'), finish(), done)).toMatchObject({ choices: [{ message: { content: 'Hi' } }] })
})

describe('the parts of a message', () => {
  test('are a refusal, and no content', () => {
    expect(message({ refusal: 'No' }, { refusal: ', sorry' })).toEqual({ role: 'assistant', content: null, refusal: 'No, sorry' })
  })

  test('are calls by their index, however their parts are mixed', () => {
    const call = (index: number, more: object) => ({ tool_calls: [{ index, ...more }] })
    expect(
      message(
        call(1, { id: 'call_b', type: 'custom', custom: { name: 'patch', input: '' } }),
        call(0, { id: 'call_a', type: 'function', function: { name: 'look', arguments: '' } }),
        call(0, { function: { arguments: '{"q"' } }),
        call(1, { custom: { input: '***' } }),
        call(0, { id: '', type: null, function: { name: '', arguments: ':1}' } }),
        call(0, { id: 'call_a', function: { name: 'look' } }),
        call(0, { id: '', function: { name: null } }),
      ),
    ).toEqual({
      role: 'assistant',
      content: null,
      refusal: null,
      tool_calls: [
        { id: 'call_a', type: 'function', function: { name: 'look', arguments: '{"q":1}' } },
        { id: 'call_b', type: 'custom', custom: { name: 'patch', input: '***' } },
      ],
    })
  })

  test('are whole calls without an index, one after another', () => {
    const calls = [{ id: 'a', function: { name: 'f', arguments: '{}' } }, { id: 'b' }]
    expect(message({ tool_calls: calls })).toMatchObject({ tool_calls: calls })
  })

  test('are a call in the old way', () => {
    expect(message({ function_call: { name: 'f', arguments: '{' } }, { function_call: { arguments: '}' } })).toMatchObject({
      function_call: { name: 'f', arguments: '{}' },
    })
  })

  test('are whatever else comes: texts joined, lists one behind the other', () => {
    expect(
      message(
        { reasoning_content: 'H', annotations: [{ type: 'a' }], audio: { id: 'au', data: 'AA' }, flag: 1, __proto__x: { a: 'b' } },
        { reasoning_content: 'm', annotations: [{ type: 'b' }], audio: { data: 'BB' }, flag: 2, __proto__x: { a: null, c: [] } },
      ),
    ).toMatchObject({
      reasoning_content: 'Hm',
      annotations: [{ type: 'a' }, { type: 'b' }],
      audio: { id: 'au', data: 'AABB' },
      flag: 2,
      __proto__x: { a: 'b', c: [] },
    })
  })

  test('do no harm by their names', () => {
    const text = textOf('data: {"__proto__":{"x":1},"choices":[{"delta":{"__proto__":{"y":2}},"finish_reason":"stop"}]}\n\n', done)
    expect(text).toContain('"__proto__":{"x":1}')
    expect(text).toContain('"__proto__":{"y":2}')
    expect({}).not.toHaveProperty('x')
  })

  test('are of several choices, in their order', () => {
    const of = (index: number, delta: object, reason: string | null = null) =>
      chunk({ choices: [{ index, delta, finish_reason: reason, logprobs: { content: [index] } }] })
    expect(whole(of(1, { content: 'b' }), of(0, { content: 'a' }), of(1, { content: 'B' }, 'length'), of(0, {}, 'stop'), done)).toMatchObject({
      choices: [
        { index: 0, message: { content: 'a' }, finish_reason: 'stop', logprobs: { content: [0, 0] } },
        { index: 1, message: { content: 'bB' }, finish_reason: 'length', logprobs: { content: [1, 1] } },
      ],
    })
    expect(whole(of(4_000_000_000, {}, 'stop'), done)).toMatchObject({ choices: [{ index: 4_000_000_000 }] })
  })
})

describe('what a stream does not amount to', () => {
  test.each<[title: string, events: readonly string[]]>([
    ['nothing at all', []],
    ['no end', [role, word('Hi')]],
    ['an answer that is not finished', [word('Hi'), ': hi\n\n']],
  ])('is an answer, where it has %s', (_title, events) => {
    expect(gathered(...events)).toEqual({ kind: 'cut', readings: [] })
  })

  test('is an answer, where it ends in an error, whose own bytes are kept', () => {
    const error = '{ "error":{"message":"busy","code":"slow_down"}, "n":1e400 }'
    const found = gathered(word('Hi', { usage }), `data: ${error}\n\n`, done)
    expect(found).toMatchObject({ kind: 'told', signal: { error: { code: 'slow_down' } }, end: { status: 'failed', usage: { inputTokens: 120 } } })
    expect(found.kind === 'told' && found.json.toString()).toBe(error)
  })

  test.each<[title: string, events: readonly string[]]>([
    ['breaks off in good form', [word('Hi'), done]],
    ['ends in an error of another form', ['event: error\ndata: {"message":"busy","code":"server_error"}\n\n']],
  ])('is an answer, where it %s: that is said in the form of the dialect', (_title, events) => {
    const found = gathered(...events)
    expect(found).toMatchObject({ kind: 'told', end: { status: 'failed' } })
    expect(found.kind === 'told' && JSON.parse(found.json.toString())).toMatchObject({
      error: { code: 'server_error', message: expect.any(String) as unknown },
    })
  })
})
