import { describe, expect, test } from 'vitest'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import { eventually } from '../support/client.ts'
import { gatewayOfThisFile, laptopKey, otherKey, ownGateway, type Stage } from '../support/gateway.ts'
import { bodiesTo, handshakes, recordsOf } from '../support/talk.ts'

const stage = gatewayOfThisFile()

const hello = { model: 'gpt-5.5', input: 'hello' }
/** The same trouble at two accounts: one alone would be asked more than once. */
const bothPlay = (fault: FaultSpec, settings: object = {}) => ({
  accounts: { a: { plays: { faults: [fault] }, ...settings }, b: { plays: { faults: [fault] }, ...settings } },
  failover: { patience: '0s' },
  times: { first_event: '80ms', handshake: '80ms' },
})
const sessionsOf = (on: Stage, count: number) =>
  eventually(
    () => on.metric('turnout_sessions'),
    (open) => open === count,
  )

// E14
describe('a first turn that no account could serve is told, and then the session is closed as its status says', () => {
  const cases: readonly (readonly [title: string, fault: FaultSpec, status: number, code: number])[] = [
    ['429', { fault: 'rate' }, 429, 1013],
    ['429 for hours', { fault: 'quota', resetsInSeconds: 7200 }, 429, 1013],
    ['401 everywhere', { fault: 'credential' }, 503, 1013],
    ['503', { fault: 'overload' }, 503, 1013],
    ['silence', { fault: 'hang' }, 504, 1013],
    ['500', { fault: 'server' }, 500, 1011],
    ['a connection that breaks', { fault: 'reset' }, 502, 1011],
    ['no such model', { fault: 'model' }, 404, 1008],
  ]
  const transports = [
    ['over WebSocket', { websocket: 'on' }],
    ['over the bridge', { websocket: 'off' }],
  ] as const
  test.each(cases.flatMap(([title, ...rest]) => transports.map(([over, settings]) => [title, over, settings, ...rest] as const)))(
    '%s, %s',
    async (_title, _over, settings, fault, status, code) => {
      const on = await stage(bothPlay(fault, settings))
      const session = await on.session()
      session.create(hello)
      expect(await session.next()).toMatchObject({ type: 'error', status })
      expect(await session.closed()).toMatchObject({ code, reason: expect.stringMatching(/./) as string })
      expect(session.frames).toHaveLength(1)
      await sessionsOf(on, 0)
    },
  )

  test.each([
    ['429', { fault: 'quota', resetsInSeconds: 7200 }, 429, 1013],
    ['401', { fault: 'credential' }, 503, 1013],
    ['500', { fault: 'server' }, 500, 1011],
    ['404', { fault: 'status', status: 404, body: { error: { message: 'no such thing', code: null } } }, 404, 1008],
  ])('a handshake that is refused with %s', async (_title, fault, status, code) => {
    const on = await stage(bothPlay({ ...fault, at: 'handshake' }, { websocket: 'on' }))
    const session = await on.session()
    session.create(hello)
    expect(await session.next()).toMatchObject({ type: 'error', status })
    expect(await session.closed()).toMatchObject({ code })
  })

  test('the hint when to come back goes along', async () => {
    const soon = await stage(bothPlay({ fault: 'rate', retryAfterSeconds: 20 }))
    const first = await soon.session()
    first.create(hello)
    expect(await first.next()).toMatchObject({ status: 429, headers: { 'retry-after': expect.stringMatching(/^(?:19|2[0-2])$/) as string } })
    const late = await stage(bothPlay({ fault: 'quota', resetsInSeconds: 7200 }))
    const second = await late.session()
    second.create(hello)
    expect(await second.next()).toMatchObject({
      status: 429,
      headers: { 'x-should-retry': 'false' },
      error: { resets_in_seconds: expect.any(Number) as number },
    })
    await second.closed()
  })

  test('a later turn that no account could serve is told, and the session stays', async () => {
    const on = await stage(bothPlay({ fault: 'quota', resetsInSeconds: 7200, after: 1, on: 'turns' }))
    const session = await on.session()
    await session.turn(hello)
    on.play('b', { faults: [{ fault: 'quota', resetsInSeconds: 7200, times: 1 }] })
    expect((await session.turn(hello)).last).toMatchObject({ type: 'error', status: 429 })
    on.change({ accounts: { a: {}, b: {}, c: {} } })
    expect((await session.turn(hello)).last).toMatchObject({ type: 'response.completed' })
    await session.end()
  })

  test("the request's own fault in a first turn is told, and the session stays", async () => {
    const on = await stage({ accounts: { a: {} } })
    const session = await on.session()
    expect((await session.turn({ ...hello, max_output_tokens: 'many' })).last).toMatchObject({ type: 'error', status: 400 })
    expect((await session.turn(hello)).last).toMatchObject({ type: 'response.completed' })
    await session.end()
  })
})

// E15
describe('who does not come as a session should', () => {
  test('without an upgrade is answered 426', async () => {
    const on = await stage({ accounts: { a: {} } })
    for (const path of ['/v1/responses', '/responses']) {
      expect(await on.ask(null, { path })).toMatchObject({ status: 426, headers: { upgrade: 'websocket' }, json: { error: { code: 'websocket_required' } } })
    }
  })

  test('without a key is answered before there is a WebSocket', async () => {
    const on = await stage({ accounts: { a: {} } })
    const upgrade = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' }
    for (const key of [null, 'tk-stranger']) {
      expect(await on.ask(null, { key, headers: upgrade })).toMatchObject({ status: 401, json: { error: { code: 'invalid_api_key' } } })
    }
  })

  test('silent for too long, is told and closed', async () => {
    const on = await stage({ accounts: { a: {} }, times: { first_frame: '30ms' } })
    const session = await on.session()
    expect(await session.next()).toMatchObject({ type: 'error', status: 408, error: { code: 'request_timeout' } })
    expect(await session.closed()).toMatchObject({ code: 1008 })
  })

  test.each([
    ['no JSON', '{"type":"response.create"', { code: 'invalid_json' }],
    ['no object', '["response.create"]', { code: 'invalid_body' }],
    ['no model', '{"type":"response.create","input":"hello"}', { param: 'model' }],
  ])('with a first frame that is or has %s, is told and closed', async (_title, frame, error) => {
    const on = await stage({ accounts: { a: {} } })
    const session = await on.session()
    session.send(frame)
    expect(await session.next()).toMatchObject({ type: 'error', status: 400, error })
    expect(await session.closed()).toMatchObject({ code: 1008 })
    expect(handshakes(on, 'a')).toEqual([])
  })

  test('idle between turns for too long, is closed with the name of the limit and nothing else', async () => {
    const on = await stage({ accounts: { a: {} }, times: { session_idle: '1s' } })
    const session = await on.session()
    await session.turn(hello)
    const { code, reason } = await session.closed()
    expect([code, reason]).toEqual([1008, expect.stringContaining('times.session_idle')])
    expect(session.left).toEqual([])
  })

  test('with more sessions than its key may have, is refused at the upgrade', async () => {
    const on = await stage({ accounts: { a: {} } })
    on.change({ keys: [{ name: 'laptop', key: laptopKey, pools: [on.pool], limits: { sessions: 1 } }] })
    const only = await on.session()
    await expect(on.session()).rejects.toThrow('429')
    await only.end()
    await sessionsOf(on, 0)
    await (await on.session()).end()
  })
})

// H2
describe('a key that a reload takes away', () => {
  test('ends its session at the next frame, and no other', async () => {
    const on = await stage({ accounts: { a: {} } })
    const session = await on.session()
    const others = await on.session({ key: otherKey })
    await session.turn(hello)
    on.change({ keys: [{ name: 'other', key: otherKey, pools: [on.pool] }] })
    session.create(hello)
    expect(await session.next()).toMatchObject({ type: 'error', status: 401, error: { code: 'invalid_api_key' } })
    expect(await session.closed()).toMatchObject({ code: 1008 })
    expect(bodiesTo(on, 'a')).toHaveLength(1)
    expect((await others.turn(hello)).last).toMatchObject({ type: 'response.completed' })
    await others.end()
  })

  test.each([['session.update'], ['response.cancel']])('ends its session at a frame of any type: %s', async (type) => {
    const on = await stage({ accounts: { a: {} } })
    const session = await on.session()
    await session.turn(hello)
    on.change({ keys: [{ name: 'other', key: otherKey, pools: [on.pool] }] })
    session.send({ type, session: { model: 'gpt-4o' } })
    expect(await session.next()).toMatchObject({ type: 'error', status: 401 })
    expect(await session.closed()).toMatchObject({ code: 1008 })
    expect(bodiesTo(on, 'a')).toHaveLength(1)
  })

  test('lets the turn end that runs', async () => {
    const on = await stage({ accounts: { a: { plays: { paceMs: 20 } } } })
    const session = await on.session()
    session.create(hello)
    await session.nextOf('response.output_text.delta')
    on.change({ keys: [{ name: 'other', key: otherKey, pools: [on.pool] }] })
    session.create({ ...hello, stream_id: 'more' })
    expect(await session.nextOf('response.completed')).toMatchObject({ response: { status: 'completed' } })
    expect(await session.closed()).toMatchObject({ code: 1008 })
    expect(await recordsOf(on, 1)).toMatchObject([{ outcome: 'completed' }])
  })

  test('whose models were narrowed, may not name the others from the next turn on', async () => {
    const on = await stage({ accounts: { a: {} } })
    const session = await on.session()
    await session.turn(hello)
    on.change({ keys: [{ name: 'laptop', key: laptopKey, pools: [on.pool], models: ['gpt-4o'] }] })
    expect((await session.turn(hello)).last).toMatchObject({ type: 'error', status: 403, error: { code: 'model_not_allowed' } })
    expect((await session.turn({ ...hello, model: 'gpt-4o' })).last).toMatchObject({ type: 'response.completed' })
    await session.end()
  })
})

// E23
describe('a gateway that shuts down', () => {
  test('lets running turns end, closes the others without a word, and takes no new ones', async () => {
    const on = await ownGateway({ accounts: { a: { plays: { paceMs: 30 } } } })
    const [busy, idle, fresh] = await Promise.all([on.session(), on.session(), on.session()])
    await idle.turn(hello)
    busy.create(hello)
    await busy.nextOf('response.output_text.delta')
    const stopped = on.gateway.drain()
    expect((await busy.answer()).last).toMatchObject({ type: 'response.completed' })
    for (const session of [busy, idle, fresh]) expect(await session.closed()).toMatchObject({ code: 1012 })
    expect([idle.left, fresh.left]).toEqual([[], []])
    await stopped
  })

  test('refuses an upgrade while it waits for the last turn', async () => {
    const on = await ownGateway({ accounts: { a: { plays: { paceMs: 60 } } } })
    const busy = await on.session()
    busy.create(hello)
    await busy.nextOf('response.output_text.delta')
    const stopped = on.gateway.drain()
    await expect(on.session()).rejects.toThrow('503')
    busy.create({ ...hello, stream_id: 'late' })
    expect(await busy.nextOf('error', 'late')).toMatchObject({ status: 503, error: { code: 'shutting_down' } })
    expect((await busy.answer()).last).toMatchObject({ type: 'response.completed' })
    expect(await busy.closed()).toMatchObject({ code: 1012 })
    await stopped
  })

  test('cuts a turn off that does not end in time, and says so', async () => {
    const on = await ownGateway({ accounts: { a: { plays: { faults: [{ fault: 'silent', events: 5 }] } } }, times: { drain: '60ms' } })
    const session = await on.session()
    session.create(hello)
    await session.nextOf('response.output_text.delta')
    const stopped = on.gateway.drain()
    expect((await session.answer()).last).toMatchObject({ type: 'error', status: 503, error: { code: 'shutting_down' } })
    expect(await session.closed()).toMatchObject({ code: 1012 })
    await stopped
  })
})
