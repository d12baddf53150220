import { describe, expect, test } from 'vitest'
import { gather } from '../../../src/dialect/responses/gather.ts'

const event = (type: string, more: object = {}): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`
const gathered = (...events: readonly string[]) => gather(Buffer.from(events.join('')))
const created = event('response.created', { response: { id: 'resp_1', status: 'in_progress' } })
const item = { id: 'msg_1', type: 'message', content: [] }
const json = (bytes: Buffer | undefined): unknown => JSON.parse(bytes?.toString('utf8') ?? 'null')

describe('what a stream amounts to', () => {
  test('is the response of its terminal event, byte for byte', () => {
    const found = gathered(created, 'event: response.completed\ndata: {"type":"response.completed","response":{"id":"resp_1", "n":1e3,"output":[{}]}}\n\n')
    expect(found).toMatchObject({ kind: 'whole' })
    expect(found.kind === 'whole' && found.json.toString()).toBe('{"id":"resp_1", "n":1e3,"output":[{}]}')
  })

  test('has all items, where the terminal event has none', () => {
    const found = gathered(
      created,
      event('response.output_item.done', { output_index: 0, item }),
      event('response.completed', { response: { id: 'resp_1', output: [] } }),
    )
    expect(found.kind === 'whole' ? json(found.json) : null).toEqual({ id: 'resp_1', output: [item] })
  })

  test('is a failed answer, where it says so', () => {
    const failed = { id: 'resp_1', status: 'failed', error: { code: 'server_error', message: 'no' } }
    const found = gathered(created, event('response.failed', { response: failed }))
    expect(found.kind === 'whole' ? json(found.json) : null).toEqual(failed)
  })

  test.each([
    ['nested', { status: 429, error: { code: 'insufficient_quota', message: 'spent' } }],
    ['flat', { status: 429, code: 'insufficient_quota', message: 'spent' }],
  ])('is an error, where it ends in one: %s', (_title, more) => {
    const found = gathered(created, event('error', more))
    expect(found).toMatchObject({ kind: 'told', signal: { status: 429, error: { code: 'insufficient_quota' } } })
    expect(found.kind === 'told' ? json(found.json) : null).toMatchObject({ error: { code: 'insufficient_quota', message: 'spent' } })
  })

  test.each([
    ['nothing at all', []],
    ['no terminal event', [created]],
    ['a terminal event without a response', [event('response.completed')]],
  ] as const)('is nothing, where it has %s', (_title, events) => {
    expect(gathered(...events).kind).toBe('cut')
  })

  test('ends with the first terminal event', () => {
    const found = gathered(event('response.completed', { response: { id: 'one' } }), event('response.completed', { response: { id: 'two' } }))
    expect(found.kind === 'whole' ? json(found.json) : null).toEqual({ id: 'one' })
  })

  test('tells what it said of the account’s quota', () => {
    const limits = event('codex.rate_limits', { rate_limits: { primary: { used_percent: 42, window_minutes: 300, reset_at: 5 }, secondary: null } })
    expect(gathered(limits, created).readings).toEqual([{ minutes: 300, usedPercent: 42, resetAt: 5, resetAfterSeconds: undefined }])
  })

  test.each([
    ['no object', 5],
    ['windows that are none', { primary: 'x', secondary: { used_percent: 'many', window_minutes: 300 } }],
  ])('tells nothing of it, where it is %s', (_title, limits) => {
    expect(gathered(event('codex.rate_limits', { rate_limits: limits })).readings).toEqual([])
  })

  test('tells the latest of it, and not without bound', () => {
    const limits = (used: number) => event('codex.rate_limits', { rate_limits: { primary: { used_percent: used, window_minutes: 300 } } })
    const { readings } = gathered(...Array.from({ length: 40 }, (_, nth) => limits(nth)))
    expect(readings).toHaveLength(16)
    expect(readings.at(-1)?.usedPercent).toBe(39)
  })
})
