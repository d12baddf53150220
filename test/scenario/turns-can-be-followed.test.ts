import { afterEach, describe, expect, test } from 'vitest'
import { gatewayOfThisFile, ownGateway, question, streamed, triedBy, type Scene, type Stage } from '../support/gateway.ts'
import { leaveSpans, spans, takeSpans } from '../support/spans.ts'

const stage = gatewayOfThisFile()

const clientTrace = '0af7651916cd43dd8448eb211c80319c'
const client = { traceparent: `00-${clientTrace}-b7ad6b7169203331-01`, tracestate: 'vendor=opaque' }

/** What the upstream was told of where a question, or the handshake of its socket, belongs. */
const told = (on: Stage, account: string) =>
  on.simulator
    .received()
    .filter(({ key, kind, method }) => key === on.credential(account) && (kind === 'handshake' || (kind === 'request' && method === 'POST')))
    .map(({ headers }) => [headers['traceparent'], headers['tracestate']])

describe('W3C trace context', () => {
  test('passes to the upstream as the client sent it, on every attempt', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'quota' }] } }, b: {} } })
    await on.ask(question, { headers: client })
    for (const account of ['a', 'b']) expect(told(on, account)).toEqual([[client.traceparent, client.tracestate]])
  })

  test('passes with the handshake of a session', async () => {
    const on = await stage({ accounts: { a: {} } })
    const session = await on.session({ headers: client })
    await session.turn(question)
    expect(told(on, 'a')).toEqual([[client.traceparent, client.tracestate]])
    session.leave()
  })

  test('is made up for nobody', async () => {
    const on = await stage({ accounts: { a: {} } })
    await on.ask()
    expect(told(on, 'a')).toEqual([[undefined, undefined]])
  })
})

/** A gateway whose turns are followed. */
async function followed(scene: Scene): Promise<Stage> {
  takeSpans()
  const on = await ownGateway({ ...scene, traces: { enabled: true } })
  // The start has asked whether anybody is there.
  spans.length = 0
  return on
}

describe('spans, where the operator wants them', () => {
  afterEach(leaveSpans)

  test('a turn that fails over is one span of the client’s trace with a child for each attempt, and each upstream hears of its own', async () => {
    const on = await followed({ accounts: { a: { plays: { faults: [{ fault: 'quota' }] } }, b: {} } })
    const answer = await on.ask(streamed, { headers: client })
    const record = await on.record(answer)
    const [turn, ...attempts] = spans
    expect(turn).toMatchObject({ name: 'turn gpt-5.5', trace: clientTrace, attributes: { 'turnout.turn': record.id, 'turnout.outcome': 'completed' } })
    expect(attempts.map(({ parent, attributes }) => [parent, attributes['turnout.account'], attributes['turnout.failure']])).toEqual([
      [turn?.id, 'a', 'quota'],
      [turn?.id, 'b', undefined],
    ])
    expect(triedBy(record)).toEqual(['a', 'b'])
    expect(spans.every(({ startMs, endMs }) => endMs !== null && endMs >= startMs)).toBe(true)
    expect(['a', 'b'].map((account) => told(on, account))).toEqual(attempts.map(({ id }) => [[`00-${clientTrace}-${id}-01`, undefined]]))
  })

  test('turns of a session are spans too, and the handshake tells of the attempt that made it', async () => {
    const on = await followed({ accounts: { a: {} } })
    const session = await on.session({ headers: client })
    for (let asked = 0; asked < 2; asked++) await session.turn(question)
    expect(spans.map(({ name }) => name)).toEqual(['turn gpt-5.5', 'chat gpt-5.5', 'turn gpt-5.5', 'chat gpt-5.5'])
    expect(told(on, 'a')).toEqual([[`00-${clientTrace}-${spans[1]?.id}-01`, undefined]])
    session.leave()
  })

  test('what a rule blocks is an attempt that sent nothing', async () => {
    const on = await followed({ accounts: { a: {} }, rules: [{ tier: 'flex', action: 'block' }] })
    expect((await on.ask({ ...question, service_tier: 'flex' })).status).toBe(403)
    expect(spans.map(({ attributes, endMs }) => [attributes['turnout.outcome'], endMs !== null])).toEqual([
      ['refused', true],
      ['refused', true],
    ])
    expect(told(on, 'a')).toEqual([])
  })

  test('are not made while they are off, whoever has registered', async () => {
    takeSpans()
    const on = await stage({ accounts: { a: {} } })
    await on.ask()
    expect(spans).toEqual([])
  })

  test('that nobody takes are said to be so at the start, and turns go on', async () => {
    const on = await ownGateway({ accounts: { a: {} }, traces: { enabled: true } })
    expect(on.log.join('')).toContain('no OpenTelemetry SDK is loaded')
    expect((await on.ask(question, { headers: client })).status).toBe(200)
    expect(told(on, 'a')).toEqual([[client.traceparent, client.tracestate]])
  })
})
