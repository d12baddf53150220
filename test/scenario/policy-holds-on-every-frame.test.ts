import { describe, expect, test } from 'vitest'
import type { Json } from '../support/client.ts'
import { eventually } from '../support/client.ts'
import { gatewayOfThisFile, type Stage } from '../support/gateway.ts'
import type { SessionClient } from '../support/session-client.ts'
import { socketUpstream, wholeAnswer, type SocketUpstream } from '../support/socket-upstream.ts'
import { bodiesTo, handshakes, reached, recordsOf } from '../support/talk.ts'

const stage = gatewayOfThisFile()

const hello = { model: 'gpt-5.5', input: 'hello' }
const create = (fields: object): string => JSON.stringify({ type: 'response.create', ...fields })
const blocking = [{ tier: 'priority', action: 'block', models: ['gpt-5.5'], otherwise: 'pass', message: 'Ask Ada first.' }]

/** An upstream that knows more frames than today's protocol has, and keeps still to all but questions. */
const lenient = (): Promise<SocketUpstream> => {
  let answers = 0
  return socketUpstream((frame, end) => {
    if (frame['type'] === 'response.create') end.say(...wholeAnswer(`resp_${++answers}`))
  })
}

async function ask(session: SessionClient, frame: string): Promise<Json> {
  session.send(frame)
  return (await session.answer()).last
}

describe('without rules', () => {
  // D1
  test('a dear tier is taken out of the frame, and nothing else changes', async () => {
    const on = await stage({ accounts: { a: {} } })
    const session = await on.session()
    session.send('{"type":"response.create", "model":"gpt-5.5","service_tier": "priority",  "input":"hello", "metadata":{"service_tier":"priority"}}')
    expect((await session.answer()).last).toMatchObject({ type: 'response.completed' })
    expect(bodiesTo(on, 'a')).toEqual(['{"type":"response.create", "model":"gpt-5.5",  "input":"hello", "metadata":{"service_tier":"priority"}}'])
    await session.end()
  })

  // D2
  test('"fast" is answered as any other question, and leaving afterwards is no trouble', async () => {
    const on = await stage({ accounts: { a: {} } })
    const session = await on.session()
    expect((await session.turn({ ...hello, service_tier: 'fast' })).last).toMatchObject({ type: 'response.completed', response: { status: 'completed' } })
    await session.end()
    expect(await recordsOf(on, 1)).toMatchObject([{ outcome: 'completed', transport: 'websocket', tier: { requested: 'fast', sent: null } }])
    expect(on.log.filter((line) => /"level":"(?:error|warn)"/.test(line))).toEqual([])
  })

  // C7: in a session too
  test.each([[1], [null], [{ a: 'priority' }], [['priority']], [true]])('a tier that is no text passes as it stands: %j', async (tier) => {
    const upstream = await lenient()
    const on = await stage({ accounts: { a: { base_url: upstream.url } } })
    const session = await on.session()
    const frame = create({ ...hello, service_tier: tier })
    expect(await ask(session, frame)).toMatchObject({ type: 'response.completed' })
    expect(await upstream.heard(1)).toEqual([frame])
    await session.end()
  })

  // D4
  test.each([
    ['of the type "response.cancel"', { type: 'response.cancel', service_tier: 'priority' }],
    ['without a type', { service_tier: 'priority', model: 'gpt-5.5' }],
    ['with an empty type', { type: '', service_tier: 'priority' }],
  ])('a frame %s is no question, and its tier is not judged', async (_title, frame) => {
    const upstream = await lenient()
    const on = await stage({ accounts: { a: { base_url: upstream.url } } })
    const session = await on.session()
    await session.turn(hello)
    const bytes = `{ "odd":"1e400",${JSON.stringify(frame).slice(1)}`
    session.send(bytes)
    expect((await upstream.heard(2))[1]).toBe(bytes)
    expect(await ask(session, create(hello))).toMatchObject({ type: 'response.completed' })
    await session.end()
  })
})

describe('what is blocked', () => {
  const told = { type: 'error', status: 400, error: { type: 'invalid_request_error', code: 'policy_violation', message: 'Ask Ada first.' } }

  // D3
  test('on a first frame is an error event and then a close, and no upstream is even connected', async () => {
    const on = await stage({ accounts: { a: {} }, rules: blocking })
    const ids = new Set<unknown>()
    for (let n = 0; n < 2; n++) {
      const session = await on.session()
      session.create({ ...hello, service_tier: 'fast' })
      const first = await session.next()
      expect(first).toMatchObject(told)
      expect(first['event_id']).toMatch(/^evt_[0-9a-f]{32}$/)
      ids.add(first['event_id'])
      expect(await session.closed()).toEqual({ code: 1008, reason: 'Ask Ada first.' })
      expect(session.frames).toHaveLength(1)
    }
    expect(ids.size).toBe(2)
    expect([reached(on, 'a'), handshakes(on, 'a')]).toEqual([[], []])
    expect(await recordsOf(on, 2)).toMatchObject([{ outcome: 'refused', code: 'policy_violation' }, { outcome: 'refused' }])
  })

  // D3
  test('on a later frame ends the session the same way, and the upstream gets no frame of it', async () => {
    const on = await stage({ accounts: { a: {} }, rules: blocking })
    const session = await on.session()
    await session.turn(hello)
    session.create({ input: 'again', service_tier: 'priority' })
    expect(await session.next()).toMatchObject(told)
    expect(await session.closed()).toMatchObject({ code: 1008 })
    expect(reached(on, 'a')).toHaveLength(1)
  })

  // D9
  test('with a long message in letters of several bytes is closed with as much of it as a reason holds', async () => {
    const message = `${'Schlüßel '.repeat(8)}${'列車'.repeat(30)}`
    const on = await stage({ accounts: { a: {} }, rules: [{ tier: 'priority', action: 'block', message }] })
    const session = await on.session()
    session.create({ ...hello, service_tier: 'priority' })
    expect(await session.next()).toMatchObject({ error: { message } })
    const { code, reason } = await session.closed()
    expect(code).toBe(1008)
    expect(message.startsWith(reason)).toBe(true)
    expect(Buffer.byteLength(reason)).toBeGreaterThan(120)
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123)
  })

  // D10
  test('may be so from one turn to the next: an open session obeys the rules of now', async () => {
    const on = await stage({ accounts: { a: {} }, rules: [] })
    const session = await on.session()
    await session.turn({ ...hello, service_tier: 'priority' })
    expect(reached(on, 'a')[0]?.fields).toMatchObject({ service_tier: 'priority' })
    on.change({ rules: [{ tier: 'priority', action: 'filter' }] })
    await session.turn({ ...hello, service_tier: 'priority' })
    expect(reached(on, 'a')[1]?.fields).not.toHaveProperty('service_tier')
    on.change({ rules: blocking })
    session.create({ ...hello, service_tier: 'priority' })
    expect(await session.next()).toMatchObject(told)
    expect(await session.closed()).toMatchObject({ code: 1008 })
    expect(reached(on, 'a')).toHaveLength(2)
  })
})

describe("the session's model", () => {
  const rules = [{ tier: 'priority', action: 'filter', models: ['gpt-5.5'], otherwise: 'pass' }]
  const update = JSON.stringify({ type: 'session.update', session: { model: 'gpt-5.5', instructions: 'be brief', service_tier: 'priority' } })
  /** The second question as its upstream hears it: on the session's model, and so without its tier. */
  const filtered = { type: 'response.create', model: 'gpt-5.5', input: 'two' }
  const begun = async (): Promise<{ on: Stage; upstream: SocketUpstream; session: SessionClient }> => {
    const upstream = await lenient()
    const on = await stage({ accounts: { a: { base_url: upstream.url } }, rules })
    return { on, upstream, session: await on.session() }
  }

  // D5
  test.each([
    ['gpt-5.5', false],
    ['gpt-4o', true],
  ])('judges a follow-up that names none: %s', async (model, passes) => {
    const { upstream, session } = await begun()
    await ask(session, create({ model, input: 'one' }))
    await ask(session, create({ input: 'two', service_tier: 'priority' }))
    const [, second = ''] = await upstream.heard(2)
    expect(second.includes('service_tier')).toBe(passes)
    await session.end()
  })

  // D6
  test('changes by a session.update, which goes upstream byte for byte', async () => {
    const { upstream, session } = await begun()
    const first = create({ model: 'gpt-4o', input: 'one', service_tier: 'priority' })
    await ask(session, first)
    session.send(update)
    await ask(session, create({ input: 'two', service_tier: 'priority' }))
    const [one, other, two = ''] = await upstream.heard(3)
    expect([one, other]).toEqual([first, update])
    expect(JSON.parse(two)).toEqual(filtered)
    await session.end()
  })

  // D7
  test.each([
    ['a session.created of the client', { type: 'session.created', session: { model: 'gpt-4o' } }],
    ['a session.update that names none', { type: 'session.update', session: { instructions: 'be brief' } }],
  ])('stays what it was after %s', async (_title, frame) => {
    const { upstream, session } = await begun()
    await ask(session, create({ model: 'gpt-5.5', input: 'one' }))
    session.send(frame)
    await ask(session, create({ input: 'two', service_tier: 'priority' }))
    const [, other, two = ''] = await upstream.heard(3)
    expect(other).toBe(JSON.stringify(frame))
    expect(JSON.parse(two)).toEqual(filtered)
    await session.end()
  })

  // D7
  test('stays what it was after a question with a session in it', async () => {
    const { upstream, session } = await begun()
    const odd = create({ model: 'gpt-5.5', input: 'one', session: { model: 'gpt-4o' } })
    await ask(session, odd)
    await ask(session, create({ input: 'two', service_tier: 'priority' }))
    const [one, two = ''] = await upstream.heard(2)
    expect(one).toBe(odd)
    expect(JSON.parse(two)).toEqual(filtered)
    await session.end()
  })

  // A12
  test.each([
    ['stands twice in it', '{"type":"session.update","session":{"model":"gpt-4o","model":"gpt-5.5"}}'],
    ['stands in it once plainly and once escaped', '{"type":"session.update","session":{"model":"gpt-4o","mod\\u0065l":"gpt-5.5"}}'],
  ])('does not change by a session.update where it %s: that is refused, and goes nowhere', async (_title, frame) => {
    const { upstream, session } = await begun()
    await ask(session, create({ model: 'gpt-5.5', input: 'one' }))
    session.send(frame)
    expect(await session.next()).toMatchObject({ type: 'error', status: 400, error: { code: 'duplicate_member', param: 'session.model' } })
    await ask(session, create({ input: 'two', service_tier: 'priority' }))
    const frames = await upstream.heard(2)
    expect(frames).toHaveLength(2)
    expect(JSON.parse(frames[1] ?? '')).toEqual(filtered)
    await session.end()
  })

  // A8: in a session too
  test.each(['model', 'service_tier', 'stream', 'previous_response_id'])('cannot be had twice: "%s" stands twice in a frame', async (member) => {
    const on = await stage({ accounts: { a: {} } })
    const session = await on.session()
    session.send(
      `{"type":"response.create","model":"gpt-5.5","input":"x","${member}":"a","${member.slice(0, -1)}\\u00${member.charCodeAt(member.length - 1).toString(16)}":"b"}`,
    )
    expect(await session.next()).toMatchObject({ type: 'error', status: 400, error: { code: 'duplicate_member', param: member } })
    expect(reached(on, 'a')).toEqual([])
    await session.turn(hello)
    await session.end()
  })
})

// D8
test('a binary frame is refused and ends the session, and nothing of it goes upstream', async () => {
  const on = await stage({ accounts: { a: {} }, rules: blocking })
  const session = await on.session()
  await session.turn(hello)
  session.send(Buffer.from(create({ ...hello, service_tier: 'priority' })))
  expect(await session.next()).toMatchObject({ type: 'error', status: 400, error: { type: 'invalid_request_error' } })
  expect(await session.closed()).toMatchObject({ code: 1003 })
  expect(reached(on, 'a')).toHaveLength(1)
})

// D11
test('each turn is billed at its own tier, whatever stands in other frames', async () => {
  const upstream = await lenient()
  const on = await stage({ accounts: { a: { base_url: upstream.url } } })
  const session = await on.session()
  await session.turn({ ...hello, service_tier: 'priority' })
  await session.turn({ input: 'two', service_tier: 'flex' })
  session.send({ type: 'response.cancel', service_tier: 'priority' })
  await session.turn({ input: 'three' })
  on.change({ rules: [{ tier: 'any', action: 'block' }] })
  session.create({ input: 'four', service_tier: 'flex' })
  await session.closed()
  const tiers = (await recordsOf(on, 4)).map(({ tier }) => [tier.requested, tier.sent, tier.billed])
  expect(tiers).toEqual([
    ['priority', null, null],
    ['flex', 'flex', 'flex'],
    [null, null, null],
    ['flex', null, null],
  ])
  await eventually(
    () => on.metric('turnout_sessions'),
    (open) => open === 0,
  )
})
