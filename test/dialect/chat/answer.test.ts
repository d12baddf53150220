import { describe, expect, test } from 'vitest'
import type { ClientModel } from '../../../src/core/ids.ts'
import { chat } from '../../../src/dialect/chat/chat.ts'
import type { Watched } from '../../../src/dialect/dialect.ts'
import { model, usage, usageRead, watched } from './support.ts'

const restore = 'alias' as ClientModel
const seen = (answer: string | object, differing: Partial<Watched> = {}) =>
  chat.observeAnswer(Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer)), watched(differing))
const bytesOf = ({ pieces }: { readonly pieces: readonly Buffer[] }) => Buffer.concat(pieces).toString()
const completion = (more: object = {}, reason: string | null = 'stop') => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model,
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: reason }],
  usage,
  ...more,
})

describe('a whole answer', () => {
  // E17
  test('tells the end: usage and tier', () => {
    expect(seen(completion({ service_tier: 'flex' }))).toMatchObject({
      end: { status: 'completed', response: null, items: [], usage: usageRead, tierServed: 'flex', code: null },
      signal: null,
      sealed: [],
    })
  })

  test.each<[title: string, answer: object, status: string]>([
    ['that stopped is completed', completion(), 'completed'],
    ['that calls is completed', completion({}, 'tool_calls'), 'completed'],
    ['that says no reason is completed', completion({}, null), 'completed'],
    ['without choices is completed', { usage }, 'completed'],
    ['with odd choices is completed', completion({ choices: [null, 'x', { finish_reason: 7 }] }), 'completed'],
    ['that grew too long is incomplete', completion({}, 'length'), 'incomplete'],
    ['that was filtered is incomplete', completion({}, 'content_filter'), 'incomplete'],
    ['of which one choice is incomplete is so too', completion({ choices: [{ finish_reason: 'stop' }, { finish_reason: 'length' }] }), 'incomplete'],
  ])('%s', (_title, answer, status) => {
    expect(seen(answer).end.status).toBe(status)
  })

  test.each([undefined, null, 7, { prompt_tokens: 5 }, { ...usage, completion_tokens: '30' }])('with a usage of %j leaves it unknown', (wrong) => {
    expect(seen(completion({ usage: wrong })).end.usage).toBeNull()
  })

  test('goes out byte for byte', () => {
    const odd = ' { "n":1e400, "big":12345678901234567890, "choices" : [ ], "usage":null, "x":"\\u00e9\\/" }\n'
    const answer = seen(odd)
    expect(bytesOf(answer)).toBe(odd)
    expect(answer.bytes).toBe(odd.length)
  })

  // A11
  test('has the client’s name of the model again, and nothing else is altered', () => {
    const answer = seen('{ "n":1e400, "model" : "x" , "choices":[{"model":"x"}] }', { restore })
    expect(bytesOf(answer)).toBe('{ "n":1e400, "model" : "alias" , "choices":[{"model":"x"}] }')
    expect(answer.bytes).toBe(bytesOf(answer).length)
    expect(bytesOf(seen('{"choices":[]}', { restore }))).toBe('{"choices":[]}')
  })

  // B13
  test.each<[title: string, error: unknown, status: number | null, told: object]>([
    ['an object', { message: 'busy', type: 'server_error', code: 'slow_down' }, null, { code: 'slow_down', message: 'busy' }],
    ['text', 'busy', null, { message: 'busy', code: null }],
    ['an object with its status as a code', { code: 429, message: 'slow' }, 429, { code: '429' }],
  ])('that tells an error inside a 200 is a failure: %s', (_title, error, status, told) => {
    const answer = seen({ error, usage })
    expect(answer).toMatchObject({ signal: { kind: 'told', status, error: told }, end: { status: 'failed', usage: usageRead } })
    expect(bytesOf(answer)).toBe(JSON.stringify({ error, usage }))
  })

  test.each([null, '', false])('that tells an error of %j is none', (error) => expect(seen(completion({ error })).signal).toBeNull())

  test.each(['', 'data: {}\n\n', '[]', '{"choices":['])('that is no object is a failure: %j', (text) => {
    expect(seen(text)).toMatchObject({ signal: { kind: 'ended' }, end: { status: 'failed', usage: null } })
    expect(bytesOf(seen(text))).toBe(text)
  })
})

describe('an answer of embeddings', () => {
  const vectors = '{ "object":"list", "data":[{"embedding":[0.1000, 1e-400, -0],"index":0},{"embedding":"AAAA"}], "model":"x"'
  const embeddings: Partial<Watched> = { endpoint: 'embeddings' }

  test('goes out byte for byte, vectors and all', () => {
    const text = `${vectors} , "usage":{"prompt_tokens":8,"total_tokens":8}}`
    expect(bytesOf(seen(text, embeddings))).toBe(text)
    expect(bytesOf(seen(text, { ...embeddings, restore }))).toBe(text.replace('"model":"x"', '"model":"alias"'))
  })

  test('tells its input as its usage, and has no output', () => {
    expect(seen(`${vectors},"usage":{"prompt_tokens":8,"total_tokens":8}}`, embeddings).end).toEqual({
      status: 'completed',
      response: null,
      items: [],
      usage: { inputTokens: 8, cachedTokens: 0, cacheWriteTokens: 0, longCacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 },
      tierServed: null,
      code: null,
    })
  })

  test.each(['null', '7', '{}', '{"prompt_tokens":-1}'])('with a usage of %s leaves it unknown', (wrong) => {
    expect(seen(`${vectors},"usage":${wrong}}`, embeddings).end.usage).toBeNull()
  })

  test('that tells an error is a failure', () => {
    expect(seen({ error: { message: 'no' } }, embeddings)).toMatchObject({ signal: { error: { message: 'no' } }, end: { status: 'failed' } })
  })
})
