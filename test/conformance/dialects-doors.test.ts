import { describe, expect, test } from 'vitest'
import type { Answer, Json } from '../support/client.ts'
import { clients, objectOf, parsed, rawEventsOf, spoken, ways, type Spoken } from '../support/dialect-clients.ts'
import { gatewayOfThisFile, laptopKey, otherKey, type Asking, type Stage } from '../support/gateway.ts'

/** What every dialect has beside its turns, and our own "no" in each one's shape. */
const stage = gatewayOfThisFile()

const speaking = (upstream: Spoken, more: Json = {}) => ({ dialects: [upstream], plays: { label: 'it' }, ...more })
const hello = (client: Spoken, more: Json = {}) => clients[client].body([clients[client].user('hello')], { more })

function put(on: Stage, client: Spoken, body: Json | string = hello(client), { key = laptopKey, headers = {} }: Asking = {}): Promise<Answer> {
  const { path, headers: own } = clients[client]
  return on.ask(body, { path, key, headers: { ...own, ...headers } })
}

/** What a refusal is in each dialect (protocols.md 1.6, 5.4). */
const shapes: Readonly<Record<Spoken, (code: string) => object>> = {
  responses: (code) => ({ error: { message: expect.any(String) as string, type: expect.any(String) as string, code } }),
  chat: (code) => ({ error: { message: expect.any(String) as string, type: expect.any(String) as string, code } }),
  messages: (code) => ({ type: 'error', error: { message: expect.any(String) as string, type: expect.any(String) as string, details: { error_code: code } } }),
}

interface Refusing {
  readonly title: string
  readonly code: string
  readonly status: number
  readonly ask: (on: Stage, client: Spoken) => Promise<Answer>
}

const refusing: readonly Refusing[] = [
  { title: 'a key that is none of ours', code: 'invalid_api_key', status: 401, ask: (on, client) => put(on, client, hello(client), { key: 'tk-stranger' }) },
  { title: 'no key', code: 'invalid_api_key', status: 401, ask: (on, client) => put(on, client, hello(client), { key: null }) },
  {
    title: 'a key in the address',
    code: 'key_in_query',
    status: 400,
    ask: (on, client) => on.ask(hello(client), { path: `${clients[client].path}?api_key=${laptopKey}`, headers: clients[client].headers }),
  },
  { title: 'a model that the key may not use', code: 'model_not_allowed', status: 403, ask: (on, client) => put(on, client, hello(client), { key: otherKey }) },
  {
    title: 'a body over the bound',
    code: 'body_too_large',
    status: 413,
    ask: (on, client) => put(on, client, hello(client, { metadata: { pad: 'x'.repeat(70_000) } })),
  },
  { title: 'no JSON', code: 'invalid_json', status: 400, ask: (on, client) => put(on, client, '{"model":') },
  { title: 'no object', code: 'invalid_body', status: 400, ask: (on, client) => put(on, client, '[]') },
  {
    title: 'a model that stands twice',
    code: 'duplicate_member',
    status: 400,
    ask: (on, client) => put(on, client, JSON.stringify(hello(client)).replace('{', '{"mod\\u0065l":"gpt-4",')),
  },
  { title: 'no model', code: 'invalid_body', status: 400, ask: (on, client) => put(on, client, hello(client, { model: 7 })) },
  {
    title: 'a tier that is blocked',
    code: 'policy_violation',
    status: 403,
    ask: (on, client) => put(on, client, hello(client, client === 'messages' ? { speed: 'fast' } : { service_tier: 'priority' })),
  },
  {
    title: 'an encoding that nobody knows',
    code: 'unsupported_encoding',
    status: 415,
    ask: (on, client) => put(on, client, hello(client), { headers: { 'content-encoding': 'rot13' } }),
  },
]

describe.each(spoken)('a client of %s', (client) => {
  const keys = [
    { name: 'laptop', key: laptopKey },
    { name: 'other', key: otherKey, models: ['gpt-4'] },
  ]

  test.each(refusing)('is refused in its own shape: $title', async ({ code, status, ask }) => {
    const on = await stage({ accounts: { a: speaking(client) }, rules: [{ tier: 'priority', action: 'block' }], bounds: { body: '64KiB' } })
    on.change({ keys: keys.map((key) => ({ ...key, pools: [on.pool] })) })
    const answer = await ask(on, client)
    expect(answer).toMatchObject({ status, json: shapes[client](code), end: 'clean' })
    expect(clients[client].hear(answer).breaches).toEqual([])
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'x-turnout-turn': expect.any(String) as string, 'x-should-retry': 'false' })
    expect(answer.headers['x-request-id']).toMatch(/\S/)
    expect(answer.headers['request-id']).toBe(client === 'messages' ? answer.headers['x-request-id'] : undefined)
    expect(on.sent('a')).toEqual([])
  })

  test.each([
    ['as a bearer', { authorization: `Bearer ${laptopKey}` }],
    ['as x-api-key', { 'x-api-key': laptopKey }],
  ])('may present its key %s', async (_title, headers) => {
    const on = await stage({ accounts: { a: speaking(client) } })
    const answer = await put(on, client, hello(client), { headers, key: null })
    expect(clients[client].hear(answer)).toMatchObject({ status: 200, text: 'Hello from it. You asked: hello' })
    expect(on.sent('a')[0]?.key).toBe(on.credential('a'))
    expect(JSON.stringify(on.sent('a')[0]?.headers)).not.toContain(laptopKey)
  })

  test('may leave the version out of the address', async () => {
    const on = await stage({ accounts: { a: speaking(client) } })
    const { path, headers } = clients[client]
    expect((await on.ask(hello(client), { path: path.slice(3), headers })).status).toBe(200)
  })

  test('hears the id of its request where it looks for it', async () => {
    const on = await stage({ accounts: { a: speaking(client) } })
    for (const stream of [false, true]) {
      const answer = await put(on, client, hello(client, { stream }))
      expect(answer.headers['x-request-id']).toMatch(/\S/)
      if (client === 'messages') expect(answer.headers['request-id']).toBe(answer.headers['x-request-id'])
      expect(answer.headers['x-upstream-request-id']).toMatch(/^req_/)
      expect(answer.headers['x-turnout-attempts']).toBe('1')
    }
  })
})

test.each(['/v1/responses/input_tokens', '/v1/responses/compact', '/v1/embeddings', '/v1/messages/count_tokens', '/v1/models'])(
  'both ways to present a key are taken at %s, and no key is not',
  async (path) => {
    const on = await stage({ accounts: { a: { dialects: spoken, plays: { label: 'it' } } } })
    const body = path === '/v1/models' ? null : { model: 'gpt-5.5', input: 'hello', messages: [{ role: 'user', content: 'hello' }] }
    const fit = body === null ? null : path.includes('messages') ? { model: body.model, messages: body.messages } : { model: body.model, input: body.input }
    const version = { 'anthropic-version': '2023-06-01' }
    const statuses = await Promise.all(
      [{ authorization: `Bearer ${laptopKey}` }, { 'x-api-key': laptopKey }, {}].map(async (headers) => {
        return (await on.ask(fit, { path, key: null, headers: { ...(path.includes('messages') ? version : {}), ...headers } })).status
      }),
    )
    expect(statuses).toEqual([200, 200, 401])
  },
)

describe('the usage at the end of a chat stream', () => {
  const options: readonly (readonly [title: string, said: Json, isTold: boolean])[] = [
    ['is told to those who ask for it', { stream_options: { include_usage: true } }, true],
    ['is hidden from those who do not', { stream_options: undefined }, false],
    ['is hidden from those who say that they do not want it', { stream_options: { include_usage: false } }, false],
    ['is hidden from those who speak of something else', { stream_options: { include_obfuscation: false } }, false],
  ]

  test.each(spoken.flatMap((upstream) => options.map(([title, said, isTold]) => ({ upstream, title, said, isTold }))))(
    'of an upstream that speaks $upstream $title, and is always asked for',
    async ({ upstream, said, isTold }) => {
      const on = await stage({ accounts: { a: speaking(upstream) } })
      const answer = await put(on, 'chat', hello('chat', { stream: true, ...said }))
      const chunks = rawEventsOf(answer.text).filter(({ data }) => data !== '[DONE]')
      const usages = chunks.map(({ data }) => objectOf(parsed(data))['usage'] ?? null).filter((usage) => usage !== null)
      expect(usages).toHaveLength(isTold ? 1 : 0)
      if (!isTold) expect(answer.text).not.toMatch(/"usage"|"choices":\[\]/)
      expect(clients.chat.hear(answer)).toMatchObject({ isOver: true, breaches: [] })
      expect((await on.record(answer)).usage).not.toBeNull()
      if (upstream === 'chat') expect(on.sent('a')[0]?.fields).toMatchObject({ stream_options: { include_usage: true } })
    },
  )
})

describe('counting tokens', () => {
  const path = '/v1/messages/count_tokens'
  const headers = { 'anthropic-version': '2023-06-01' }
  const asked = { model: 'gpt-5.5', messages: [{ role: 'user', content: 'hello there' }], system: 'be brief' }

  test('is done by an upstream that can, and costs nothing', async () => {
    const on = await stage({ accounts: { a: speaking('messages', { models: { 'gpt-5.5': 'gpt-5.5-mini' } }) } })
    const answer = await on.ask(asked, { path, headers })
    expect(answer).toMatchObject({ status: 200, json: { input_tokens: expect.any(Number) as number } })
    expect(answer.headers).not.toHaveProperty('x-turnout-estimated')
    expect(on.sent('a')[0]).toMatchObject({ path: expect.stringMatching(/\/messages\/count_tokens$/) as string, fields: { model: 'gpt-5.5-mini' } })
    expect(await on.record(answer)).toMatchObject({ endpoint: 'count_tokens', outcome: 'completed', charge: { nanoUsd: 0n } })
  })

  test.each(['responses', 'chat'] as const)('is estimated where accounts speak %s alone, marked, and nothing is sent', async (upstream) => {
    const on = await stage({ accounts: { a: speaking(upstream) } })
    const answer = await on.ask(asked, { path, headers })
    expect(answer).toMatchObject({ status: 200, json: { input_tokens: expect.any(Number) as number }, headers: { 'x-turnout-estimated': 'true' } })
    expect(Number(answer.json['input_tokens'])).toBeGreaterThan(0)
    expect(on.sent('a')).toEqual([])
    expect(await on.record(answer)).toMatchObject({ endpoint: 'count_tokens', outcome: 'completed' })
  })

  test('is refused in the shape of Messages', async () => {
    const on = await stage({ accounts: { a: speaking('messages') } })
    expect(await on.ask({ model: 'gpt-5.5' }, { path, headers })).toMatchObject({ status: 400, json: { type: 'error' } })
    expect(await on.ask(asked, { path, headers, key: 'tk-stranger' })).toMatchObject({
      status: 401,
      json: { type: 'error', error: { type: 'authentication_error' } },
    })
  })
})

describe('embeddings', () => {
  const path = '/v1/embeddings'
  const asked = { model: 'mine', input: ['one', 'two'], encoding_format: 'base64' }

  test('are had from an account that speaks chat, under the name that was asked for, and billed', async () => {
    const on = await stage({
      accounts: { a: speaking('chat', { models: { mine: 'text-embedding-3-small' } }) },
      prices: [{ model: 'text-embedding-3-small', input: 2, output: 0 }],
    })
    const answer = await on.ask(asked, { path })
    expect(answer).toMatchObject({ status: 200, json: { object: 'list', model: 'mine', data: [{ index: 0 }, { index: 1 }] } })
    const record = await on.record(answer)
    expect(record).toMatchObject({ endpoint: 'embeddings', outcome: 'completed', usage: { outputTokens: 0 } })
    expect(record.charge.nanoUsd).toBe(BigInt((record.usage?.inputTokens ?? 0) * 2000))
    expect(record.usage?.inputTokens).toBeGreaterThan(0)
  })

  test('move to another account before output', async () => {
    const failing = { plays: { faults: [{ fault: 'rate', on: 'turns' as const }] } }
    const on = await stage({ accounts: { a: { ...speaking('chat'), ...failing }, b: speaking('chat') } })
    expect((await on.ask(asked, { path })).status).toBe(200)
    expect(on.sent('b')).toHaveLength(1)
  })

  test.each(['responses', 'messages'] as const)('are not to be had of accounts that speak %s', async (upstream) => {
    const on = await stage({ accounts: { a: speaking(upstream) } })
    expect(await on.ask(asked, { path })).toMatchObject({ status: 404, json: { error: { code: 'model_not_served' } } })
    expect(on.sent('a')).toEqual([])
  })
})

describe('the list of models', () => {
  const accounts = { a: { dialects: spoken, models: { mine: 'gpt-5.5', yours: 'gpt-5.4' }, only_mapped: true } }

  test('has the shape of OpenAI, and of Anthropic for those who name a version', async () => {
    const on = await stage({ accounts })
    expect((await on.ask(null, { path: '/v1/models' })).json).toMatchObject({
      object: 'list',
      data: [
        { id: 'mine', object: 'model', owned_by: 'turnout', created: expect.any(Number) as number },
        { id: 'yours', object: 'model' },
      ],
    })
    const claude = await on.ask(null, { path: '/v1/models', headers: { 'anthropic-version': '2023-06-01' } })
    expect(claude.json).toMatchObject({
      data: [
        { type: 'model', id: 'mine', display_name: 'mine', created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string },
        { type: 'model', id: 'yours' },
      ],
      has_more: false,
      first_id: 'mine',
      last_id: 'yours',
    })
    expect((await on.ask(null, { path: '/v1/models/mine', headers: { 'anthropic-version': '2023-06-01' } })).json).toMatchObject({ type: 'model', id: 'mine' })
    expect((await on.ask(null, { path: '/v1/models/mine' })).json).toMatchObject({ object: 'model', id: 'mine' })
  })

  test('says no in the shape of those who ask', async () => {
    const on = await stage({ accounts })
    const headers = { 'anthropic-version': '2023-06-01' }
    expect(await on.ask(null, { path: '/v1/models/none' })).toMatchObject({ status: 404, json: { error: { code: 'model_not_served' } } })
    expect(await on.ask(null, { path: '/v1/models/none', headers })).toMatchObject({ status: 404, json: { type: 'error', error: { type: 'not_found_error' } } })
    expect(await on.ask(null, { path: '/v1/models', headers, key: 'tk-stranger' })).toMatchObject({ status: 401, json: { type: 'error' } })
  })
})

describe('what Claude clients add to the address', () => {
  test.each(ways.filter(({ client }) => client === 'messages'))('is passed to those who know it: $upstream', async ({ upstream }) => {
    const on = await stage({ accounts: { a: speaking(upstream) } })
    const { headers } = clients.messages
    const answer = await on.ask(hello('messages'), { path: '/v1/messages?beta=true', headers: { ...headers, 'anthropic-beta': 'context-1m-2025-08-07' } })
    expect(clients.messages.hear(answer)).toMatchObject({ status: 200, isOver: true })
    expect(on.sent('a')[0]?.path.includes('beta=true')).toBe(upstream === 'messages')
    expect(on.sent('a')[0]?.headers['anthropic-beta']).toBe(upstream === 'messages' ? 'context-1m-2025-08-07' : undefined)
  })

  test('is passed when tokens are counted, too', async () => {
    const on = await stage({ accounts: { a: speaking('messages') } })
    const { headers } = clients.messages
    const body = { model: 'gpt-5.5', messages: [{ role: 'user', content: 'hello' }] }
    expect((await on.ask(body, { path: '/v1/messages/count_tokens?beta=true', headers })).status).toBe(200)
    expect(on.sent('a')[0]?.path).toMatch(/\/messages\/count_tokens\?beta=true$/)
  })
})
