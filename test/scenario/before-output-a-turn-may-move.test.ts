import { describe, expect, test } from 'vitest'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import type { StreamEvent } from '../support/client.ts'
import { gatewayOfThisFile, question, streamed, triedBy } from '../support/gateway.ts'

const stage = gatewayOfThisFile()
const types = (events: readonly { readonly type: string }[]): readonly string[] => events.map(({ type }) => type)
/** The ids of the answer that these events are said to belong to. */
const idsOf = (events: readonly StreamEvent[]): ReadonlySet<unknown> =>
  new Set(events.flatMap(({ data }) => (typeof data['response'] === 'object' ? [(data['response'] as { id: string }).id] : [])))

describe('the client sees one whole stream, of the account that answered, when before output the first one', () => {
  const cases: readonly (readonly [title: string, fault: FaultSpec, failure: string])[] = [
    // B13
    ['says 200 and then that it is overloaded', { fault: 'failed', code: 'server_is_overloaded' }, 'overload'],
    ['says 200 and then sends a nested error event', { fault: 'error-event', shape: 'nested', code: 'rate_limit_exceeded' }, 'rate'],
    ['says 200 and then sends a flat error event', { fault: 'error-event', shape: 'flat', code: 'insufficient_quota' }, 'quota'],
    // B15
    ['ends without a terminal event', { fault: 'end-early', events: 2 }, 'broken-stream'],
    ['cuts the connection', { fault: 'cut', events: 2 }, 'broken-stream'],
    ['resets the connection before its head', { fault: 'reset' }, 'network'],
    // B33
    ['sends metadata that nobody knows, and then fails', { fault: 'failed', events: 2 }, 'overload'],
  ]
  test.each(cases)('%s', async (title, fault, failure) => {
    const metadata = title.includes('metadata') ? [{ fault: 'unknown-event', events: 2, types: ['codex.rate_limits', 'keepalive', 'x.y'] }] : []
    const on = await stage({
      accounts: {
        a: { plays: { label: 'first', faults: [...metadata, { ...fault, events: (fault.events ?? 2) + metadata.length * 3 }] } },
        b: { plays: { label: 'second' } },
      },
    })
    const answer = await on.ask(streamed)
    expect(answer).toMatchObject({ status: 200, end: 'clean', headers: { 'x-turnout-attempts': '2' } })
    expect(types(answer.events).filter((type) => type === 'response.created')).toHaveLength(1)
    expect(idsOf(answer.events).size).toBe(1)
    expect(types(answer.events).at(-1)).toBe('response.completed')
    expect(answer.text).toContain('Hello from second')
    expect(answer.text).not.toContain('x.y')
    expect((await on.record(answer)).attempts).toMatchObject([
      { account: 'a', outcome: 'failed', failure },
      { account: 'b', outcome: 'completed', failure: null },
    ])
  })

  // B32
  test('answers 200 in JSON whose status is "failed"', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'json-failed' }] } }, b: {} } })
    const answer = await on.ask()
    expect(answer).toMatchObject({ status: 200, json: { status: 'completed' } })
    expect((await on.record(answer)).attempts).toMatchObject([{ account: 'a', failure: 'overload' }, { account: 'b' }])
  })

  test('says nothing in time', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'hang' }] } }, b: {} }, times: { first_event: '60ms' } })
    const answer = await on.ask(streamed)
    expect(types(answer.events).at(-1)).toBe('response.completed')
    expect((await on.record(answer)).attempts).toMatchObject([{ account: 'a', failure: 'silent' }, { account: 'b' }])
  })

  test('falls silent after its lifecycle events', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'silent', events: 2 }] } }, b: {} }, times: { between_events: '60ms' } })
    const answer = await on.ask(streamed)
    expect(types(answer.events).at(-1)).toBe('response.completed')
    expect((await on.record(answer)).attempts).toMatchObject([{ account: 'a', failure: 'silent' }, { account: 'b' }])
  })
})

describe('after output nothing is tried again', () => {
  const cases: readonly (readonly [title: string, fault: FaultSpec])[] = [
    // B14
    ['a connection that is cut', { fault: 'cut' }],
    ['a stream that ends without a terminal event', { fault: 'end-early' }],
    ['a stream that falls silent', { fault: 'silent', events: 5 }],
  ]
  test.each(cases)("%s becomes the dialect's error, and the connection is cut", async (_title, fault) => {
    const on = await stage({ accounts: { a: { plays: { faults: [fault] } }, b: {} }, times: { between_events: '60ms' } })
    const answer = await on.ask(streamed)
    expect(answer).toMatchObject({ status: 200, end: 'cut' })
    expect(types(answer.events)).toContain('response.output_text.delta')
    expect(answer.events.at(-1)).toMatchObject({ type: 'response.failed', data: { response: { status: 'failed', error: { code: 'upstream_unreachable' } } } })
    expect(idsOf(answer.events).size).toBe(1)
    expect(on.sent('b')).toEqual([])
    expect(await on.onTheBooks(answer)).toMatchObject({
      status: 'settled',
      outcome: 'failed',
      usage: null,
      attempts: [{ account: 'a', failure: 'broken-stream' }],
    })
  })

  test("the upstream's own failure goes to the client, and ends the stream", async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'failed', events: 6 }] } }, b: {} } })
    const answer = await on.ask(streamed)
    expect(answer.end).toBe('clean')
    expect(answer.events.at(-1)).toMatchObject({ type: 'response.failed', data: { response: { error: { code: 'server_is_overloaded' } } } })
    expect(on.sent('b')).toEqual([])
  })

  // B33
  test('an event of a response that nobody knows is output', async () => {
    const on = await stage({
      accounts: {
        a: {
          plays: {
            faults: [
              { fault: 'unknown-event', events: 1, types: ['response.new_thing.delta'] },
              { fault: 'failed', events: 3 },
            ],
          },
        },
        b: {},
      },
    })
    const answer = await on.ask(streamed)
    expect(types(answer.events)).toContain('response.new_thing.delta')
    expect(answer.events.at(-1)?.type).toBe('response.failed')
    expect(triedBy(await on.record(answer))).toEqual(['a'])
  })

  test('a giant event passes whole', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'giant', megabytes: 4 }] } } } })
    const answer = await on.ask({ ...question, stream: true })
    expect(answer.end).toBe('clean')
    expect(answer.text.length).toBeGreaterThan(4 * 1024 * 1024)
    expect(answer.events.at(-1)?.type).toBe('response.completed')
  })
})
