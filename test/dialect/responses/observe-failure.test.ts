import { describe, expect, test } from 'vitest'
import { classify } from '../../../src/core/failure-table.ts'
import type { ClientModel } from '../../../src/core/ids.ts'
import type { Seen } from '../../../src/dialect/dialect.ts'
import { ResponsesObserver } from '../../../src/dialect/responses/observe.ts'
import { errorObject, now } from '../../support/signals.ts'

const observer = () => new ResponsesObserver({ restore: 'alias' as ClientModel, framing: 'sse', client: 'sse' })
const see = (text: string, watching = observer()): Extract<Seen, { kind: 'failed' }> => {
  const bytes = Buffer.from(text)
  const seen = watching.see(bytes, 0, bytes.length)
  if (seen.kind !== 'failed') throw new Error(`seen as ${seen.kind}`)
  return seen
}
const event = (value: object, name: string | null = null) => `${name === null ? '' : `event: ${name}\n`}data: ${JSON.stringify(value)}\n\n`
const kindOf = (seen: Extract<Seen, { kind: 'failed' }>) => classify(seen.signal, now).kind

describe('response.failed', () => {
  const failed = (more: object) =>
    event({ type: 'response.failed', response: { id: 'resp_1', model: 'gpt-5.5', status: 'failed', ...more } }, 'response.failed')

  // B13 E18
  test('is a signal and an end, usage included', () => {
    const seen = see(failed({ error: { code: 'server_is_overloaded', message: 'busy' }, usage: { input_tokens: 5, output_tokens: 0 } }))
    expect(seen.signal).toEqual({ kind: 'told', status: null, headers: {}, error: errorObject({ code: 'server_is_overloaded', message: 'busy' }) })
    expect(seen.end).toMatchObject({ status: 'failed', response: 'resp_1', code: 'server_is_overloaded', usage: { inputTokens: 5 } })
    expect(kindOf(seen)).toBe('overload')
  })

  // A11
  test('carries the client’s name of the model', () => expect(see(failed({ error: null })).bytes.toString()).toContain('"model":"alias"'))

  test.each([
    ['without an error', failed({})],
    ['with an error that is null', failed({ error: null })],
    ['with an error that is a word', failed({ error: 'oh' })],
    ['without a response', event({ type: 'response.failed' })],
    ['that is no JSON', 'event: response.failed\ndata: {"type":"response.failed"\n\n'],
  ])('%s is the upstream’s failure', (_title, text) => {
    const seen = see(text)
    expect(seen).toMatchObject({ signal: { kind: 'told', error: { code: null } }, end: { status: 'failed', code: null } })
    expect(kindOf(seen)).toBe('server')
  })
})

describe('an error event', () => {
  const nested = { type: 'usage_limit_reached', code: null, message: 'spent', param: null, resets_at: 1_795_003_600, resets_in_seconds: 60 }
  const read = errorObject({ type: 'usage_limit_reached', message: 'spent', resetsAt: 1_795_003_600, resetsInSeconds: 60 })

  test.each<[title: string, text: string]>([
    ['nested', event({ type: 'error', error: nested }, 'error')],
    ['nested, known by its data alone', event({ sequence_number: 3, type: 'error', error: nested })],
    ['nested, known by its name alone', event({ error: nested }, 'error')],
    ['nested, of no type at all', event({ error: nested })],
  ])('%s, is read', (_title, text) => {
    const seen = see(text)
    expect(seen.signal).toEqual({ kind: 'told', status: null, headers: {}, error: read })
    expect(seen.end).toMatchObject({ status: 'failed', code: 'usage_limit_reached' })
    expect(seen.bytes.toString()).toBe(text)
    expect(kindOf(seen)).toBe('quota')
  })

  test('flat, is read, and its own type is no type of error', () => {
    const seen = see(event({ type: 'error', code: 'rate_limit_exceeded', message: 'Please try again in 8s.', param: 'x', sequence_number: 2 }))
    expect(seen.signal).toMatchObject({ error: { code: 'rate_limit_exceeded', type: null, message: 'Please try again in 8s.', param: 'x' } })
    expect(classify(seen.signal, now)).toMatchObject({ kind: 'rate', resetAtMs: now + 8000 })
  })

  test.each<[title: string, more: object, status: number | null]>([
    ['is in the event', { status: 429 }, 429],
    ['may have another name', { status_code: 503 }, 503],
    ['is nothing where it is in words', { status: '429' }, null],
    ['is nothing where it is no failure', { status: 200 }, null],
    ['is nothing where it is no status', { status: 4.5 }, null],
    ['is nothing where it is beyond all', { status: 600 }, null],
    ['is nothing where there is none', {}, null],
  ])('its status %s', (_title, more, status) => {
    expect(see(event({ type: 'error', error: nested, ...more })).signal).toMatchObject({ status })
  })

  // B22
  test('its headers are read beside the error and in it', () => {
    const seen = see(
      event({
        type: 'error',
        status: 429,
        headers: { 'Retry-After': 30, odd: {} },
        error: { code: 'x', message: 'y', headers: { 'retry-after': '5', 'x-a': true } },
      }),
    )
    expect(seen.signal).toMatchObject({ headers: { 'retry-after': '30', 'x-a': 'true' } })
    expect(classify(seen.signal, now)).toMatchObject({ kind: 'rate', resetAtMs: now + 30_000 })
  })

  test('keeps the id of the answer that had begun', () => {
    const watching = observer()
    const created = Buffer.from(event({ type: 'response.created', response: { id: 'resp_1' } }))
    watching.see(created, 0, created.length)
    expect(see(event({ type: 'error', error: nested }), watching).end.response).toBe('resp_1')
  })

  test.each([
    ['empty', 'event: error\n\n'],
    ['no JSON', 'event: error\ndata: oh no\n\n'],
    ['malformed inside its strings', 'event: error\ndata: {"type":"error","error":{"message":"\\q"}}\n\n'],
    ['of an error that is a word', 'event: error\ndata: {"type":"error","error":"oh"}\n\n'],
  ])('that is %s is the upstream’s failure', (_title, text) => {
    const seen = see(text)
    expect(seen).toMatchObject({ signal: { kind: 'told', status: null, error: { code: null } } })
    expect(kindOf(seen)).toBe('server')
  })
})
