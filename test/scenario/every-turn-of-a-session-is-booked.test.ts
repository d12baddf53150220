import { describe, expect, test } from 'vitest'
import { eventually, type Json } from '../support/client.ts'
import { gatewayOfThisFile, type Stage } from '../support/gateway.ts'
import type { SessionClient } from '../support/session-client.ts'
import { answerOf, socketUpstream, usage, wholeAnswer, type UpstreamEnd } from '../support/socket-upstream.ts'
import { recordsOf } from '../support/talk.ts'

const stage = gatewayOfThisFile()

const hello = { model: 'gpt-5.5', store: false, input: 'hello' }
const begun = (session: SessionClient) => session.nextOf('response.output_text.delta')
const idle = (on: Stage, account = 'a') =>
  eventually(
    () => on.simulator.inFlight(on.credential(account)),
    (running) => running === 0,
  )

// E16
describe.each([['on'], ['off']])('a client that leaves in the middle of a turn (websocket: %s)', (websocket) => {
  test('before output, calls it off at once', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'slow', ms: 60_000, before: 'output', times: 1 }] }, websocket }, b: {} } })
    const session = await on.session()
    session.create(hello)
    await eventually(
      () => on.simulator.inFlight(on.credential('a')),
      (running) => running === 1,
    )
    session.leave()
    await idle(on)
    expect(await recordsOf(on, 1)).toMatchObject([{ outcome: 'cancelled', usage: null, attempts: [{ account: 'a', outcome: 'cancelled', failure: null }] }])
    expect(await on.whyNot('a')).toBeNull()
  })

  test('after output, is billed once for what comes late', async () => {
    const on = await stage({ accounts: { a: { plays: { paceMs: 30 }, websocket } } })
    const session = await on.session()
    session.create(hello)
    await begun(session)
    session.leave()
    const [record] = await recordsOf(on, 1)
    expect(record).toMatchObject({ outcome: 'cancelled', attempts: [{ account: 'a', failure: null }] })
    expect(record?.usage?.outputTokens).toBeGreaterThan(0)
  })
})

// E16
test('a client that leaves after output has its upstream waited for two seconds, and no longer', async () => {
  const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'silent', events: 5, times: 1 }] } } } })
  const session = await on.session()
  session.create(hello)
  await begun(session)
  const leftAtMs = Date.now()
  session.leave()
  const [record] = await recordsOf(on, 1)
  expect(Date.now() - leftAtMs).toBeGreaterThanOrEqual(1_900)
  expect(record).toMatchObject({ outcome: 'cancelled', usage: null })
  await idle(on)
})

// E17
test.each([['bad-usage'], ['no-usage']])('an answer whose usage cannot be read goes on, and its usage is unknown: %s', async (fault) => {
  const on = await stage({ accounts: { a: { plays: { faults: [{ fault, times: 1 }] } } } })
  const session = await on.session()
  expect((await session.turn(hello)).last).toMatchObject({ type: 'response.completed' })
  expect((await session.turn(hello)).last).toMatchObject({ type: 'response.completed' })
  const [first, second] = await recordsOf(on, 2)
  expect(first).toMatchObject({ outcome: 'completed', usage: null })
  expect(second?.usage?.inputTokens).toBeGreaterThan(0)
  await session.end()
})

describe('each answer of a session', () => {
  /** An upstream that answers the nth question with these events. */
  const scripted = (...scripts: readonly ((end: UpstreamEnd) => void)[]) => {
    let asked = 0
    return socketUpstream((_frame: Json, end) => scripts[asked++]?.(end))
  }
  const open = async (url: string): Promise<{ on: Stage; session: SessionClient }> => {
    const on = await stage({ accounts: { a: { base_url: url, websocket: 'on' } }, times: { between_events: '300ms' } })
    return { on, session: await on.session() }
  }

  // E18
  test('has a record of its own, with its own usage', async () => {
    const more = { ...usage, output_tokens: 70 }
    const upstream = await scripted(
      (end) => end.say(...wholeAnswer('resp_1')),
      (end) => end.say(...wholeAnswer('resp_2', { response: { usage: more } })),
    )
    const { on, session } = await open(upstream.url)
    await session.turn(hello)
    await session.turn(hello)
    expect((await recordsOf(on, 2)).map((record) => record.usage?.outputTokens)).toEqual([7, 70])
    await session.end()
  })

  // E18
  test('that failed with a usage is billed for it', async () => {
    const { created, output } = answerOf('resp_1')
    const failed = { type: 'response.failed', response: { id: 'resp_1', status: 'failed', error: { code: 'server_error', message: 'no' }, usage } }
    const upstream = await scripted((end) => end.say(created, ...output, failed))
    const { on, session } = await open(upstream.url)
    expect((await session.turn(hello)).last).toMatchObject({ type: 'response.failed' })
    expect(await recordsOf(on, 1)).toMatchObject([{ outcome: 'failed', usage: { inputTokens: 5, outputTokens: 7 } }])
    await session.end()
  })

  // E18 E20
  test.each([
    ['at once', (end: UpstreamEnd) => end.say(...wholeAnswer('resp_1'), answerOf('resp_1').completed), (end: UpstreamEnd) => end.say(...wholeAnswer('resp_2'))],
  ])('ends once, whatever its upstream repeats: %s', async (_title, first, second) => {
    const upstream = await scripted(first, second, (end) => end.say(...wholeAnswer('resp_3')))
    const { on, session } = await open(upstream.url)
    const ids = []
    for (let n = 0; n < 3; n++) ids.push((await session.turn(hello)).id)
    expect(ids).toEqual(['resp_1', 'resp_2', 'resp_3'])
    expect(session.left).toEqual([])
    expect((await recordsOf(on, 3)).map(({ outcome }) => outcome)).toEqual(['completed', 'completed', 'completed'])
    await session.end()
  })

  // E18
  test.each([
    [
      'in the middle of the next answer',
      (end: UpstreamEnd) => {
        const { created, output, completed } = answerOf('resp_2')
        end.say(created, ...output, answerOf('resp_1').completed, completed)
      },
    ],
    ['before the next answer', (end: UpstreamEnd) => end.say(answerOf('resp_1').completed, ...wholeAnswer('resp_2'))],
  ])('ends once, though its upstream repeats the end of another %s', async (_title, second) => {
    const upstream = await scripted(
      (end) => end.say(...wholeAnswer('resp_1')),
      second,
      (end) => end.say(...wholeAnswer('resp_3')),
    )
    const { session } = await open(upstream.url)
    const ids = []
    for (let n = 0; n < 3; n++) ids.push((await session.turn(hello)).id)
    session.leave()
    expect(ids).toEqual(['resp_1', 'resp_2', 'resp_3'])
  })

  // E20
  test.each([
    ['an error event behind it', (end: UpstreamEnd) => end.say({ type: 'error', status: 500, error: { code: 'server_error', message: 'oh' } })],
    ['a close behind it', (end: UpstreamEnd) => end.ws.close(1011)],
    ['a cut behind it', (end: UpstreamEnd) => end.wire.destroy()],
    [
      'another failure behind it',
      (end: UpstreamEnd) => end.say({ type: 'response.failed', response: { id: 'resp_1', status: 'failed', error: { code: 'server_error', message: 'oh' } } }),
    ],
  ])('has one terminal event: %s', async (_title, behind) => {
    const upstream = await scripted(
      (end) => {
        end.say(...wholeAnswer('resp_1'))
        behind(end)
      },
      (end) => end.say(...wholeAnswer('resp_2')),
    )
    const { on, session } = await open(upstream.url)
    expect((await session.turn(hello)).id).toBe('resp_1')
    const second = await session.turn(hello)
    expect(second.types[0]).toBe('response.created')
    expect(second.id).toBe('resp_2')
    expect(session.left).toEqual([])
    await recordsOf(on, 2)
    await session.end()
  })

  // E20
  test('has one terminal event when its client goes, its upstream breaks and the gateway ends, all at once', async () => {
    const { created, output, completed } = answerOf('resp_1')
    const upstream = await scripted((end) => {
      end.say(created, ...output)
      end.say(completed)
      end.ws.close(1011)
    })
    const { on, session } = await open(upstream.url)
    session.create(hello)
    await begun(session)
    session.leave()
    const [record] = await recordsOf(on, 1)
    expect(record?.usage).toMatchObject({ outputTokens: 7 })
  })
})

test('what is on the books of a session says how it was asked, and of whom', async () => {
  const on = await stage({ accounts: { a: { websocket: 'on' }, b: { websocket: 'off' } } })
  const session = await on.session()
  await session.turn(hello)
  on.change({ accounts: { b: { websocket: 'off' } } })
  await session.turn(hello)
  expect(await recordsOf(on, 2)).toMatchObject([
    { transport: 'websocket', endpoint: 'responses', key: 'laptop', attempts: [{ account: 'a', transport: 'websocket' }] },
    { transport: 'websocket', attempts: [{ account: 'b', transport: 'http' }] },
  ])
  await session.end()
})
