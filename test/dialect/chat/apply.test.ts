import { describe, expect, test } from 'vitest'
import type { UpstreamModel } from '../../../src/core/ids.ts'
import type { Plan } from '../../../src/core/shape.ts'
import { chat } from '../../../src/dialect/chat/chat.ts'
import { Body } from '../../../src/lib/body.ts'
import { bodyOf } from './support.ts'

const plan = (differing: Partial<Plan> = {}): Plan => ({
  upstream: 'openai',
  endpoint: 'chat',
  model: 'gpt-5.5' as UpstreamModel,
  renamed: null,
  tier: { kind: 'pass', rule: null, canonical: null },
  filterTo: null,
  dropItems: [],
  frame: null,
  ...differing,
})
const renamed: Partial<Plan> = { renamed: 'vendor/"odd"' as UpstreamModel }
const filtered: Partial<Plan> = { tier: { kind: 'filter', rule: 0 } }
/** The bytes that go upstream, as text. */
const sent = (said: string, differing: Partial<Plan> = {}, body = bodyOf(said)) =>
  Buffer.concat(body.edited(chat.apply(plan(differing), body)).pieces).toString()

// A6 C4
test.each(['chat', 'embeddings'] as const)('with nothing to say differently the very bytes go out: %s', (endpoint) => {
  const odd = ' { "model" : "gpt-5.5",  "temperature":1e400, "seed":12345678901234567890, "x":"\\u00e9\\/", "b" : [ ], "stream":false }\n'
  expect(sent(odd, { endpoint })).toBe(odd)
})

// A1 A6 A9
test.each(['chat', 'embeddings'] as const)('the model is replaced, and nothing else: %s', (endpoint) => {
  expect(sent('{ "n":1e400, "model" : "alias" , "metadata":{"model":"alias"} }', { ...renamed, endpoint })).toBe(
    '{ "n":1e400, "model" : "vendor/\\"odd\\"" , "metadata":{"model":"alias"} }',
  )
})

describe('the tier', () => {
  const fast = '{"a":1e400,"service_tier":"fast","model":"m"}'
  const canonical: Partial<Plan> = { tier: { kind: 'pass', rule: 0, canonical: 'priority' } }

  // C1 C2 C3 C6 C8 C17
  test.each<[title: string, said: string, differing: Partial<Plan>, sends: string]>([
    ['that is filtered is dropped, the rest untouched', fast, filtered, '{"a":1e400,"model":"m"}'],
    ['that is spelt with escapes is dropped too', '{"model":"m","service\\u005ftier":"fast"}', filtered, '{"model":"m"}'],
    ['that is filtered may become default', fast, { ...filtered, filterTo: 'default' }, '{"a":1e400,"service_tier":"default","model":"m"}'],
    ['that passes in another spelling becomes canonical', fast, canonical, '{"a":1e400,"service_tier":"priority","model":"m"}'],
    ['that passes keeps its bytes', '{"model":"m","service_tier":"fl\\u0065x"}', {}, '{"model":"m","service_tier":"fl\\u0065x"}'],
    ['of embeddings that is filtered is dropped', fast, { ...filtered, endpoint: 'embeddings' }, '{"a":1e400,"model":"m"}'],
    ['of embeddings never becomes another', fast, { ...filtered, filterTo: 'default', endpoint: 'embeddings' }, '{"a":1e400,"model":"m"}'],
    ['of embeddings that passes keeps its bytes', fast, { ...canonical, endpoint: 'embeddings' }, fast],
  ])('%s', (_title, said, differing, sends) => {
    expect(sent(said, differing)).toBe(sends)
  })
})

describe('the usage of a stream', () => {
  test.each<[title: string, said: string, sends: string]>([
    ['is asked for', '{"model":"m","stream":true}', '{"model":"m","stream":true,"stream_options":{"include_usage":true}}'],
    ['is asked for in place of null', '{"stream_options" : null ,"stream":true}', '{"stream_options" : {"include_usage":true} ,"stream":true}'],
    ['is asked for among no options', '{"stream":true,"stream_options":{ }}', '{"stream":true,"stream_options":{ "include_usage":true}}'],
    [
      'is asked for among others, which stay byte for byte',
      '{"stream":true,"stream_options":{ "x" : 1e400, "include_obfuscation":false }}',
      '{"stream":true,"stream_options":{ "x" : 1e400, "include_obfuscation":false ,"include_usage":true}}',
    ],
    [
      'is asked for even where the client does not want it',
      '{"stream_options":{"include_usage" : false,"x":1},"stream":true}',
      '{"stream_options":{"include_usage" : true,"x":1},"stream":true}',
    ],
  ])('%s', (_title, said, sends) => {
    expect(sent(said)).toBe(sends)
  })

  test.each<[title: string, said: string]>([
    ['that the client wants itself is asked for in its very bytes', '{"stream":true,"stream_options":{ "include\\u005fusage" : true }}'],
    ['is not asked for without a stream', '{"stream":false,"stream_options":{"include_usage":false}}'],
    ['is not asked for where nothing is said of a stream', '{"model":"m"}'],
  ])('%s', (_title, said) => {
    expect(sent(said)).toBe(said)
  })

  test('is no matter of embeddings', () => {
    expect(sent('{"stream":true}', { endpoint: 'embeddings' })).toBe('{"stream":true}')
  })

  test('is asked for in a body that nobody governs, as translations make them', () => {
    const body = Body.of(Buffer.from('{"model":"m","stream":true}'))
    expect(body === null ? null : sent('', {}, body)).toBe('{"model":"m","stream":true,"stream_options":{"include_usage":true}}')
  })

  test('goes together with the other edits', () => {
    expect(sent('{"model":"alias","stream":true,"service_tier":"fast"}', { renamed: 'x' as UpstreamModel, ...filtered })).toBe(
      '{"model":"x","stream":true,"stream_options":{"include_usage":true}}',
    )
  })
})

test('each endpoint has its path, and the client’s headers go as they are', () => {
  expect(chat.path('chat')).toBe('/chat/completions')
  expect(chat.path('embeddings')).toBe('/embeddings')
  const headers = { 'x-any': 'thing' }
  expect(chat.headers(plan(), headers)).toBe(headers)
})
