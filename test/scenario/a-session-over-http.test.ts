import { describe, expect, test } from 'vitest'
import { eventually, type Json } from '../support/client.ts'
import { adminToken, gatewayOfThisFile, type Stage } from '../support/gateway.ts'
import { said } from '../support/session-client.ts'
import { handshakes, reached, recordsOf, Talk } from '../support/talk.ts'

const stage = gatewayOfThisFile()

const hello = { model: 'gpt-5.5', store: false, input: [said('hello')] }
const refusing = { label: 'first', websocket: 'refuse' } as const
const shown = async (on: Stage, account: string): Promise<Json | undefined> => {
  const { json } = await on.ask(null, { path: '/admin/api/accounts', key: adminToken })
  return (json['accounts'] as Json[]).find(({ name }) => name === account)
}

describe('a warm-up', () => {
  // E12
  test.each([
    ['is off', 'off'],
    ['is refused', 'auto'],
  ])('is answered here where WebSocket %s: nothing goes upstream, nothing is billed, and its id is continued', async (_title, websocket) => {
    const on = await stage({ accounts: { a: { plays: refusing, websocket } } })
    const talk = await Talk.begin(on)
    if (websocket === 'auto') await talk.session.turn(hello)
    const before = reached(on, 'a').length
    const warm = await talk.turn({ input: [{ type: 'message', role: 'developer', content: 'be brief' }], generate: false, stream: true })
    expect(warm.types).toEqual(['response.created', 'response.completed'])
    expect(warm.id).toMatch(/^resp_/)
    expect(warm.last).toMatchObject({ response: { status: 'completed', output: [], usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0 } } })
    expect(reached(on, 'a')).toHaveLength(before)
    const answer = await talk.say('hello')
    expect(answer.text).toContain('You asked: hello')
    expect(reached(on, 'a').at(-1)?.fields).toMatchObject({ input: [{ role: 'developer' }, said('hello')], stream: true })
    expect(reached(on, 'a').at(-1)?.fields).not.toHaveProperty('generate')
    expect((await recordsOf(on, before + 2)).at(-2)).toMatchObject({ outcome: 'completed', usage: { inputTokens: 0, outputTokens: 0 } })
    await talk.session.end()
  })

  // E12
  test('goes upstream where WebSocket is spoken, and is said again when its account is lost', async () => {
    const on = await stage({ accounts: { a: { plays: { label: 'first' } }, b: { plays: { label: 'second' } } } })
    const talk = await Talk.begin(on)
    await talk.turn({ input: [{ type: 'message', role: 'developer', content: 'be brief' }], generate: false })
    expect(reached(on, 'a')[0]?.fields).toMatchObject({ generate: false })
    on.play('a', { faults: [{ fault: 'quota', resetsInSeconds: 3600, on: 'turns' }] })
    expect((await talk.say('hello')).text).toContain('second')
    expect(reached(on, 'b')[0]?.fields).not.toHaveProperty('generate')
    await talk.session.end()
  })

  test('is refused like any other turn where its model or tier is', async () => {
    const on = await stage({ accounts: { a: { websocket: 'off' } }, rules: [{ tier: 'priority', action: 'block' }] })
    const session = await on.session()
    session.create({ ...hello, generate: false, service_tier: 'priority' })
    expect(await session.next()).toMatchObject({ type: 'error', error: { code: 'policy_violation' } })
    expect(await session.closed()).toMatchObject({ code: 1008 })
  })
})

describe('an upstream that speaks HTTP only', () => {
  // E13
  test('serves the same session all the same, is not asked again for an hour, and its health says so', async () => {
    const on = await stage({ accounts: { a: { plays: refusing } } })
    const talk = await Talk.begin(on)
    expect((await talk.say('one')).text).toContain('first')
    expect((await talk.say('two')).text).toContain('first')
    await talk.session.end()
    const another = await Talk.begin(on)
    await another.say('three')
    await another.session.end()
    expect(handshakes(on, 'a').map(({ status }) => status)).toEqual([426])
    expect(reached(on, 'a').map(({ transport }) => transport)).toEqual(['http', 'http', 'http'])
    const records = await recordsOf(on, 3)
    expect(records[0]?.attempts).toMatchObject([
      { transport: 'websocket', outcome: 'failed', failure: 'transport', status: 426 },
      { transport: 'http', outcome: 'completed' },
    ])
    expect(records.flatMap(({ attempts }) => attempts)).toHaveLength(4)
    expect(await on.whyNot('a')).toBeNull()
    expect(JSON.stringify(await shown(on, 'a'))).toMatch(/WebSocket/i)
  })

  // E6
  test('has the session moved to it and away from it, whole', async () => {
    const on = await stage({
      accounts: { a: { plays: { label: 'first' } }, b: { plays: { label: 'second' }, websocket: 'off' }, c: { plays: { label: 'third' } } },
    })
    const talk = await Talk.begin(on)
    const quota = { fault: 'quota', resetsInSeconds: 3600, on: 'turns' } as const
    expect((await talk.say('one')).text).toContain('first')
    on.play('a', { faults: [quota] })
    expect((await talk.say('two')).text).toContain('second')
    expect((await talk.say('three')).text).toContain('second')
    on.play('b', { faults: [quota] })
    expect((await talk.say('four')).text).toContain('third')
    expect((await talk.say('five')).text).toContain('third')
    expect(reached(on, 'c').map(({ fields }) => fields?.['input'])).toEqual([expect.objectContaining({ length: 7 }), expect.objectContaining({ length: 1 })])
    await talk.session.end()
  })

  // F7
  test('is not used by an account that is to be asked over WebSocket only', async () => {
    const on = await stage({ accounts: { a: { plays: refusing, websocket: 'on' }, b: { plays: { label: 'second' } } } })
    const session = await on.session()
    expect((await session.turn(hello)).text).toContain('second')
    expect(reached(on, 'a')).toEqual([])
    expect((await on.ask({ ...hello, stream: false })).text).toContain('first')
    await session.end()
  })

  // F7
  test('is what a session has where the operator says so, without a handshake', async () => {
    const on = await stage({ accounts: { a: { websocket: 'off' } } })
    const session = await on.session()
    await session.turn(hello)
    expect(handshakes(on, 'a')).toEqual([])
    await session.end()
  })

  test('answers nothing to a frame of another type: the client is told, and the session stays', async () => {
    const on = await stage({ accounts: { a: { websocket: 'off' } } })
    const session = await on.session()
    await session.turn(hello)
    session.send({ type: 'response.inject', input: [] })
    expect(await session.next()).toMatchObject({ type: 'error', status: 400, error: { param: 'type' } })
    session.send({ type: 'response.processed', response_id: 'resp_1' })
    session.send({ type: 'session.update', session: { model: 'gpt-4o' } })
    expect((await session.turn({ input: 'again' })).last).toMatchObject({ type: 'response.completed', response: { model: 'gpt-4o' } })
    expect(session.left).toEqual([])
    await session.end()
  })

  test('that breaks off in the middle is told in an error event, and the session stays', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'cut', times: 1 }] }, websocket: 'off' } } })
    const session = await on.session()
    expect((await session.turn(hello)).last).toMatchObject({ type: 'error', status: 502, error: { code: 'upstream_unreachable' } })
    expect((await session.turn(hello)).last).toMatchObject({ type: 'response.completed' })
    await eventually(
      () => on.simulator.inFlight(on.credential('a')),
      (running) => running === 0,
    )
    await session.end()
  })
})
