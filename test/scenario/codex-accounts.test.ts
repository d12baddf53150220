import { describe, expect, test } from 'vitest'
import type { BehaviourSpec } from '../../src/simulator/behaviour.ts'
import type { Json } from '../support/client.ts'
import { gatewayOfThisFile, question, streamed, triedBy, type Scene, type Stage } from '../support/gateway.ts'
import { signedIn } from '../support/signed-in.ts'
import { Talk } from '../support/talk.ts'

const stage = gatewayOfThisFile()

/** What the backend refuses, as the simulator plays it. */
const strict: BehaviourSpec = {
  unsupported: ['max_output_tokens', 'prompt_cache_retention', 'safety_identifier', 'stream_options', 'temperature', 'top_p'],
}

/** An account of the Codex backend, alone or before others. */
async function codex(others: Scene['accounts'] = {}, plays: BehaviourSpec = strict): Promise<Stage> {
  const on = await stage({ accounts: { a: { plays }, ...others } })
  const signed = signedIn(on, 'a', {}, { account_id: 'acc-1' })
  on.change({ accounts: { a: { upstream: 'codex', ...signed }, ...others } })
  on.play('a', plays)
  return on
}

const sentTo = (on: Stage, account: string): Json => JSON.parse(on.sent(account).at(-1)?.body ?? '{}') as Json

describe('a question to the Codex backend', () => {
  test('is a stream that is not stored, with instructions and a list of items, whatever the client said', async () => {
    const on = await codex()
    expect((await on.ask(streamed)).status).toBe(200)
    expect(sentTo(on, 'a')).toEqual({
      model: 'gpt-5.5',
      stream: true,
      store: false,
      instructions: '',
      input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }] }],
    })
  })

  test('leaves out what the backend refuses, and keeps every other byte', async () => {
    const on = await codex()
    const said =
      '{"model":"gpt-5.5","store":false,"stream":true,"instructions":"be brief","input":[{"role":"user","content":"hi"}],"temperature":0.5,"top_p":1,"max_output_tokens":99,"x":1e2}'
    expect((await on.ask(said)).status).toBe(200)
    expect(on.sent('a').at(-1)?.body).toBe(
      '{"model":"gpt-5.5","store":false,"stream":true,"instructions":"be brief","input":[{"role":"user","content":"hi"}],"x":1e2}',
    )
  })

  test('says a system’s words as a developer’s, and leaves out ids that the backend did not give', async () => {
    const on = await codex()
    const input = [
      { type: 'message', role: 'system', content: 'be brief' },
      { type: 'message', role: 'user', id: 'my own id', content: 'hi' },
      { type: 'message', role: 'user', id: 'msg_1', content: 'hi' },
    ]
    await on.ask({ ...streamed, input })
    expect(sentTo(on, 'a')['input']).toEqual([
      { type: 'message', role: 'developer', content: 'be brief' },
      { type: 'message', role: 'user', content: 'hi' },
      { type: 'message', role: 'user', id: 'msg_1', content: 'hi' },
    ])
  })

  test('carries the account’s id, and the client’s own name or none', async () => {
    const on = await codex()
    await on.ask(streamed, {
      headers: { originator: 'codex_exec', 'user-agent': 'codex_exec/0.169.0', 'chatgpt-account-id': 'mine', accept: 'application/json' },
    })
    expect(on.sent('a').at(-1)?.headers).toMatchObject({
      'chatgpt-account-id': 'acc-1',
      originator: 'codex_exec',
      'user-agent': 'codex_exec/0.169.0',
      accept: 'text/event-stream',
    })
    await on.ask(streamed)
    expect(on.sent('a').at(-1)?.headers).toMatchObject({ 'user-agent': 'turnout' })
    expect(on.sent('a').at(-1)?.headers).not.toHaveProperty('originator')
  })

  test('that asks for no stream is answered whole: the stream is gathered', async () => {
    const on = await codex()
    const answer = await on.ask()
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.json).toMatchObject({ object: 'response', status: 'completed', output: [{ type: 'message' }] })
    expect(sentTo(on, 'a')).toMatchObject({ stream: true })
    expect((await on.record(answer)).usage).toMatchObject({ outputTokens: expect.any(Number) })
  })

  test('whose terminal event has an empty output is gathered with all its items', async () => {
    const on = await codex({}, { ...strict, faults: [{ fault: 'empty-output' }] })
    expect((await on.ask()).json).toMatchObject({ status: 'completed', output: [{ type: 'message' }] })
  })

  test.each([
    ['a failed answer', { fault: 'failed', code: 'server_is_overloaded' }],
    ['an error event', { fault: 'error-event', events: 2, code: 'insufficient_quota', status: 429 }],
    ['an end without a terminal event', { fault: 'end-early' }],
  ] as const)('that asks for no stream and is answered by %s goes to another account', async (_title, fault) => {
    const on = await codex({ b: {} }, { ...strict, faults: [fault] })
    const answer = await on.ask()
    expect(answer.status).toBe(200)
    expect(triedBy(await on.record(answer)).at(-1)).toBe('b')
  })

  test('that asks for no stream is told the request’s own fault as an error', async () => {
    const on = await codex({}, { ...strict, faults: [{ fault: 'error-event', events: 0, code: 'context_length_exceeded', status: 400 }] })
    const answer = await on.ask()
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({ error: { code: 'context_length_exceeded' } })
  })

  test('moves to an account of another kind as the client said it', async () => {
    const on = await codex({ b: {} }, { ...strict, faults: [{ fault: 'quota' }] })
    expect((await on.ask({ ...question, temperature: 0.5 })).status).toBe(200)
    expect(sentTo(on, 'b')).toEqual({ ...question, temperature: 0.5 })
  })
})

test('an answer of the Codex backend cannot be named later over HTTP: whoever does is told at once', async () => {
  const on = await codex()
  const first = await on.ask()
  const again = await on.ask({ ...question, previous_response_id: (first.json as { readonly id: string }).id })
  expect(again.status).toBe(400)
  expect(again.json).toMatchObject({ error: { code: 'previous_response_not_found' } })
  expect(on.sent('a')).toHaveLength(1)
})

test('compacting asks for no stream', async () => {
  const on = await codex()
  expect((await on.ask(question, { path: '/v1/responses/compact' })).status).toBe(200)
  const sent = sentTo(on, 'a')
  expect(sent).not.toHaveProperty('stream')
  expect(sent).not.toHaveProperty('store')
})

test('a session with the Codex backend goes over WebSocket, and continues by the answer’s id', async () => {
  const on = await codex()
  const talk = await Talk.begin(on)
  const one = await talk.say('one')
  const two = await talk.say('two')
  expect(two.types.at(-1)).toBe('response.completed')
  const frames = on.simulator.received().filter(({ kind }) => kind === 'frame')
  expect(frames.map(({ body }) => JSON.parse(body) as Json)).toMatchObject([
    { store: false, instructions: '' },
    { previous_response_id: one.id, store: false },
  ])
  const shaken = on.simulator.received().find(({ kind }) => kind === 'handshake')
  expect(shaken?.headers).toMatchObject({ 'chatgpt-account-id': 'acc-1' })
})

test('what the Codex backend lists can be asked for', async () => {
  const on = await codex({}, { ...strict, models: ['gpt-5.5', 'gpt-6-sol'] })
  on.change({ log: { level: 'info' } })
  await expect.poll(async () => (await on.ask(null, { path: '/v1/models' })).text).toContain('gpt-6-sol')
})
