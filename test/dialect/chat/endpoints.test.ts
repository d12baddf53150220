import { describe, expect, test } from 'vitest'
import type { ClientModel, UpstreamModel } from '../../../src/core/ids.ts'
import type { Plan } from '../../../src/core/shape.ts'
import { noUsage } from '../../../src/core/usage.ts'
import { chat } from '../../../src/dialect/chat/chat.ts'
import type { Watched } from '../../../src/dialect/dialect.ts'
import { bodyOf, readOf, turnOf, watched } from './support.ts'

const model = 'gpt-image-1'
const asks = { moderations: { model, input: 'hi' }, images: { model, prompt: 'a train' } } as const
const plain = ['moderations', 'images'] as const

const plan = (differing: Partial<Plan>): Plan => ({
  upstream: 'openai',
  endpoint: 'images',
  model: model as UpstreamModel,
  renamed: null,
  tier: { kind: 'pass', rule: null, canonical: null },
  filterTo: null,
  dropItems: [],
  frame: null,
  ...differing,
})
/** The bytes that go upstream, as text. */
const sent = (said: string, differing: Partial<Plan>) => {
  const body = bodyOf(said)
  return Buffer.concat(body.edited(chat.apply(plan(differing), body)).pieces).toString()
}
const seen = (answer: string | object, differing: Partial<Watched>) =>
  chat.observeAnswer(Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer)), watched(differing))
const bytesOf = ({ pieces }: { readonly pieces: readonly Buffer[] }) => Buffer.concat(pieces).toString()

test('each endpoint has its path', () => {
  const paths = (['chat', 'embeddings', 'moderations', 'images'] as const).map((endpoint) => chat.path(endpoint))
  expect(paths).toEqual(['/chat/completions', '/embeddings', '/moderations', '/images/generations'])
})

describe.each(plain)('a question for %s', (endpoint) => {
  test('is read, and is no dialogue', () => {
    const tools = [{ type: 'function', function: { name: 'f' } }]
    expect(turnOf({ ...asks[endpoint], store: true, tools, service_tier: 'flex', messages: [{}] }, { 'session-id': 's' }, endpoint)).toEqual({
      endpoint,
      model,
      tier: { kind: 'known', tier: 'flex', raw: 'flex' },
      stream: false,
      references: [],
      stored: false,
      leavesTrace: false,
      affinity: null,
      sealed: [],
      isCodex: false,
      reasonsOverTools: false,
      wantsUsage: false,
    })
  })

  test.each([undefined, '', null])('is refused with a model of %j', (wrong) => {
    expect(readOf({ ...asks[endpoint], model: wrong }, {}, endpoint)).toMatchObject({ kind: 'refused', refusal: { code: 'invalid_body', param: 'model' } })
  })

  test.each([undefined, null])('is refused where what it is about is %j', (nothing) => {
    const member = endpoint === 'images' ? 'prompt' : 'input'
    expect(readOf({ ...asks[endpoint], [member]: nothing }, {}, endpoint)).toMatchObject({
      kind: 'refused',
      refusal: { code: 'invalid_body', param: member, message: expect.stringMatching(`^.${member}. must be what is to be `) as string },
    })
  })

  test('may be about whatever it likes', () => {
    const member = endpoint === 'images' ? 'prompt' : 'input'
    for (const what of ['', 'hi', 7, ['a'], [{ type: 'text', text: 'hi' }]]) expect(readOf({ model, [member]: what }, {}, endpoint).kind).toBe('turn')
  })

  // A1 A6
  test('goes out byte for byte, but for its model', () => {
    const odd = ` { "n":1e400, "model" : "alias" , "x":"\\u00e9\\/", "stream":false, "service_tier":"fast" }\n`
    expect(sent(odd, { endpoint })).toBe(odd)
    expect(sent(odd, { endpoint, renamed: 'vendor/x' as UpstreamModel })).toBe(odd.replace('alias', 'vendor/x'))
  })

  // C1
  test('says no tier that is filtered, and is given none', () => {
    const filtered: Partial<Plan> = { endpoint, tier: { kind: 'filter', rule: 0 }, filterTo: 'default' }
    expect(sent('{"a":1,"service_tier":"fast"}', filtered)).toBe('{"a":1}')
    expect(sent('{"a":1}', filtered)).toBe('{"a":1}')
  })
})

describe('a stream', () => {
  test('of pictures is refused, and the client told what to leave out', () => {
    const message = 'Pictures are given whole here; leave `stream` out.'
    expect(readOf({ ...asks.images, stream: true }, {}, 'images')).toMatchObject({
      kind: 'refused',
      refusal: { code: 'unsupported_parameter', param: 'stream', message },
    })
  })

  test.each([false, null, undefined])('of pictures that is %j is none', (stream) => {
    expect(turnOf({ ...asks.images, stream, partial_images: 2 }, {}, 'images').stream).toBe(false)
  })

  test('of verdicts is the upstream’s to judge', () => expect(turnOf({ ...asks.moderations, stream: true }, {}, 'moderations').stream).toBe(false))
})

describe.each(plain)('an answer of %s', (endpoint) => {
  // A11
  test('goes out byte for byte, with the client’s name of the model where one is said', () => {
    const answer = '{ "created":1e3, "data":[{"b64_json":"AA\\u0041","model":"x"}], "results":[] , "model" : "x" }'
    expect(bytesOf(seen(answer, { endpoint }))).toBe(answer)
    expect(bytesOf(seen(answer, { endpoint, restore: 'alias' as ClientModel }))).toBe(answer.replace('"model" : "x"', '"model" : "alias"'))
    expect(bytesOf(seen('{"data":[]}', { endpoint, restore: 'alias' as ClientModel }))).toBe('{"data":[]}')
  })

  test('is completed, and nothing of it can be named later', () => {
    const { end, signal } = seen({ id: 'modr-1', data: [], results: [] }, { endpoint })
    expect([end, signal]).toMatchObject([{ status: 'completed', response: null, items: [], tierServed: null, code: null }, null])
  })

  test('that tells an error is a failure', () => {
    expect(seen({ error: { message: 'no' } }, { endpoint })).toMatchObject({ signal: { error: { message: 'no' } }, end: { status: 'failed' } })
  })

  test('that is no object is a failure', () => expect(seen('[]', { endpoint })).toMatchObject({ signal: { kind: 'ended' }, end: { status: 'failed' } }))
})

describe('what is used', () => {
  const usage = {
    input_tokens: 50,
    input_tokens_details: { text_tokens: 10, image_tokens: 40 },
    output_tokens: 272,
    output_tokens_details: { text_tokens: 0, image_tokens: 272 },
    total_tokens: 322,
  }
  const pictures = (more: object) => seen({ created: 1, data: [], ...more }, { endpoint: 'images' }).end.usage

  test('for pictures is told in the words of Responses', () => expect(pictures({ usage })).toEqual({ ...noUsage, inputTokens: 50, outputTokens: 272 }))

  test.each([undefined, null, 7, {}, { input_tokens: 5 }, { ...usage, output_tokens: -1 }, { prompt_tokens: 5, completion_tokens: 5 }])(
    'for pictures is unknown where it is %j',
    (wrong) => expect(pictures({ usage: wrong })).toBeNull(),
  )

  test('for pictures is unknown where another model has used something too', () => {
    expect(pictures({ usage, svg_usage: { model: 'gpt-5.5', input_tokens: 9, output_tokens: 900 } })).toBeNull()
    expect(pictures({ usage, svg_usage: null })).not.toBeNull()
  })

  test.each([undefined, { input_tokens: 5, output_tokens: 5 }, 'much'])('for verdicts is nothing, even where it is said to be %j', (said) => {
    expect(seen({ results: [], usage: said }, { endpoint: 'moderations' }).end.usage).toEqual(noUsage)
  })
})
