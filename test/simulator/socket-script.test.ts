import { describe, expect, it } from 'vitest'
import { readBehaviour } from '../../src/simulator/behaviour.ts'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import { faultNames, socketFaultNames } from '../../src/simulator/fault.ts'
import type { SocketStep } from '../../src/simulator/socket-script.ts'
import { create, errorIn, responseOf, Stand, typesOf } from './stand.ts'
import { remembering, type Fields } from './support.ts'

function under(faults: readonly FaultSpec[], fields: Fields = {}) {
  const stand = new Stand(remembering({ behaviour: { faults } }))
  const events = stand.ask(create(fields))
  return { stand, events, types: typesOf(events) }
}
const lifecycle = ['response.created', 'response.in_progress']
const behindFirstDelta = [...lifecycle, 'response.output_item.added', 'response.content_part.added', 'response.output_text.delta']

/** The steps of a turn that were not taken. */
function stepsUnder(faults: readonly FaultSpec[], fields: Fields = {}): readonly SocketStep[] {
  const stand = new Stand(remembering({ behaviour: { faults, paceMs: 7, deltas: 2 } }))
  stand.say(create(fields))
  const [turn] = stand.running
  const steps: SocketStep[] = []
  for (let step = turn?.step ?? null; step !== null; step = turn?.step ?? null) {
    steps.push(step)
    turn?.advance()
  }
  return steps
}

describe('a fault that answers instead', () => {
  it.each([
    ['quota', 429, { type: 'usage_limit_reached', resets_in_seconds: 5 }],
    ['quota-403', 403, { message: 'usage limit reached' }],
    ['rate', 429, { code: 'rate_limit_exceeded' }],
    ['credential', 401, { code: 'invalid_api_key' }],
    ['token-invalidated', 401, { code: 'token_invalidated' }],
    ['overload', 503, { code: 'server_is_overloaded' }],
    ['payment', 402, { type: 'billing_error' }],
    ['model', 404, { code: 'model_not_found' }],
    ['edge', 403, { message: expect.stringContaining('<html>') as unknown, code: null }],
  ])('%s is an error event of status %i, and the connection stays', (fault, status, error) => {
    const { stand, events } = under([{ fault }])
    expect(events).toHaveLength(1)
    expect(errorIn(events[0])).toMatchObject({ status, ...error })
    expect(stand.close).toBeNull()
    expect(stand.received()[0]).toMatchObject({ status, faults: [fault], dialogue: null })
  })

  it('tells its headers at the top and in the error', () => {
    const { events } = under([{ fault: 'rate', retryAfterSeconds: 30, headers: { 'x-other': ['a', 'b'] } }])
    const headers = { 'retry-after': '30', 'retry-after-ms': '30000', 'x-other': 'a, b' }
    expect(events[0]).toMatchObject({ headers, error: { headers } })
    expect(events[0]?.['headers']).not.toHaveProperty('content-type')
    expect(under([{ fault: 'server' }]).events[0]).not.toHaveProperty('headers')
  })

  it('tells its status at the top, by another name, or not at all', () => {
    const top = (statusAs: FaultSpec['statusAs'] & string) => under([{ fault: 'rate', statusAs }]).events[0]
    expect(top('status')).toMatchObject({ status: 429 })
    expect(top('status_code')).toMatchObject({ status_code: 429 })
    expect([Object.keys(top('status_code') ?? {}).includes('status'), Object.keys(top('none') ?? {}).some((name) => name.startsWith('status'))]).toEqual([
      false,
      false,
    ])
  })

  it('may have any body, and a close behind it', () => {
    const { stand, events } = under([{ fault: 'status', status: 418, body: { error: { message: 'tea' }, extra: 1 }, closeCode: 1008, reason: 'policy' }])
    expect(events).toEqual([{ type: 'error', status: 418, error: { message: 'tea' }, extra: 1 }])
    expect(stand.close).toEqual({ code: 1008, reason: 'policy' })
  })

  it('may break the connection behind it', () => {
    expect(under([{ fault: 'server', closeCode: 1006 }]).stand.close).toBe('cut')
  })
})

describe('a fault among the events', () => {
  it('cut breaks the connection behind so many of them', () => {
    const { stand, types } = under([{ fault: 'cut' }])
    expect([types, stand.close]).toEqual([behindFirstDelta, 'cut'])
    expect(under([{ fault: 'cut', events: 0 }]).types).toEqual([])
  })

  it.each([1000, 1001, 1005, 1008, 1009, 1011, 1012, 1013])('close ends it with %i, before any event or behind some', (closeCode) => {
    const before = under([{ fault: 'close', closeCode, reason: 'so' }])
    expect([before.types, before.stand.close]).toEqual([[], { code: closeCode, reason: 'so' }])
    const behind = under([{ fault: 'close', closeCode, events: 3 }])
    expect([behind.types.length, behind.stand.close]).toEqual([3, { code: closeCode, reason: '' }])
  })

  it('close with 1006 breaks it', () => {
    expect(under([{ fault: 'close', closeCode: 1006 }]).stand.close).toBe('cut')
  })

  it('end-early is a close 1000 without a terminal event', () => {
    const { stand, types } = under([{ fault: 'end-early' }])
    expect([types.at(-1), stand.close]).toEqual(['response.output_text.delta', { code: 1000, reason: '' }])
  })

  it('silent and hang say no more, and the connection stays', () => {
    for (const [fault, said] of [
      ['silent', ['response.created']],
      ['hang', []],
    ] as const) {
      const { stand, types } = under([{ fault }])
      expect([types, stand.close, stand.running.length]).toEqual([said, null, 1])
    }
    expect(under([{ fault: 'hang' }]).stand.received()[0]?.status).toBeNull()
  })

  it('reset breaks it before any event', () => {
    expect(under([{ fault: 'reset' }]).stand.close).toBe('reset')
  })

  it('failed ends in response.failed, and may have a close behind it', () => {
    const { stand, events, types } = under([{ fault: 'failed', code: 'rate_limit_exceeded', closeCode: 1011 }])
    expect(types).toEqual([...lifecycle, 'response.failed'])
    expect([responseOf(events.at(-1))['error'], stand.close]).toMatchObject([{ code: 'rate_limit_exceeded' }, { code: 1011 }])
  })

  it('error-event always has a status unless it is asked not to, and may have headers and a close', () => {
    const { stand, events } = under([{ fault: 'error-event', code: 'slow_down', headers: { 'retry-after': '3' }, closeCode: 1013 }])
    expect(events.at(-1)).toMatchObject({ type: 'error', status: 500, headers: { 'retry-after': '3' }, error: { code: 'slow_down' } })
    expect(stand.close).toMatchObject({ code: 1013 })
    expect(under([{ fault: 'error-event', shape: 'flat', status: 429 }]).events.at(-1)).toMatchObject({
      type: 'error',
      status: 429,
      code: 'server_is_overloaded',
    })
    expect(under([{ fault: 'error-event', status: 429, statusAs: 'none' }]).events.at(-1)).not.toHaveProperty('status')
  })

  it('slow waits before the first event, or before the output', () => {
    const waits = (before: 'head' | 'events' | 'output') => stepsUnder([{ fault: 'slow', ms: 100, before }]).map((step) => ('waitMs' in step ? step.waitMs : 0))
    expect(waits('head').slice(0, 5)).toEqual([100, 0, 0, 0, 7])
    expect(waits('events').slice(0, 5)).toEqual([100, 0, 0, 0, 7])
    expect(waits('output').slice(0, 5)).toEqual([0, 0, 100, 0, 7])
  })

  it('drip says each event in pieces, with a wait between two events', () => {
    const steps = stepsUnder([{ fault: 'drip', chunkBytes: 50, ms: 3 }])
    expect(steps.slice(0, 5).map((step) => (step.kind === 'say' ? [step.waitMs, step.fragmentBytes] : null))).toEqual([
      [0, 50],
      [3, 50],
      [3, 50],
      [3, 50],
      [10, 50],
    ])
  })

  it('malformed, giant, unknown-event, empty-output and no-usage do to the events what they do over HTTP', () => {
    expect(under([{ fault: 'malformed' }]).types.slice(0, 6)).toEqual([...behindFirstDelta, 'malformed'])
    expect(
      under([{ fault: 'giant', megabytes: 1 }], { stream_id: 'l' })
        .events.map((event) => JSON.stringify(event).length > 1_000_000)
        .filter(Boolean),
    ).toHaveLength(1)
    expect(under([{ fault: 'giant', megabytes: 1 }], { stream_id: 'l' }).events.every((event) => event['stream_id'] === 'l')).toBe(true)
    expect(under([{ fault: 'unknown-event' }]).types.slice(0, 3)).toEqual(['codex.rate_limits', 'keepalive', 'response.created'])
    expect(responseOf(under([{ fault: 'empty-output' }]).events.at(-1))).toMatchObject({ status: 'completed', output: [] })
    expect(responseOf(under([{ fault: 'no-usage' }]).events.at(-1))).toMatchObject({ status: 'completed', usage: null })
  })

  it('headers are told by response.metadata', () => {
    const { events, types } = under([{ fault: 'headers', headers: { 'x-codex-turn-state': 'sticky' } }])
    expect([types[0], types[1], events[0]?.['headers']]).toEqual(['response.metadata', 'response.created', { 'x-codex-turn-state': 'sticky' }])
  })

  it.each([...faultNames, ...socketFaultNames])('%s comes to an end, or leaves its turn hanging', (fault) => {
    const { stand } = under([{ fault }])
    expect(stand.close !== null || stand.running.length === 0 || stand.running[0]?.step?.kind === 'hang').toBe(true)
  })
})

describe('a fault as it is asked for', () => {
  it('strikes handshakes only where it is told to, and then no turn', () => {
    expect(under([{ fault: 'quota', at: 'handshake' }]).types.at(-1)).toBe('response.completed')
  })

  it('closes with codes that there are, and reasons that fit', () => {
    const read = (more: object) => () => readBehaviour({ faults: [{ fault: 'close', ...more }] })
    expect(read({ close_code: 999 })).toThrow('no WebSocket closes with 999')
    expect(read({ close_code: 1004 })).toThrow('1004')
    expect(read({ reason: 'é'.repeat(62) })).toThrow('123 bytes')
    expect(read({ close_code: 4999, reason: 'x'.repeat(123) })).not.toThrow()
    expect(() => readBehaviour({ faults: [{ fault: 'server', close_code: 0 }] })).toThrow('closes with 0')
  })
})
