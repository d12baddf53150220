import { describe, expect, test } from 'vitest'
import { eventually, type Json } from '../support/client.ts'
import { gatewayOfThisFile } from '../support/gateway.ts'
import { said, type SessionClient } from '../support/session-client.ts'
import { bodiesTo, reached, recordsOf, Talk } from '../support/talk.ts'

const stage = gatewayOfThisFile()

const hello = { model: 'gpt-5.5', store: false }
const lane = (name: number | string): Json => ({ ...hello, stream_id: `lane-${name}`, input: [said(`in ${name}`)] })
const begun = (session: SessionClient, streamId?: string) => session.nextOf('response.output_text.delta', streamId)

describe('turns of one lane', () => {
  // E19
  test('come one after the other, in the order in which they were asked', async () => {
    const on = await stage({ accounts: { a: { plays: { paceMs: 5 } } } })
    const session = await on.session()
    for (let n = 1; n <= 4; n++) session.create({ ...hello, input: [said(`number ${n}`)] })
    for (let n = 1; n <= 4; n++) {
      const { types, text } = await session.answer()
      expect([types[0], types.at(-1), text]).toEqual(['response.created', 'response.completed', expect.stringContaining(`number ${n}`)])
    }
    expect(on.simulator.inFlightMax(on.credential('a'))).toBe(1)
    await recordsOf(on, 4)
    await session.end()
  })

  // E19
  test('may wait, up to 16 of them: the next is told so, and the others are answered', async () => {
    const on = await stage({ accounts: { a: { plays: { label: 'x', faults: [{ fault: 'slow', ms: 150, before: 'output', times: 1 }] } } } })
    const session = await on.session()
    for (let n = 0; n < 18; n++) session.create({ ...hello, input: [said(`number ${n}`)] })
    expect(await session.nextOf('error')).toMatchObject({ status: 429, error: { code: 'queue_full' } })
    const answers: string[] = []
    for (let n = 0; n < 17; n++) answers.push((await session.answer()).text.replace(/\D+/g, ''))
    expect(answers).toEqual(Array.from({ length: 17 }, (_, n) => String(n)))
    expect(session.left).toEqual([])
    await session.end()
  })

  test('that wait when their client leaves, are never asked', async () => {
    const on = await stage({ accounts: { a: { plays: { paceMs: 20 } } } })
    const session = await on.session()
    for (let n = 0; n < 5; n++) session.create({ ...hello, input: [said(`number ${n}`)] })
    await begun(session)
    session.leave()
    await recordsOf(on, 1)
    expect(bodiesTo(on, 'a')).toHaveLength(1)
  })
})

describe('lanes with names', () => {
  test.each([['on'], ['off']])('are answered at the same time, each event under its own name, each dialogue apart (websocket: %s)', async (websocket) => {
    const on = await stage({ accounts: { a: { plays: { paceMs: 10 }, websocket } } })
    const talk = await Talk.begin(on)
    const names = ['one', 'two', 'three', 'default']
    const ask = async (name: string, words: string, more: Json): Promise<string> => {
      const lane = name === 'default' ? {} : { stream_id: name }
      const fields = { ...hello, ...lane, input: [said(`${words} in ${name}`)], ...more }
      const turn = await talk.session.turn(fields)
      expect(turn.last).toMatchObject({ type: 'response.completed', ...lane })
      expect(turn.text).toContain(`${words} in ${name}`)
      talk.note(fields, turn)
      return turn.id
    }
    const first = await Promise.all(names.map((name) => ask(name, 'hello', {})))
    await Promise.all(names.map((name, at) => ask(name, 'again', { previous_response_id: first[at] })))
    expect(on.simulator.inFlightMax(on.credential('a'))).toBe(4)
    expect(talk.session.left).toEqual([])
    await recordsOf(on, 8)
    await talk.session.end()
  })

  test('run 16 turns at a time, and the others as soon as one has ended', async () => {
    const on = await stage({ accounts: { a: { plays: { paceMs: 10 }, concurrency: 64 } } })
    const session = await on.session()
    for (let n = 0; n < 24; n++) session.create(lane(n))
    for (let n = 0; n < 24; n++) expect((await session.answer(`lane-${n}`)).last).toMatchObject({ type: 'response.completed' })
    expect(on.simulator.inFlightMax(on.credential('a'))).toBe(16)
    await session.end()
  })

  test('are 32 in the life of a session; one more is told so, and the others go on', async () => {
    const on = await stage({ accounts: { a: {} } })
    const session = await on.session()
    for (let n = 0; n < 32; n++) expect((await session.turn(lane(n))).last).toMatchObject({ type: 'response.completed' })
    expect((await session.turn(lane(32))).last).toMatchObject({
      type: 'error',
      status: 400,
      error: { code: 'websocket_stream_limit_reached', param: 'stream_id' },
    })
    expect((await session.turn(lane(31))).last).toMatchObject({ type: 'response.completed' })
    expect((await session.turn({ ...hello, input: 'hello' })).last).toMatchObject({ type: 'response.completed' })
    await session.end()
  })

  test.each([[''], ['with space'], [7], ['x'.repeat(257)]])('cannot be called %j', async (streamId) => {
    const on = await stage({ accounts: { a: {} } })
    const session = await on.session()
    session.create({ ...hello, input: 'hello', stream_id: streamId })
    expect(await session.next()).toMatchObject({ type: 'error', status: 400, error: { code: 'invalid_stream_id', param: 'stream_id' } })
    expect((await session.turn({ ...hello, input: 'hello' })).last).toMatchObject({ type: 'response.completed' })
    await session.end()
  })

  test('fail alone', async () => {
    const on = await stage({ accounts: { a: { plays: { paceMs: 10 } } } })
    const session = await on.session()
    session.create(lane('well'))
    await begun(session, 'lane-well')
    expect((await session.turn({ ...lane('ill'), max_output_tokens: 'many' })).last).toMatchObject({ type: 'error', status: 400, stream_id: 'lane-ill' })
    expect((await session.answer('lane-well')).last).toMatchObject({ type: 'response.completed' })
    await session.end()
  })

  test('move together when their account is exhausted under them', async () => {
    const on = await stage({ accounts: { a: { plays: { label: 'first', paceMs: 5 } }, b: { plays: { label: 'second', paceMs: 5 } } } })
    const talk = await Talk.begin(on)
    const names = ['x', 'y', 'z']
    const ids: string[] = []
    for (const name of names) ids.push((await talk.say(`hello ${name}`, { stream_id: name })).id)
    on.play('a', { label: 'first', faults: [{ fault: 'quota', resetsInSeconds: 3600, on: 'turns' }] })
    const moved = await Promise.all(names.map((name, at) => talk.say(`again ${name}`, { stream_id: name, previous_response_id: ids[at] })))
    for (const { text } of moved) expect(text).toContain('second')
    expect(reached(on, 'b').filter(({ status }) => status !== 200)).toEqual([])
    await eventually(
      () => on.simulator.connections(on.credential('a')),
      (open) => open === 0,
    )
    await talk.session.end()
  })
})

describe('an answer that is steered', () => {
  const steer = (id: unknown, text: string): Json => ({
    type: 'response.steer',
    previous_response_id: id,
    input: [{ type: 'message', role: 'user', content: text }],
  })
  const idOf = (event: Json): unknown => (event['response'] as Json | undefined)?.['id']

  // E18
  test('is followed by the one that its upstream begins by itself, and each is on the books', async () => {
    const on = await stage({ accounts: { a: { plays: { label: 'first', paceMs: 15, deltas: 12, steering: 'always' } }, b: { plays: { label: 'second' } } } })
    const talk = await Talk.begin(on)
    const { session } = talk
    const question = { ...hello, input: [said('tell me a long story')] }
    session.create(question)
    const created = await session.nextOf('response.created')
    await begun(session)
    session.send(steer(idOf(created), 'shorter, please'))
    const waiting = { ...hello, input: [said('and then?')] }
    const cut = await session.answer()
    expect(cut.types).toContain('response.steer.accepted')
    expect(cut.last).toMatchObject({ type: 'response.incomplete', response: { id: idOf(created), incomplete_details: { reason: 'steered' } } })
    talk.note(question, cut)
    const successor = await session.answer()
    expect(successor.types[0]).toBe('response.created')
    expect(successor.text).toContain('shorter, please')
    talk.note({ previous_response_id: cut.id, input: [{ type: 'message', role: 'user', content: 'shorter, please' }] }, successor)
    on.play('a', { label: 'first', faults: [{ fault: 'quota', resetsInSeconds: 3600, on: 'turns' }] })
    expect((await talk.turn({ ...waiting, previous_response_id: successor.id })).text).toContain('second')
    const records = await recordsOf(on, 3)
    expect(records.map(({ outcome }) => outcome)).toEqual(['incomplete', 'completed', 'completed'])
    expect(records.every(({ usage }) => usage !== null)).toBe(true)
    await session.end()
  })

  test('over a bridge is told that it cannot be', async () => {
    const on = await stage({ accounts: { a: { plays: { paceMs: 10, steering: 'always' }, websocket: 'off' } } })
    const session = await on.session()
    session.create({ ...hello, input: 'hello' })
    const created = await session.nextOf('response.created')
    session.send(steer(idOf(created), 'shorter'))
    expect(await session.nextOf('response.steer.failed')).toMatchObject({
      error: { code: 'steering_not_supported' },
      steer: { previous_response_id: idOf(created), input: [{ content: 'shorter' }] },
    })
    expect((await session.answer()).last).toMatchObject({ type: 'response.completed' })
    await session.end()
  })
})
