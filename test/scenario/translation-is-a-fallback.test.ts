import { describe, expect, test } from 'vitest'
import type { Answer, Json } from '../support/client.ts'
import { lastHad } from '../support/dialect-case.ts'
import { clients, spoken, ways, type Heard, type Spoken, type Wishes } from '../support/dialect-clients.ts'
import { adminToken, gatewayOfThisFile, otherKey, triedBy, type Stage } from '../support/gateway.ts'
import { said } from '../support/session-client.ts'
import { recordsOf } from '../support/talk.ts'

const stage = gatewayOfThisFile()

const resting = { faults: [{ fault: 'quota', resetsInSeconds: 3600, on: 'turns' }] } as const
const speaking = (dialect: Spoken, label: string, more: Json = {}) => ({ dialects: [dialect], plays: { label }, ...more })
const pairs = ways.filter(({ client, upstream }) => client !== upstream)
/** A dialect that is neither. */
const another = (client: Spoken): Spoken => spoken.find((one) => one !== client) ?? client

async function ask(on: Stage, client: Spoken, wishes: Wishes = {}, dialogue: readonly Json[] = []): Promise<Heard & { readonly answer: Answer }> {
  const { path, headers, user, body, hear } = clients[client]
  const answer = await on.ask(body([...dialogue, user('hello')], wishes), { path, headers })
  return { ...hear(answer), answer }
}

describe.each(spoken)('a client of %s', (client) => {
  test('is served by an account of its own dialect though that has the worse priority', async () => {
    const on = await stage({ accounts: { a: speaking(another(client), 'foreign'), b: speaking(client, 'native') } })
    const heard = await ask(on, client)
    expect(heard.text).toContain('Hello from native')
    const [attempt] = (await on.record(heard.answer)).attempts
    expect(attempt?.notChosen).toMatchObject([{ account: 'a', why: 'would have to be asked by translation' }])
  })

  test('is served by translation while those of its own dialect rest, and natively again afterwards', async () => {
    const on = await stage({
      accounts: { a: speaking(another(client), 'foreign'), b: { ...speaking(client, 'native'), plays: { ...resting, label: 'native' } } },
    })
    const heard = await ask(on, client, { stream: true })
    expect(heard).toMatchObject({ text: 'Hello from foreign. You asked: hello', breaches: [], isOver: true })
    expect(triedBy(await on.record(heard.answer))).toEqual(['b', 'a'])
    expect((await ask(on, client)).text).toContain('Hello from foreign')
    expect(on.sent('b')).toHaveLength(1)
  })

  test('is not translated where that is never done', async () => {
    const on = await stage({ accounts: { a: speaking(another(client), 'foreign'), b: speaking(client, 'native') }, translate: 'never' })
    expect((await ask(on, client)).text).toContain('Hello from native')
    on.change({ accounts: { a: speaking(another(client), 'foreign') } })
    const heard = await ask(on, client)
    expect(heard).toMatchObject({ status: 404, breaches: [], error: { kind: 'model_not_served' } })
    expect(heard.error?.message).toContain(client)
    expect(on.sent('a')).toEqual([])
  })

  test('is translated like any other where that is always done', async () => {
    const on = await stage({ accounts: { a: speaking(another(client), 'foreign'), b: speaking(client, 'native') }, translate: 'always' })
    expect((await ask(on, client)).text).toContain('Hello from foreign')
    expect(on.sent('b')).toEqual([])
  })

  test('is asked in its own words of an account that speaks several dialects', async () => {
    const on = await stage({ accounts: { a: { dialects: spoken, plays: { label: 'it' } } } })
    expect((await ask(on, client)).text).toContain('Hello from it')
    expect(on.sent('a').map(({ dialect }) => dialect)).toEqual([client])
  })
})

/** What each pair has no words for, in the client's words, and the member that is named. */
const unsayable: readonly (readonly [client: Spoken, upstream: Spoken, more: Json, param: string])[] = [
  ['chat', 'messages', { seed: 7 }, 'seed'],
  ['chat', 'responses', { stop: ['END'] }, 'stop'],
  ['chat', 'responses', { logit_bias: { '50256': -100 } }, 'logit_bias'],
  ['messages', 'responses', { stop_sequences: ['END'] }, 'stop_sequences'],
  ['messages', 'chat', { top_k: 4 }, 'top_k'],
  ['responses', 'chat', { tools: [{ type: 'web_search' }] }, 'tools[0]'],
  ['responses', 'messages', { truncation: 'auto' }, 'truncation'],
  ['responses', 'chat', { max_tool_calls: 2 }, 'max_tool_calls'],
]

describe.each(unsayable)('what %s can say and %s cannot: %j', (client, upstream, more, param) => {
  test('is refused with its name where nobody else could serve, and nothing is sent', async () => {
    const on = await stage({ accounts: { a: speaking(upstream, 'foreign') } })
    const { answer, error, breaches } = await ask(on, client, { more })
    expect(breaches).toEqual([])
    expect(error).toMatchObject({ status: 400, kind: 'unsupported_parameter' })
    // Messages has no member for it, and tells it in the sentence.
    if (client !== 'messages') expect(error?.param).toBe(param)
    expect(error?.message).toContain(param)
    expect(answer.headers['x-should-retry']).toBe('false')
    expect(on.sent('a')).toEqual([])
    expect(await on.record(answer)).toMatchObject({ outcome: 'refused', code: 'unsupported_parameter', attempts: [] })
  })

  test('goes to an account that speaks the dialect', async () => {
    const on = await stage({ accounts: { a: speaking(upstream, 'foreign'), b: speaking(client, 'native') } })
    const heard = await ask(on, client, { more })
    expect(heard.text).toContain('Hello from native')
    expect(on.sent('a')).toEqual([])
  })
})

test.each([unsayable[0], unsayable[3], unsayable[6]].filter((one) => one !== undefined))(
  'what %s can say and %s cannot waits for one that rests, where that is soon back: %j',
  async (client, upstream, more) => {
    const on = await stage({
      accounts: {
        a: speaking(upstream, 'foreign'),
        b: { ...speaking(client, 'native'), plays: { label: 'native', faults: [{ fault: 'rate', retryAfterSeconds: 0.2, times: 1, on: 'turns' }] } },
      },
      failover: { patience: '5s' },
    })
    expect((await ask(on, client, { more })).text).toContain('Hello from native')
    expect(on.sent('a')).toEqual([])
    expect(on.sent('b')).toHaveLength(2)
  },
)

describe('a model that takes no tools on Chat Completions', () => {
  const tools = { model: 'gpt-6-sol', tools: ['lookup'] }

  test.each([['whole'], ['streamed']])('is asked in Responses, %s, where its upstream speaks both', async (form) => {
    const on = await stage({ accounts: { a: { upstream: 'openai', plays: { label: 'it' } } } })
    const stream = form === 'streamed'
    const first = await ask(on, 'chat', { ...tools, stream, choice: 'required' })
    expect(first).toMatchObject({ status: 200, breaches: [], finish: 'tool', calls: [{ name: 'lookup' }] })
    const { user, outputs, body, path, hear } = clients.chat
    const dialogue = [user('hello'), ...first.said, ...outputs(first.calls, ['42'])]
    expect(hear(await on.ask(body(dialogue, { ...tools, stream }), { path })).text).toContain('The tool said: 42')
    expect(on.sent('a').map(({ dialect }) => dialect)).toEqual(['responses', 'responses'])
  })

  test('is asked in Chat Completions all the same, once, what Responses has no words for: the answer is its upstream’s', async () => {
    const on = await stage({ accounts: { a: { upstream: 'openai', plays: { label: 'it' } } } })
    const { error } = await ask(on, 'chat', { ...tools, more: { seed: 7 } })
    expect(error).toMatchObject({ status: 400, param: 'tools' })
    expect(on.sent('a').map(({ dialect }) => dialect)).toEqual(['chat'])
  })

  test('is asked in Chat Completions without tools, and with them where it does not reason', async () => {
    const on = await stage({ accounts: { a: { upstream: 'openai', plays: { label: 'it' } } } })
    expect((await ask(on, 'chat', { model: 'gpt-6-sol' })).status).toBe(200)
    expect((await ask(on, 'chat', { ...tools, effort: 'none' })).status).toBe(200)
    expect(on.sent('a').map(({ dialect }) => dialect)).toEqual(['chat', 'chat'])
  })
})

/** A session's turn with the dialogue up to it held against what the model had. */
const texts = (on: Stage): readonly unknown[] => lastHad(on).map((item) => item['content'] ?? item['output'] ?? item['says'] ?? item['type'])

const lookup = [{ type: 'function', name: 'lookup', parameters: { type: 'object', properties: {} }, strict: false }]
const turn = (text: string, more: Json = {}): Json => ({ model: 'gpt-5.5', store: false, tools: lookup, input: [said(text)], ...more })

describe.each(['chat', 'messages'] as const)('a session over an account that speaks %s only', (upstream) => {
  test('goes on by the ids of its answers, tools and all', async () => {
    const on = await stage({ accounts: { a: speaking(upstream, 'it') } })
    const session = await on.session()
    const one = await session.turn(turn('one'))
    expect(one.types.slice(0, 2)).toEqual(['response.created', 'response.in_progress'])
    expect(one.text).toBe('Hello from it. You asked: one')
    const call = await session.turn(turn('call:lookup({"q":1})', { previous_response_id: one.id }))
    const [made] = call.output
    expect(made).toMatchObject({ type: 'function_call', name: 'lookup', arguments: '{"q":1}' })
    const output = { type: 'function_call_output', call_id: made?.['call_id'], output: 'forty-two' }
    const told = await session.turn(turn('', { previous_response_id: call.id, input: [output] }))
    expect(told.text).toBe('Hello from it. The tool said: forty-two')
    const last = await session.turn(turn('three', { previous_response_id: told.id }))
    expect(last.last).toMatchObject({ type: 'response.completed' })
    expect(texts(on)).toEqual(['one', one.text, 'call:lookup({"q":1})', '{"q":1}', 'forty-two', told.text, 'three'])
    const forked = await session.turn(turn('again', { previous_response_id: one.id }))
    expect(forked.text).toContain('again')
    expect(texts(on)).toEqual(['one', one.text, 'again'])
    const records = await recordsOf(on, 5)
    expect(new Set(records.map(({ outcome, transport }) => `${String(outcome)} over ${transport}`))).toEqual(new Set(['completed over websocket']))
    await session.end()
  })

  test('takes a warm-up, which goes nowhere', async () => {
    const on = await stage({ accounts: { a: speaking(upstream, 'it') } })
    const session = await on.session()
    const warm = await session.turn({ model: 'gpt-5.5', store: false, generate: false, input: [{ type: 'message', role: 'developer', content: 'be brief' }] })
    expect(on.sent('a')).toEqual([])
    await session.turn(turn('one', { previous_response_id: warm.id }))
    expect(texts(on)).toEqual(['be brief', 'one'])
    await session.end()
  })

  test.each(spoken.filter((dialect) => dialect !== upstream))('moves to one that speaks %s in the middle, and back', async (next) => {
    const on = await stage({ accounts: { a: speaking(upstream, 'first'), b: speaking(next, 'second') }, translate: 'always' })
    const session = await on.session()
    const reasoning = { effort: 'high', summary: 'auto' }
    const more = { reasoning, include: ['reasoning.encrypted_content'] }
    const one = await session.turn(turn('one', more))
    expect(one.text).toContain('first')
    on.play('a', { ...resting, label: 'first' })
    const two = await session.turn(turn('call:lookup({"q":1})', { ...more, previous_response_id: one.id }))
    const [made] = two.output.filter(({ type }) => type === 'function_call')
    expect(made).toMatchObject({ arguments: '{"q":1}' })
    on.play('a', { label: 'first' })
    on.play('b', { ...resting, label: 'second' })
    on.change({})
    await on.ask(null, { path: '/admin/api/accounts/a/reset', method: 'POST', key: adminToken })
    const output = { type: 'function_call_output', call_id: made?.['call_id'], output: 'forty-two' }
    const three = await session.turn(turn('', { ...more, previous_response_id: two.id, input: [output] }))
    expect(three.last).toMatchObject({ type: 'response.completed' })
    expect(three.text).toBe('Hello from first. The tool said: forty-two')
    expect(texts(on).filter((text) => text !== 'reasoning')).toEqual(['one', one.text, 'call:lookup({"q":1})', '{"q":1}', 'forty-two'])
    await session.end()
  })

  test('is told what its account cannot be asked, on the very first frame, and goes on', async () => {
    const on = await stage({ accounts: { a: speaking(upstream, 'it') } })
    const session = await on.session()
    const refused = await session.turn(turn('one', { truncation: 'auto' }))
    expect(refused.last).toMatchObject({ type: 'error', status: 400, error: { code: 'unsupported_parameter', param: 'truncation' } })
    expect((await session.turn(turn('two'))).text).toContain('two')
    await session.end()
  })

  test('is told in its own words that its account has broken off, and goes on', async () => {
    const on = await stage({ accounts: { a: { ...speaking(upstream, 'it'), plays: { label: 'it', faults: [{ fault: 'cut', times: 1, on: 'turns' }] } } } })
    const session = await on.session()
    const broken = await session.turn(turn('one'))
    expect(broken.last['type']).toMatch(/^(?:error|response\.failed)$/)
    expect((await session.turn(turn('two'))).text).toContain('two')
    await session.end()
  })
})

describe('a translated answer', () => {
  test('is not found again by its id over HTTP, which says so', async () => {
    const on = await stage({ accounts: { a: speaking('chat', 'it') } })
    const first = await on.ask({ model: 'gpt-5.5', input: 'one', store: true })
    expect(first.status).toBe(200)
    const next = await on.ask({ model: 'gpt-5.5', input: 'two', previous_response_id: first.json['id'] })
    expect(next).toMatchObject({ status: 400, json: { error: { code: 'previous_response_not_found' } } })
    expect(await on.ask(null, { path: `/v1/responses/${String(first.json['id'])}` })).toMatchObject({ status: 404 })
  })

  test.each([['whole'], ['streamed']])('in the middle of a dialogue with Claude does not spoil it: %s', async (form) => {
    const stream = form === 'streamed'
    const wishes = { model: 'claude-opus-5', effort: 'high', stream } as const
    const on = await stage({ accounts: { a: speaking('messages', 'claude'), b: speaking('responses', 'other') } })
    const { user, body, path, headers, hear } = clients.messages
    let dialogue: readonly Json[] = []
    const say = async (text: string): Promise<Heard> => {
      const heard = hear(await on.ask(body([...dialogue, user(text)], wishes), { path, headers }))
      expect(heard).toMatchObject({ status: 200, isOver: true, breaches: [] })
      dialogue = [...dialogue, user(text), ...heard.said]
      return heard
    }
    expect(await say('one')).toMatchObject({ text: 'Hello from claude. You asked: one', thought: expect.stringContaining('claude') as string })
    on.play('a', { label: 'claude', ...resting })
    expect(await say('two')).toMatchObject({ text: 'Hello from other. You asked: two', thought: expect.stringContaining('other') as string })
    expect(JSON.stringify(dialogue)).toContain('turnout.')
    expect((await say('three')).text).toContain('Hello from other')
    on.play('a', { label: 'claude' })
    await on.ask(null, { path: '/admin/api/accounts/a/reset', method: 'POST', key: adminToken })
    expect((await say('four')).text).toBe('Hello from claude. You asked: four')
    const had = lastHad(on)
    expect(had.filter(({ role }) => role === 'user').map(({ content }) => content)).toEqual(['one', 'two', 'three', 'four'])
    expect(had.filter(({ type }) => type === 'reasoning')).toHaveLength(1)
    expect(on.sent('a').at(-1)?.body).not.toContain('turnout.')
  })
})

describe.each(pairs.filter(({ upstream }) => upstream !== 'messages'))('the prompt cache of $upstream, for clients of $client', ({ client, upstream }) => {
  const keyOf = (on: Stage): unknown => on.sent('a').at(-1)?.fields?.['prompt_cache_key']
  const ownHint = client === 'messages' ? { metadata: { user_id: 'mine' } } : { prompt_cache_key: 'mine' }

  test('is asked for by a key of the dialogue: the same in every turn, another in another dialogue or of another key', async () => {
    const on = await stage({ accounts: { a: speaking(upstream, 'it') } })
    const { user, body, path, headers, hear } = clients[client]
    const put = async (dialogue: readonly Json[], key?: string) =>
      hear(await on.ask(body(dialogue, { system: 'be brief' }), { path, headers, ...(key === undefined ? {} : { key }) }))
    const first = await put([user('one')])
    const key = keyOf(on)
    expect(key).toMatch(/^\S{8,64}$/)
    await put([user('one'), ...first.said, user('two')])
    expect(keyOf(on)).toBe(key)
    await put([user('another')])
    expect(keyOf(on)).not.toBe(key)
    await put([user('one')], otherKey)
    expect(keyOf(on)).not.toBe(key)
  })

  test("is the client's own where it names one", async () => {
    const on = await stage({ accounts: { a: speaking(upstream, 'it') } })
    await ask(on, client, { more: ownHint })
    const key = keyOf(on)
    if (client !== 'messages') expect(key).toBe('mine')
    else expect(key).toMatch(/^\S{8,64}$/)
    expect(on.sent('a').at(-1)?.fields).toMatchObject({ prompt_cache_key: key })
  })
})
