import { describe, expect, test } from 'vitest'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import { eventually, type Json } from '../support/client.ts'
import { gatewayOfThisFile, triedBy, type Stage } from '../support/gateway.ts'
import { said } from '../support/session-client.ts'
import { answerOf, socketUpstream, type UpstreamEnd } from '../support/socket-upstream.ts'
import { bodiesTo, handshakes, reached, recordsOf, Talk } from '../support/talk.ts'

const stage = gatewayOfThisFile()

const lookup = [{ type: 'function', name: 'lookup', parameters: { type: 'object', properties: {} }, strict: false }]
/** A fault that strikes turns only, from the second one on. */
const later = (fault: FaultSpec): FaultSpec => ({ on: 'turns', after: 1, ...fault })
const playing = (label: string, ...faults: readonly FaultSpec[]) => ({ plays: { label, faults } })
const fieldsOf = (body: string | undefined): Json => JSON.parse(body ?? '{}') as Json

describe('an account that is exhausted between two turns is left for the next one, and the client sees one ordinary answer', () => {
  const cases: readonly (readonly [title: string, fault: FaultSpec, failure: string])[] = [
    // E1
    ['401 token_invalidated', { fault: 'token-invalidated' }, 'credential'],
    // E2
    ['401 invalid_api_key', { fault: 'credential' }, 'credential'],
    ['a bare 401', { fault: 'credential-bare' }, 'credential'],
    ['429 usage_limit_reached', { fault: 'quota', resetsInSeconds: 3600 }, 'quota'],
    ['429 in a hurry', { fault: 'rate' }, 'rate'],
    ['402', { fault: 'payment' }, 'quota'],
    ['403 worded as a usage limit', { fault: 'quota-403' }, 'quota'],
    ['an error event with the wording of a quota', { fault: 'error-event', events: 0, code: 'insufficient_quota', status: 429 }, 'quota'],
    ['an error event without a status', { fault: 'error-event', events: 0, code: 'token_invalidated' }, 'credential'],
    ['a flat error event behind the first events', { fault: 'error-event', events: 2, shape: 'flat', code: 'insufficient_quota' }, 'quota'],
    ['a status under its other name', { fault: 'quota', resetsInSeconds: 3600, statusAs: 'status_code' }, 'quota'],
    ['an error event and a close behind it', { fault: 'quota', resetsInSeconds: 3600, closeCode: 1008 }, 'quota'],
    ['a failed answer before output', { fault: 'failed', code: 'insufficient_quota' }, 'quota'],
  ]
  test.each(cases)('%s', async (_title, fault, failure) => {
    const on = await stage({ accounts: { a: playing('first', later(fault)), b: playing('second') } })
    const talk = await Talk.begin(on)
    const one = await talk.say('one')
    expect(one.text).toContain('first')
    const two = await talk.say('two')
    expect(two.text).toContain('second')
    expect(two.types.filter((type) => type === 'response.created')).toHaveLength(1)
    const [moved] = bodiesTo(on, 'b').map(fieldsOf)
    expect(moved).not.toHaveProperty('previous_response_id')
    expect(moved?.['input']).toHaveLength(3)
    // E6
    await talk.say('three')
    expect(fieldsOf(bodiesTo(on, 'b')[1])).toEqual({
      type: 'response.create',
      model: 'gpt-5.5',
      store: false,
      previous_response_id: two.id,
      input: [said('three')],
    })
    expect(talk.session.left).toEqual([])
    const [, second, third] = await recordsOf(on, 3)
    expect(second?.attempts).toMatchObject([
      { account: 'a', failure },
      { account: 'b', outcome: 'completed' },
    ])
    expect(third === undefined ? [] : triedBy(third)).toEqual(['b'])
    await eventually(
      () => on.simulator.connections(on.credential('a')),
      (open) => open === 0,
    )
    await talk.session.end()
  })

  // E10
  test('what only it can continue is not sent elsewhere while it is merely busy', async () => {
    const slow: FaultSpec = { fault: 'slow', ms: 60_000, before: 'output', models: ['gpt-slow'] }
    const on = await stage({ accounts: { a: { ...playing('first', slow), concurrency: 1 }, b: playing('second') } })
    const talk = await Talk.begin(on)
    await talk.say('one')
    const other = await on.session()
    other.create({ model: 'gpt-slow', input: 'hold the only slot' })
    await eventually(
      () => bodiesTo(on, 'a').length,
      (count) => count === 2,
    )
    expect((await talk.say('two')).text).toContain('second')
    expect(
      bodiesTo(on, 'b')
        .map(fieldsOf)
        .filter((frame) => 'previous_response_id' in frame),
    ).toEqual([])
    other.leave()
    await talk.session.end()
  })

  test('when it closes the connection before it answers', async () => {
    for (const closeCode of [1000, 1006, 1008, 1011]) {
      const on = await stage({ accounts: { a: playing('first', later({ fault: 'close', closeCode })), b: playing('second') } })
      const talk = await Talk.begin(on)
      await talk.say('one')
      expect((await talk.say('two')).text).toContain('second')
      await talk.session.end()
    }
  })

  test('in the middle of a call: its output goes along', async () => {
    const on = await stage({ accounts: { a: playing('first', later({ fault: 'quota', resetsInSeconds: 3600 })), b: playing('second') } })
    const talk = await Talk.begin(on)
    const [call = {}] = (await talk.say('call:lookup', { tools: lookup })).output
    const answer = await talk.giveOutput(call, '42', { tools: lookup })
    expect(answer.text).toBe('Hello from second. The tool said: 42')
    expect(fieldsOf(bodiesTo(on, 'b')[0])['input']).toMatchObject([{ role: 'user' }, { type: 'function_call' }, { type: 'function_call_output' }])
    await talk.session.end()
  })

  // E5
  test('and so is the one after it', async () => {
    const quota = { fault: 'quota', resetsInSeconds: 3600 }
    const on = await stage({ accounts: { a: playing('first', later(quota)), b: playing('second', quota), c: playing('third') } })
    const talk = await Talk.begin(on)
    await talk.say('one')
    expect((await talk.say('two')).text).toContain('third')
    for (const account of ['b', 'c']) expect(fieldsOf(bodiesTo(on, account)[0])).not.toHaveProperty('previous_response_id')
    await talk.session.end()
  })

  test('in the first turn of the session too, in the handshake or behind it', async () => {
    const faults: readonly FaultSpec[] = [
      { fault: 'quota', resetsInSeconds: 3600 },
      { fault: 'quota', resetsInSeconds: 3600, at: 'handshake' },
      { fault: 'token-invalidated', at: 'handshake' },
      { fault: 'hang', at: 'handshake' },
      { fault: 'reset', at: 'handshake' },
    ]
    for (const fault of faults) {
      const on = await stage({ accounts: { a: playing('first', fault), b: playing('second') }, times: { handshake: '100ms' } })
      const talk = await Talk.begin(on)
      expect((await talk.say('one')).text).toContain('second')
      await talk.session.end()
    }
  })
})

describe('what is no trouble of the account moves nothing', () => {
  const owner = async (on: Stage, count: number) => (await recordsOf(on, count)).at(-1)?.attempts.at(-1)?.account

  // E3
  test("a request's own fault: the client is told, and the session stays where it is", async () => {
    const on = await stage({ accounts: { a: playing('first'), b: playing('second') } })
    const talk = await Talk.begin(on)
    const one = await talk.say('one')
    const wrong = await talk.session.turn({ model: 'gpt-5.5', store: false, previous_response_id: one.id, input: [said('two')], max_output_tokens: 'many' })
    expect(wrong.last).toMatchObject({ type: 'error', status: 400, error: { param: 'max_output_tokens', code: 'invalid_type' } })
    expect(wrong.events).toHaveLength(1)
    expect((await talk.say('three')).text).toContain('first')
    expect(await owner(on, 3)).toBe('a')
    expect(handshakes(on, 'a')).toHaveLength(1)
    await talk.session.end()
  })

  // E4
  test.each([
    [
      '400 previous_response_not_found',
      { fault: 'status', status: 400, body: { error: { code: 'previous_response_not_found', message: 'gone', param: 'previous_response_id' } } },
    ],
    [
      '404 about the answer',
      {
        fault: 'status',
        status: 404,
        body: { error: { code: null, type: 'invalid_request_error', message: "Previous response with id 'resp_1' not found.", param: 'previous_response_id' } },
      },
    ],
    [
      'the end of its 60 minutes, said in answer to a question',
      { fault: 'error-event', events: 0, status: 400, code: 'websocket_connection_limit_reached', closeCode: 1001 },
    ],
  ])('%s: all of it is said again to the same account', async (_title, fault) => {
    const on = await stage({ accounts: { a: playing('first', later({ ...fault, times: 1 })), b: playing('second') } })
    const talk = await Talk.begin(on)
    await talk.say('one')
    expect((await talk.say('two')).text).toContain('first')
    const again = fieldsOf(bodiesTo(on, 'a')[2])
    expect(again).not.toHaveProperty('previous_response_id')
    expect(again['input']).toHaveLength(3)
    expect(reached(on, 'b')).toEqual([])
    expect((await talk.say('three')).text).toContain('first')
    await talk.session.end()
  })

  // E22
  test('the age of its connection: the next turn finds a new one, and nobody hears of it', async () => {
    const on = await stage({ accounts: { a: { plays: { label: 'first', connectionMs: 150 } }, b: playing('second') } })
    const talk = await Talk.begin(on)
    await talk.say('one')
    await eventually(
      () => on.simulator.connections(on.credential('a')),
      (open) => open === 0,
    )
    expect((await talk.say('two')).text).toContain('first')
    expect(handshakes(on, 'a')).toHaveLength(2)
    expect(talk.session.left).toEqual([])
    expect((await recordsOf(on, 2)).flatMap((record) => record.attempts)).toHaveLength(2)
    await talk.session.end()
  })
})

// E7
describe('a failure after output is told, and the next turn has the whole dialogue all the same', () => {
  test.each([
    ['a quota', { fault: 'error-event', events: 5, code: 'insufficient_quota' }, 'second', { error: { code: 'insufficient_quota' } }],
    ['a cut', { fault: 'cut', times: 1 }, 'first', { status: 502, error: { code: 'upstream_unreachable' } }],
    ['a close', { fault: 'close', events: 5, closeCode: 1011, times: 1 }, 'first', { status: 502, error: { code: 'upstream_unreachable' } }],
  ])('%s', async (_title, fault, next, told) => {
    const on = await stage({ accounts: { a: playing('first', later(fault)), b: playing('second') } })
    const talk = await Talk.begin(on)
    await talk.say('one')
    const broken = await talk.session.turn({ model: 'gpt-5.5', store: false, previous_response_id: talk.last, input: [said('two')] })
    expect(broken.text).not.toBe('')
    expect(broken.last).toMatchObject({ type: 'error', ...told })
    expect(reached(on, 'b')).toEqual([])
    expect((await talk.say('three')).text).toContain(next)
    expect(fieldsOf(bodiesTo(on, next === 'first' ? 'a' : 'b').at(-1))['input']).toHaveLength(3)
    await talk.session.end()
  })
})

// B23
describe('a stated reset survives', () => {
  test.each([
    ['a refused handshake', { fault: 'quota', resetsInSeconds: 7200, at: 'handshake' }],
    ['an error event', { fault: 'quota', resetsInSeconds: 7200 }],
    ['a failure behind the first events', { fault: 'error-event', events: 2, status: 429, code: 'insufficient_quota', headers: { 'retry-after': '7200' } }],
    ['a failure after output', { fault: 'error-event', events: 5, status: 429, code: 'insufficient_quota', headers: { 'retry-after': '7200' } }],
  ] as const)('%s', async (_title, fault) => {
    const on = await stage({ accounts: { a: playing('first', fault), b: playing('second') } })
    const session = await on.session()
    await session.turn({ model: 'gpt-5.5', input: 'hello' })
    const { ms } = await on.rest('a')
    expect(ms).toBeGreaterThan(7100_000)
    expect(ms).toBeLessThan(8000_000)
    await session.end()
  })
})

// E21
test("an account's routing token comes to the client, goes back to that account, and to no other", async () => {
  let answers = 0
  const hear = (label: string) => (frame: Json, end: UpstreamEnd) => {
    const { created, output, completed } = answerOf(`resp_${label}${++answers}`)
    const dies = label === 'a' && JSON.stringify(frame).includes('three')
    if (dies) end.say({ type: 'error', status: 401, error: { code: 'token_invalidated', message: 'sign in again' } })
    else end.say({ type: 'response.metadata', headers: { 'x-codex-turn-state': `state-of-${label}` } }, created, ...output, completed)
  }
  const a = await socketUpstream(hear('a'))
  const b = await socketUpstream(hear('b'))
  const on = await stage({ accounts: { a: { base_url: a.url }, b: { base_url: b.url } } })
  const session = await on.session({ headers: { 'x-codex-turn-state': 'nobody-knows' } })
  const one = await session.turn({
    model: 'gpt-5.5',
    store: false,
    input: [said('one')],
    client_metadata: { 'x-codex-turn-state': 'nobody-knows', kept: 'yes' },
  })
  expect(one.events[0]).toEqual({ type: 'response.metadata', headers: { 'x-codex-turn-state': 'state-of-a' } })
  const mine = { 'x-codex-turn-state': 'state-of-a', kept: 'yes' }
  const two = await session.turn({ store: false, previous_response_id: one.id, input: [said('two')], client_metadata: mine })
  const three = await session.turn({ store: false, previous_response_id: two.id, input: [said('three')], client_metadata: mine })
  expect(three.id).toBe('resp_b4')
  const states = (frames: readonly string[]) => frames.map((frame) => fieldsOf(frame)['client_metadata'])
  expect(states(await a.heard(3))).toEqual([{ kept: 'yes' }, mine, mine])
  expect(states(await b.heard(1))).toEqual([{ kept: 'yes' }])
  await session.end()
})
