import { describe, expect, test } from 'vitest'
import { eventually, type Json } from '../support/client.ts'
import { adminToken, gatewayOfThisFile, otherKey, type Stage } from '../support/gateway.ts'
import { said } from '../support/session-client.ts'
import { socketUpstream, wholeAnswer, type UpstreamEnd } from '../support/socket-upstream.ts'
import { reached, recordsOf, Talk } from '../support/talk.ts'

const stage = gatewayOfThisFile()

const codex = { headers: { originator: 'codex_exec', 'user-agent': 'codex_exec/0.169.0' } }
const asked = { model: 'gpt-5.5', store: false }
const long = 'a long story '.repeat(200)

/** Account `a` is lost between two turns; what was said before is more than is kept. */
const forgetful = (on: Stage) => {
  on.play('a', { label: 'first', faults: [{ fault: 'quota', resetsInSeconds: 3600, on: 'turns' }] })
}

// E8
describe('a dialogue that is longer than what is kept', () => {
  test.each([
    ['is answered with an id that is not found', {}, { code: 'previous_response_not_found', param: 'previous_response_id' }],
    ['is told to Codex as the end of its connection', codex, { code: 'websocket_connection_limit_reached' }],
  ])('%s, and the session goes on with all of it said by the client', async (_title, asking, error) => {
    const on = await stage({ accounts: { a: { plays: { label: 'first' } }, b: { plays: { label: 'second' } } }, bounds: { transcript: '4KiB' } })
    const talk = await Talk.begin(on, asking)
    await talk.say(`one ${long}`)
    await talk.say(`two ${long}`)
    forgetful(on)
    const lost = await talk.session.turn({ ...asked, previous_response_id: talk.last, input: [said('three')] })
    expect(lost.events).toMatchObject([{ type: 'error', status: 400, error }])
    expect(reached(on, 'b')).toEqual([])
    const whole = await talk.turn({ input: [said('one'), said('two'), said('three')] })
    expect(whole.text).toContain('second')
    expect((await talk.say('four')).text).toContain('second')
    await talk.session.end()
  })

  test('is told so when its account was found exhausted by somebody else, too', async () => {
    const on = await stage({ accounts: { a: { plays: { label: 'first' } }, b: { plays: { label: 'second' } } }, bounds: { transcript: '4KiB' } })
    const talk = await Talk.begin(on)
    await talk.say(`one ${long}`)
    await talk.say(`two ${long}`)
    forgetful(on)
    await on.ask()
    const lost = await talk.session.turn({ ...asked, previous_response_id: talk.last, input: [said('three')] })
    expect(lost.events).toMatchObject([{ type: 'error', status: 400, error: { code: 'previous_response_not_found' } }])
    expect((await talk.turn({ input: [said('one'), said('three')] })).text).toContain('second')
    await talk.session.end()
  })

  test('goes on while its account lives, since that remembers it', async () => {
    const on = await stage({ accounts: { a: { plays: { label: 'first' } } }, bounds: { transcript: '4KiB' } })
    const talk = await Talk.begin(on)
    for (let n = 0; n < 4; n++) await talk.say(`turn ${n} ${long}`)
    expect(reached(on, 'a').at(-1)?.fields?.['input']).toHaveLength(1)
    await talk.session.end()
  })

  test('of all sessions together: the one that has been idle longest is given up first', async () => {
    const on = await stage({
      accounts: { a: { plays: { label: 'first' } }, b: { plays: { label: 'second' } } },
      bounds: { transcript: '10KiB', transcripts: '10KiB' },
    })
    const idle = await Talk.begin(on)
    await idle.say(`idle ${long}`)
    const busy = await Talk.begin(on)
    await busy.say(`busy ${long}`)
    await busy.say(`more ${long}`)
    forgetful(on)
    expect((await busy.say('three')).text).toContain('second')
    const lost = await idle.session.turn({ ...asked, previous_response_id: idle.last, input: [said('two')] })
    expect(lost.last).toMatchObject({ type: 'error', error: { code: 'previous_response_not_found' } })
    expect(await on.metric('turnout_buffered_bytes{owner="transcripts"}')).toBeLessThanOrEqual(10 * 1024)
    await idle.session.end()
    await busy.session.end()
    await eventually(
      () => on.metric('turnout_buffered_bytes{owner="transcripts"}'),
      (bytes) => bytes === 0,
    )
  })
})

// E8
describe('an older answer is continued with the dialogue up to it, and not with what came after', () => {
  test('to be regenerated', async () => {
    const on = await stage({ accounts: { a: { plays: { label: 'first' } }, b: { plays: { label: 'second' } } } })
    const talk = await Talk.begin(on)
    const one = await talk.say('one')
    await talk.say('two')
    await talk.say('another two', { previous_response_id: one.id })
    forgetful(on)
    const moved = await talk.say('a third two', { previous_response_id: one.id })
    expect(moved.text).toContain('second')
    expect(reached(on, 'b')[0]?.fields?.['input']).toMatchObject([said('one'), { role: 'assistant' }, said('a third two')])
    await talk.session.end()
  })

  test('on another lane, while the first goes on', async () => {
    const on = await stage({ accounts: { a: { plays: { label: 'first' } }, b: { plays: { label: 'second' } } } })
    const talk = await Talk.begin(on)
    const one = await talk.say('one')
    const left = await talk.say('left', { previous_response_id: one.id, stream_id: 'left' })
    const right = await talk.say('right', { previous_response_id: one.id, stream_id: 'right' })
    forgetful(on)
    const [onLeft, onRight] = await Promise.all([
      talk.say('more left', { previous_response_id: left.id, stream_id: 'left' }),
      talk.say('more right', { previous_response_id: right.id, stream_id: 'right' }),
    ])
    expect([onLeft.text, onRight.text]).toEqual([expect.stringContaining('second'), expect.stringContaining('second')])
    await talk.session.end()
  })
})

// E9
describe('what one account has sealed', () => {
  const thinking = { include: ['reasoning.encrypted_content'], reasoning: { effort: 'medium' } }
  const tools = [{ type: 'function', name: 'lookup', parameters: { type: 'object', properties: {} }, strict: false }]

  test('stays behind when the session moves, with the ids of all items, and a call keeps its output', async () => {
    const on = await stage({ accounts: { a: { plays: { label: 'first' } }, b: { plays: { label: 'second' } } } })
    const talk = await Talk.begin(on)
    const called = await talk.say('call:lookup', { ...thinking, tools })
    expect(called.output.map((item) => item['type'])).toEqual(['reasoning', 'function_call'])
    await talk.giveOutput(called.output[1] ?? {}, '42', { ...thinking, tools })
    forgetful(on)
    const moved = await talk.say('and now?', { ...thinking, tools })
    expect(moved.text).toContain('second')
    const [replayed] = reached(on, 'b')
    expect(replayed?.status).toBe(200)
    expect(replayed?.body).not.toContain('"encrypted_content":')
    expect(replayed?.body).not.toMatch(/"id":/)
    expect((await recordsOf(on, 3)).at(-1)?.attempts).toHaveLength(2)
    // Its own it gets again, in a later turn.
    expect((await talk.say('and then?', { ...thinking, tools })).text).toContain('second')
    await talk.session.end()
  })

  test('goes to it again, when its connection was lost', async () => {
    const on = await stage({ accounts: { a: { plays: { label: 'first' } } } })
    const talk = await Talk.begin(on)
    await talk.say('one', thinking)
    on.simulator.closeConnections(on.credential('a'), 1001)
    await eventually(
      () => on.simulator.connections(on.credential('a')),
      (open) => open === 0,
    )
    await talk.say('two', thinking)
    expect(reached(on, 'a').at(-1)?.body).toContain('"encrypted_content":')
    await talk.session.end()
  })

  test('stays behind over HTTP as well, at the first try', async () => {
    const on = await stage({ accounts: { a: { plays: { label: 'first' } }, b: { plays: { label: 'second' } } } })
    const talk = await Talk.begin(on)
    const one = await talk.say('one', thinking)
    await talk.session.end()
    forgetful(on)
    for (const words of ['two', 'three']) {
      const answer = await on.ask({ ...asked, ...thinking, input: [said('one'), ...one.output, said(words)] })
      expect(answer).toMatchObject({ status: 200, json: { status: 'completed' } })
    }
    expect(reached(on, 'b')).toMatchObject([
      { status: 200, fields: { input: { length: 3 } } },
      { status: 200, fields: { input: { length: 3 } } },
    ])
  })
})

describe('a dialogue is of one session, and of one key', () => {
  // E10
  test('an answer of an account that lives is said again where the session has moved to', async () => {
    const on = await stage({ accounts: { a: { plays: { label: 'first' } }, b: { plays: { label: 'second' } } } })
    const talk = await Talk.begin(on)
    const one = await talk.say('one')
    on.play('a', { label: 'first', faults: [{ fault: 'quota', resetsInSeconds: 3600, on: 'turns', times: 1 }] })
    await talk.say('two')
    await talk.session.turn({ ...asked, input: [said('elsewhere')] })
    const again = await talk.say('another two', { previous_response_id: one.id })
    expect(again.text).toContain('second')
    expect(reached(on, 'b').at(-1)?.fields).not.toHaveProperty('previous_response_id')
    await talk.session.end()
  })

  // E11
  test.each([
    ['another session', {}],
    ["another key's session", { key: otherKey }],
  ])('%s does not know its answers, and is not drawn to its account', async (_title, asking) => {
    const on = await stage({
      accounts: { a: { plays: { label: 'first', faults: [{ fault: 'rate', on: 'turns', times: 1 }] } }, b: { plays: { label: 'second' } } },
    })
    const mine = await Talk.begin(on)
    expect((await mine.say('one')).text).toContain('second')
    const theirs = await Talk.begin(on, asking)
    const stolen = await theirs.session.turn({ ...asked, previous_response_id: mine.last, input: [said('what did they say?')] })
    expect(stolen.events).toMatchObject([{ type: 'error', status: 400, error: { code: 'previous_response_not_found' } }])
    await on.ask(null, { path: '/admin/api/accounts/a/reset', method: 'POST', key: adminToken })
    expect((await theirs.say('mine')).text).toContain('first')
    expect((await mine.say('two')).text).toContain('second')
    await mine.session.end()
    await theirs.session.end()
  })

  // E11
  test('the same ids, given to two sessions, stand for two dialogues', async () => {
    const hear = (frame: Json, end: UpstreamEnd): void => {
      if (end.frames.length === 1) end.say(...wholeAnswer('resp_1', { text: `well, ${JSON.stringify(frame['input'])}` }))
      else end.say({ type: 'error', status: 401, error: { code: 'token_invalidated', message: 'sign in again' } })
    }
    const a = await socketUpstream(hear)
    const on = await stage({ accounts: { a: { base_url: a.url }, b: { plays: { label: 'second' } } } })
    const [mine, theirs] = [await on.session(), await on.session({ key: otherKey })]
    for (const [session, words] of [
      [mine, 'mine'],
      [theirs, 'theirs'],
    ] as const)
      await session.turn({ ...asked, input: [said(words)] })
    for (const [session, words] of [
      [mine, 'mine'],
      [theirs, 'theirs'],
    ] as const) {
      expect((await session.turn({ ...asked, previous_response_id: 'resp_1', input: [said('go on')] })).text).toContain('second')
      expect(reached(on, 'b').at(-1)?.dialogue).toMatchObject([said(words), { role: 'assistant' }, said('go on')])
      await session.end()
    }
  })
})
