import { describe, expect, test } from 'vitest'
import { gatewayOfThisFile, streamed, triedBy } from '../support/gateway.ts'

const stage = gatewayOfThisFile()
const times = { hold_head: '60ms', keep_alive: '40ms' }
const codex = { 'user-agent': 'codex_cli_rs/0.150.0', originator: 'codex_cli_rs' }
const slow = (before: 'events' | 'output', ms = 400) => ({ faults: [{ fault: 'slow', before, ms }] })

// B34
describe('while there is no output', () => {
  test.each([
    ['nothing at all has come', 'events'],
    ['lifecycle events have come', 'output'],
  ] as const)('the head leaves after its time with keep-alives, and the answer follows: %s', async (_what, before) => {
    const on = await stage({ accounts: { a: { plays: slow(before) } }, times })
    const waiting = on.open(streamed)
    const { status, headers } = await waiting.head()
    await waiting.until(': keep-alive')
    expect(waiting.text).not.toContain('response.created')
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8', 'x-turnout-turn': expect.any(String) as string })
    expect(headers).not.toHaveProperty('x-turnout-attempts')
    expect(headers).not.toHaveProperty('openai-model')
    const answer = await waiting.whole()
    expect(answer).toMatchObject({ end: 'clean' })
    expect(answer.text.split(': keep-alive\n\n').length).toBeGreaterThan(4)
    expect(answer.events.map(({ type }) => type)).toEqual(expect.arrayContaining(['response.created', 'response.completed']))
  })

  test('Codex is kept alive by an event, since a comment does not reset its timer', async () => {
    const on = await stage({ accounts: { a: { plays: slow('output') } }, times })
    const answer = await on.ask(streamed, { headers: codex })
    expect(answer.events[0]).toEqual({ type: 'keepalive', data: { type: 'keepalive' } })
    expect(answer.text).not.toContain(': keep-alive')
    expect(answer.events.at(-1)?.type).toBe('response.completed')
  })

  test('failover goes on behind the head, unseen', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'hang' }] } }, b: {} }, times: { ...times, first_event: '150ms' } })
    const answer = await on.ask(streamed)
    expect(answer).toMatchObject({ status: 200, end: 'clean' })
    expect(answer.text.startsWith(': keep-alive')).toBe(true)
    expect(answer.events.filter(({ type }) => type === 'response.created')).toHaveLength(1)
    expect(triedBy(await on.record(answer))).toEqual(['a', 'b'])
  })

  test('a failure behind the head is told in-band, and the connection is cut', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'hang' }] } } }, times: { ...times, first_event: '150ms' } })
    const answer = await on.ask(streamed)
    expect(answer).toMatchObject({ status: 200, end: 'cut' })
    expect(answer.events).toEqual([
      expect.objectContaining({
        type: 'response.failed',
        data: expect.objectContaining({
          response: expect.objectContaining({ error: expect.objectContaining({ code: 'upstream_timeout' }) as object }) as object,
        }) as object,
      }),
    ])
  })

  test('a failure before it is an HTTP answer with its own status', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'hang' }] } } }, times: { ...times, hold_head: '5s', first_event: '100ms' } })
    expect(await on.ask(streamed)).toMatchObject({ status: 504, end: 'clean', json: { error: { code: 'upstream_timeout' } } })
  })

  test('an answer that is not streamed sends nothing before its end', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'slow', before: 'head', ms: 200 }] } } }, times })
    const answer = await on.ask({ ...streamed, stream: false })
    expect(answer).toMatchObject({ status: 200, headers: { 'x-turnout-attempts': '1' }, json: { status: 'completed' } })
  })
})

test('after output, too, silence is broken by keep-alives', async () => {
  const on = await stage({ accounts: { a: { plays: { deltas: 3, paceMs: 130 } } }, times })
  const answer = await on.ask(streamed)
  const [, afterOutput] = answer.text.split('response.output_text.delta', 2)
  expect(afterOutput).toBeDefined()
  expect(answer.text.slice(answer.text.indexOf('response.output_text.delta'))).toContain(': keep-alive')
  expect(answer.events.at(-1)?.type).toBe('response.completed')
})
