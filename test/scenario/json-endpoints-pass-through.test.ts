import OpenAI, { BadRequestError } from 'openai'
import { describe, expect, test } from 'vitest'
import { noUsage } from '../../src/core/usage.ts'
import { gatewayOfThisFile, laptopKey, triedBy, type Playing, type Stage } from '../support/gateway.ts'

const stage = gatewayOfThisFile()

interface Asked {
  readonly endpoint: string
  readonly path: string
  /** The body, byte for byte, for a model of this name. */
  readonly said: (model: string) => string
  /** The member without which there is nothing to do. */
  readonly needs: string
  readonly answer: object
  readonly usage: object
}

const cases: readonly Asked[] = [
  {
    endpoint: 'moderations',
    path: '/v1/moderations',
    said: (model) => ` {"input":["caf\\u00e9", "violence"] , "model":"${model}", "x": 1e400 }`,
    needs: 'input',
    answer: { model: 'mine', results: [{ flagged: false }, { flagged: true }] },
    usage: noUsage,
  },
  {
    endpoint: 'images',
    path: '/v1/images/generations',
    said: (model) => ` {"prompt":"a caf\\u00e9" , "model":"${model}", "n":2 , "stream":false, "x": 1e400 }`,
    needs: 'prompt',
    answer: { data: [{ b64_json: expect.any(String) as string }, { b64_json: expect.any(String) as string }], output_format: 'png' },
    usage: { ...noUsage, inputTokens: 2, outputTokens: 544 },
  },
]

const speaking = (dialect: string, more: Playing = {}): Playing => ({ dialects: [dialect], ...more })
const spent = { faults: [{ fault: 'quota' as const, resetsInSeconds: 7200 }] }

describe.each(cases)('$endpoint', ({ endpoint, path, said, needs, answer: told, usage }) => {
  // A1 A6 A11
  test('go byte for byte to an account under its own name of the model, and come back under the client’s', async () => {
    const on = await stage({ accounts: { a: speaking('chat', { models: { mine: 'theirs' }, plays: { snapshot: '-2026' } }) } })
    const answer = await on.ask(said('mine'), { path })
    expect(answer).toMatchObject({ status: 200, json: told, headers: { 'openai-model': 'mine', 'x-turnout-attempts': '1' } })
    expect(answer.text).not.toContain('theirs')
    expect(on.sent('a')).toMatchObject([{ path, body: said('theirs') }])
    expect(await on.record(answer)).toMatchObject({ endpoint, model: 'mine', outcome: 'completed', usage, attempts: [{ upstreamModel: 'theirs' }] })
  })

  test('move on from an account that is spent, each account asked by its own name of the model', async () => {
    const on = await stage({
      accounts: { a: speaking('chat', { models: { mine: 'x' }, plays: spent }), b: speaking('chat', { models: { mine: 'y' } }) },
    })
    const answer = await on.ask(said('mine'), { path })
    expect(answer).toMatchObject({ status: 200, json: told, headers: { 'x-turnout-attempts': '2' } })
    expect([on.sent('a')[0]?.body, on.sent('b')[0]?.body]).toEqual([said('x'), said('y')])
    const record = await on.record(answer)
    expect(record).toMatchObject({ endpoint, outcome: 'completed', usage, attempts: [{ failure: 'quota' }, { failure: null }] })
    expect(triedBy(record)).toEqual(['a', 'b'])
    await on.ask(said('mine'), { path })
    expect([on.sent('a').length, on.sent('b').length]).toEqual([1, 2])
  })

  test.each(['responses', 'messages'])('are had of no account that speaks %s alone, whatever is said of translation', async (dialect) => {
    const on = await stage({ accounts: { a: speaking(dialect) }, translate: 'always' })
    expect(await on.ask(said('mine'), { path })).toMatchObject({ status: 404, json: { error: { code: 'model_not_served' } } })
    expect(on.sent('a')).toEqual([])
  })

  test('are refused without a model, without what they are about, without a key, and to a key that may not have the model', async () => {
    const on = await stage({ accounts: { a: speaking('chat') } })
    const refusals = [
      [JSON.stringify({ [needs]: 'hello' }), laptopKey, 400, 'invalid_body', 'model'],
      ['{"model":"mine"}', laptopKey, 400, 'invalid_body', needs],
      [`{"model":"mine","${needs}":"a","${needs}":"b"}`, laptopKey, 400, 'duplicate_member', needs],
      [said('mine'), null, 401, 'invalid_api_key', null],
    ] as const
    for (const [body, key, status, code, param] of refusals) {
      expect(await on.ask(body, { path, key })).toMatchObject({ status, json: { error: { code, param } }, headers: { 'x-should-retry': 'false' } })
    }
    on.change({ keys: [{ name: 'laptop', key: laptopKey, pools: [on.pool], models: ['other'] }] })
    expect(await on.ask(said('mine'), { path })).toMatchObject({ status: 403, json: { error: { code: 'model_not_allowed' } } })
    expect(on.sent('a')).toEqual([])
  })

  test('that the upstream refuses are refused in its own words, and nobody else is asked', async () => {
    const on = await stage({ accounts: { a: speaking('chat', { plays: { unsupported: ['x'] } }), b: speaking('chat') } })
    const answer = await on.ask(said('mine'), { path })
    expect(answer).toMatchObject({ status: 400, json: { error: { code: 'unsupported_parameter', param: 'x' } } })
    expect(await on.record(answer)).toMatchObject({ endpoint, outcome: 'failed' })
    expect(on.sent('b')).toEqual([])
  })

  test('are asked for by the same address without /v1', async () => {
    const on = await stage({ accounts: { a: speaking('chat') } })
    expect((await on.ask(said('mine'), { path: path.slice(3) })).status).toBe(200)
  })
})

describe('what they cost', () => {
  const prices = [
    { model: 'omni-*', input: 1, output: 1 },
    { model: 'gpt-image-1', input: 5, output: 40 },
    { model: 'dall-e-3', input: 5, output: 40 },
  ]
  const charged = async (on: Stage, path: string, body: object) => {
    const answer = await on.ask(JSON.stringify(body), { path })
    expect(answer.status).toBe(200)
    return on.record(answer)
  }

  test('is nothing for moderations, even where their model has a price', async () => {
    const on = await stage({ accounts: { a: speaking('chat') }, prices })
    expect((await charged(on, '/v1/moderations', { model: 'omni-moderation-latest', input: 'hello' })).charge).toMatchObject({
      nanoUsd: 0n,
      estimatedNanoUsd: null,
    })
  })

  test('is what pictures say that they used, by the prices of their model', async () => {
    const on = await stage({ accounts: { a: speaking('chat') }, prices })
    expect((await charged(on, '/v1/images/generations', { model: 'gpt-image-1', prompt: 'a train' })).charge.nanoUsd).toBe(BigInt(2 * 5000 + 272 * 40_000))
  })

  test('is unknown for pictures that say nothing of it, and not guessed by their bytes', async () => {
    const on = await stage({ accounts: { a: speaking('chat') }, prices })
    const { usage, charge } = await charged(on, '/v1/images/generations', { model: 'dall-e-3', prompt: 'a train', n: 10, response_format: 'b64_json' })
    expect([usage, charge.nanoUsd]).toEqual([null, null])
    expect(charge.estimatedNanoUsd).toBeGreaterThan(1000n * 40_000n)
    expect(charge.estimatedNanoUsd).toBeLessThan(1100n * 40_000n)
  })
})

test('pictures in a stream are refused before anybody is asked', async () => {
  const on = await stage({ accounts: { a: speaking('chat') } })
  const path = '/v1/images/generations'
  expect(await on.ask({ model: 'gpt-image-1', prompt: 'a train', stream: true }, { path })).toMatchObject({
    status: 400,
    json: {
      error: { code: 'unsupported_parameter', param: 'stream', type: 'invalid_request_error', message: 'Pictures are given whole here; leave `stream` out.' },
    },
  })
  expect(on.sent('a')).toEqual([])
})

test.each(['/v1/images/edits', '/v1/images/variations', '/v1/images', '/v1/moderations/1'])(
  '%s is no address, and is answered in the same shape',
  async (path) => {
    const on = await stage({ accounts: { a: speaking('chat') } })
    expect(await on.ask({ model: 'm' }, { path })).toMatchObject({ status: 404, json: { error: { code: 'unknown_route', param: null } } })
  },
)

describe('the official client', () => {
  const begun = async () => {
    const on = await stage({
      accounts: {
        a: speaking('chat', { models: { safe: 'omni-moderation-latest', brush: 'gpt-image-1' }, plays: spent }),
        b: speaking('chat', { models: { safe: 'omni-moderation-2024', brush: 'gpt-image-2' } }),
      },
    })
    return { on, client: new OpenAI({ apiKey: laptopKey, baseURL: `${on.gateway.url}/v1`, maxRetries: 0 }) }
  }

  test('has texts judged', async () => {
    const { on, client } = await begun()
    const { id, model, results } = await client.moderations.create({ model: 'safe', input: ['hello', 'what violence'] })
    expect([id.startsWith('modr-'), model, results.map(({ flagged }) => flagged)]).toEqual([true, 'safe', [false, true]])
    expect(results[1]?.categories.violence).toBe(true)
    expect(on.sent('b')[0]?.fields).toMatchObject({ model: 'omni-moderation-2024' })
  })

  test('has pictures made, and is told what they used', async () => {
    const { on, client } = await begun()
    const { data, usage } = await client.images.generate({ model: 'brush', prompt: 'a train', n: 2 })
    expect(data?.map(({ b64_json: bytes }) => Buffer.from(bytes ?? '', 'base64').toString('latin1', 1, 4))).toEqual(['PNG', 'PNG'])
    expect(usage).toMatchObject({ input_tokens: 2, output_tokens: 544, total_tokens: 546 })
    expect(on.sent('b')[0]?.fields).toMatchObject({ model: 'gpt-image-2' })
  })

  test('throws where it asks for a stream of pictures', async () => {
    const { client } = await begun()
    const streamed = client.images.generate({ model: 'brush', prompt: 'a train', stream: true })
    await expect(streamed).rejects.toBeInstanceOf(BadRequestError)
    await expect(streamed).rejects.toMatchObject({ code: 'unsupported_parameter', param: 'stream' })
  })
})
