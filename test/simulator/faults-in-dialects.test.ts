import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import { faultNames } from '../../src/simulator/fault.ts'
import type { Scripted } from '../../src/simulator/script.ts'
import { names, say, type Asks, type Name } from './dialects.ts'
import { makeOf, sentIn } from './made.ts'
import { endOf, jsonOf, nowMs, remembering, textOf, type Fields } from './support.ts'

const under = (name: Name, faults: readonly FaultSpec[], asks: Asks = { stream: true }) => say(remembering({ behaviour: { faults } }), name, asks)
const greeting = 'Hello from key-a. You asked: hello there'
const both = (names: readonly Name[]) => names.flatMap((name) => [false, true].map((stream) => [name, stream] as const))
const eventsOf = (answer: Scripted) => sentIn(answer).map(({ event, text }) => event ?? text.slice(0, 6))

interface Refusal {
  readonly status: number
  readonly error: Fields
  readonly headers?: Fields
}

const openai: Readonly<Record<string, Refusal>> = {
  status: { status: 500, error: { type: 'server_error' } },
  quota_403: { status: 403, error: { type: 'forbidden_error', message: 'usage limit reached' } },
  rate: { status: 429, error: { code: 'rate_limit_exceeded' }, headers: { 'retry-after': '1', 'retry-after-ms': '1000' } },
  credential: { status: 401, error: { code: 'invalid_api_key' } },
  credential_bare: { status: 401, error: { code: null } },
  token_invalidated: { status: 401, error: { code: 'token_invalidated' } },
  forbidden: { status: 403, error: { type: 'permission_error' } },
  overload: { status: 503, error: { code: 'server_is_overloaded' } },
  overload_529: { status: 529, error: { type: 'overloaded_error' } },
  server: { status: 500, error: { type: 'server_error' } },
  model: { status: 404, error: { code: 'model_not_found', param: 'model' } },
  payment: { status: 402, error: { type: 'billing_error' } },
}

const refusals: Readonly<Record<Name, Readonly<Record<string, Refusal>>>> = {
  responses: { ...openai, quota: { status: 429, error: { type: 'usage_limit_reached', resets_in_seconds: 5 } } },
  chat: { ...openai, quota: { status: 429, error: { type: 'insufficient_quota', code: 'insufficient_quota', param: null }, headers: { 'retry-after': '5' } } },
  messages: {
    status: { status: 500, error: { type: 'api_error' } },
    quota: { status: 429, error: { type: 'rate_limit_error', details: { error_code: 'enforced_spend_limit_reached' } }, headers: { 'retry-after': '5' } },
    quota_403: {
      status: 400,
      error: {
        type: 'invalid_request_error',
        message: expect.stringMatching(/^You have reached your specified API usage limits\. You will regain access on 2026-11-18 at 11:07 UTC\.$/),
      },
    },
    rate: {
      status: 429,
      error: { type: 'rate_limit_error' },
      headers: {
        'retry-after': '1',
        'anthropic-ratelimit-requests-remaining': '0',
        'anthropic-ratelimit-requests-reset': new Date(nowMs + 1000).toISOString().replace('.000', ''),
      },
    },
    credential: { status: 401, error: { type: 'authentication_error', message: 'invalid x-api-key' } },
    credential_bare: { status: 401, error: { type: 'authentication_error' } },
    token_invalidated: { status: 403, error: { type: 'permission_error', message: expect.stringMatching(/^OAuth token has been revoked/) } },
    forbidden: { status: 403, error: { type: 'permission_error' } },
    overload: { status: 529, error: { type: 'overloaded_error', message: 'Overloaded' } },
    overload_529: { status: 529, error: { type: 'overloaded_error' } },
    server: { status: 500, error: { type: 'api_error' } },
    model: { status: 404, error: { type: 'not_found_error', message: 'model: gpt-5.5' } },
    payment: { status: 402, error: { type: 'billing_error' } },
  },
}

describe('a fault that answers instead', () => {
  const cases = names.flatMap((name) => Object.entries(refusals[name]).map(([fault, refusal]) => [fault, name, refusal] as const))
  it.each(cases)('%s speaks %s', (fault, name, { status, error, headers = {} }) => {
    for (const stream of [false, true]) {
      const answer = under(name, [{ fault }], { stream })
      expect([answer.head?.status, endOf(answer)]).toEqual([status, 'end'])
      expect(answer.head?.headers).toMatchObject({ 'content-type': 'application/json', ...headers })
      expect(jsonOf(answer)).toMatchObject(name === 'messages' ? { type: 'error', error, request_id: answer.head?.headers['request-id'] } : { error })
    }
  })

  it.each(names)('may have any status, message, code, headers and body on %s', (name) => {
    const own = under(name, [{ fault: 'overload', status: 503, message: 'busy', code: 'why', retryAfterSeconds: 2.5, headers: { 'x-own': '1' } }])
    expect(own.head).toMatchObject({ status: 503, headers: { 'retry-after': '3', 'x-own': '1' } })
    expect(jsonOf(own)['error']).toMatchObject({ message: 'busy', ...(name === 'messages' ? { details: { error_code: 'why' } } : { code: 'why' }) })
    expect(textOf(under(name, [{ fault: 'status', status: 418, body: { own: 1 } }]))).toBe('{"own":1}')
  })

  it.each(names)('gives no hints on %s where it is to give none', (name) => {
    for (const fault of [
      { fault: 'quota', resetsInSeconds: null },
      { fault: 'rate', retryAfterSeconds: null },
    ]) {
      const { headers = {} } = under(name, [fault]).head ?? {}
      expect(Object.keys(headers).filter((header) => /retry|reset|remaining/.test(header))).toEqual([])
    }
    expect(textOf(under(name, [{ fault: 'quota', resetsInSeconds: null }]))).not.toMatch(/reset/)
  })

  it('tells a spent window of a subscription where a quota on Messages has no code', () => {
    const answer = under('messages', [{ fault: 'quota', code: null, resetsInSeconds: 60 }])
    expect(jsonOf(answer)['error']).toEqual({ type: 'rate_limit_error', message: expect.any(String) as unknown })
    expect(answer.head).toMatchObject({
      status: 429,
      headers: {
        'anthropic-ratelimit-unified-status': 'rejected',
        'anthropic-ratelimit-unified-representative-claim': 'five_hour',
        'anthropic-ratelimit-unified-5h-reset': String(nowMs / 1000 + 60),
      },
    })
  })

  it.each(names)('may be a page that speaks no dialect, in front of %s too', (name) => {
    const pages = [
      ['edge', 403],
      ['html-404', 404],
      ['redirect', 302],
    ] as const
    for (const [fault, status] of pages)
      expect(under(name, [{ fault }]).head).toMatchObject({ status, headers: { 'content-type': 'text/html; charset=UTF-8' } })
  })
})

const lifecycle: Readonly<Record<Name, readonly string[]>> = {
  responses: ['response.created', 'response.in_progress'],
  chat: ['{"id":'],
  messages: ['message_start', 'ping'],
}

describe('a fault inside a stream', () => {
  it.each(names)('cut and end-early stand behind the first delta of %s', (name) => {
    for (const [fault, end] of [
      ['cut', 'cut'],
      ['end-early', 'end'],
    ] as const) {
      const answer = under(name, [{ fault }])
      const { text, ending, malformed } = makeOf(name, answer)
      expect([answer.head?.status, endOf(answer), ending, malformed]).toEqual([200, end, null, 0])
      expect(greeting.startsWith(text) && text !== '' && text !== greeting).toBe(true)
      expect(sentIn(answer)).toHaveLength({ responses: 5, chat: 2, messages: 4 }[name])
    }
  })

  it.each(names)('stands before the output of %s, or before its end, where it is told to', (name) => {
    for (const fault of ['cut', 'end-early', 'silent']) {
      const early = under(name, [{ fault, before: 'output' }])
      expect([eventsOf(early), makeOf(name, early).text]).toEqual([lifecycle[name], ''])
      const late = under(name, [{ fault, before: 'end' }])
      expect([makeOf(name, late).text, makeOf(name, late).ending]).toEqual([greeting, null])
      expect(textOf(late)).not.toMatch(/response\.completed|"finish_reason":"|message_delta/)
      expect(sentIn(under(name, [{ fault, before: 'events' }]))).toEqual([])
      expect(sentIn(under(name, [{ fault, events: 1, before: 'end' }]))).toHaveLength(1)
    }
  })

  it.each(names)('never takes more than the last event from %s', (name) => {
    const whole = sentIn(under(name, []))
    expect(sentIn(under(name, [{ fault: 'end-early', events: 999 }]))).toHaveLength(whole.length - 1)
  })

  it.each(names)('silent says one event of %s, and no more', (name) => {
    const answer = under(name, [{ fault: 'silent' }])
    expect([sentIn(answer).length, endOf(answer)]).toEqual([1, 'hang'])
  })

  it.each(names)('close, which only WebSocket knows, cuts %s', (name) => {
    for (const stream of [false, true]) expect(endOf(under(name, [{ fault: 'close' }], { stream }))).toBe('cut')
  })

  it.each(names)('malformed puts one event that is no JSON into %s, and the rest is as it was', (name) => {
    const plain = makeOf(name, under(name, []))
    expect(makeOf(name, under(name, [{ fault: 'malformed' }]))).toEqual({ ...plain, malformed: 1, usage: plain.usage })
  })

  it.each(names)('failed and error-event end %s with an error, before output or behind it', (name) => {
    for (const fault of ['failed', 'error-event']) {
      const early = under(name, [{ fault }])
      expect([early.head?.status, eventsOf(early).slice(0, -1), endOf(early)]).toEqual([200, lifecycle[name], 'end'])
      expect(makeOf(name, early)).toMatchObject({
        text: '',
        ending: null,
        error: name === 'messages' ? { type: 'overloaded_error' } : { code: 'server_is_overloaded' },
      })
      const late = makeOf(name, under(name, [{ fault, before: 'end' }]))
      expect([late.text, late.ending, late.error === null]).toEqual([greeting, null, false])
    }
  })

  const codes: readonly (readonly [code: string, status: number | undefined, type: string])[] = [
    ['server_is_overloaded', undefined, 'overloaded_error'],
    ['slow_down', 429, 'overloaded_error'],
    ['rate_limit_exceeded', undefined, 'rate_limit_error'],
    ['context_length_exceeded', undefined, 'invalid_request_error'],
    ['server_error', undefined, 'api_error'],
    ['nobody_knows', 429, 'rate_limit_error'],
    ['permission_error', undefined, 'permission_error'],
  ]
  it.each(codes)('tells %s with status %s on Messages as %s', (code, status, type) => {
    const answer = under('messages', [{ fault: 'failed', code, ...(status === undefined ? {} : { status }) }])
    expect(sentIn(answer).at(-1)).toMatchObject({ event: 'error', data: { type: 'error', error: { type } } })
  })

  it('empty-output changes no stream of the dialects that tell nothing twice', () => {
    for (const name of ['chat', 'messages'] as const) expect(makeOf(name, under(name, [{ fault: 'empty-output' }])).text).toBe(greeting)
  })

  it.each(both(names))('no-usage tells %s nothing of its usage (streamed: %s)', (name, stream) => {
    const made = makeOf(name, under(name, [{ fault: 'no-usage' }], { stream }))
    expect([made.text, made.ending, made.usage]).toEqual([greeting, 'done', null])
  })

  it.each(both(names))('bad-usage tells %s nonsense (streamed: %s)', (name, stream) => {
    const made = makeOf(name, under(name, [{ fault: 'bad-usage' }], { stream }))
    expect([made.text, made.usage?.input, made.usage?.output]).toEqual([greeting, 'many', -1])
  })

  it.each(names)('giant makes one event of %s as large as told, and the answer stays what it was', (name) => {
    const plain = makeOf(name, under(name, []))
    const answer = under(name, [{ fault: 'giant', megabytes: 1 }])
    expect(sentIn(answer).filter(({ text }) => text.length > 1_000_000)).toHaveLength(1)
    expect(makeOf(name, answer)).toEqual(plain)
    expect(makeOf(name, under(name, [{ fault: 'giant', megabytes: 1 }], {}))).toEqual(makeOf(name, under(name, [], {})))
  })

  it.each(names)('unknown-event puts events before %s, or anywhere, and the answer stays what it was', (name) => {
    const plain = under(name, [])
    const first = under(name, [{ fault: 'unknown-event' }])
    expect(eventsOf(first).slice(2)).toEqual(eventsOf(plain))
    expect(textOf(first)).toContain('keepalive')
    const own = under(name, [{ fault: 'unknown-event', before: 'output', types: ['something.new'] }])
    expect(sentIn(own)[lifecycle[name].length]?.text).toContain('something.new')
    for (const answer of [first, own]) expect(makeOf(name, answer)).toEqual(makeOf(name, plain))
  })
})

describe('a fault in time', () => {
  const waits = (scripted: Scripted) => [scripted.headAfterMs, ...scripted.steps.map((step) => (step.kind === 'send' ? step.waitMs : step.kind))]

  it.each(names)('hang and reset never send a head of %s', (name) => {
    for (const fault of ['hang', 'reset']) expect([under(name, [{ fault }]).head, endOf(under(name, [{ fault }]))]).toEqual([null, fault])
  })

  it.each(names)('slow waits before the head of %s, its events, its output, or its end', (name) => {
    const slow = (before: 'head' | 'events' | 'output' | 'end') => under(name, [{ fault: 'slow', ms: 900, before }])
    expect(waits(slow('head'))).toEqual([900, 0, 'end'])
    expect(waits(slow('events'))).toEqual([0, 900, 'end'])
    expect(waits(slow('output'))).toEqual([0, 0, 900, 'end'])
    expect(waits(slow('end'))).toEqual([0, 0, 900, 'end'])
    const first = slow('output').steps[0]
    expect(first?.kind === 'send' ? first.bytes.toString().split('\n\n').length - 1 : 0).toBe(lifecycle[name].length)
  })

  it.each(names)('drip gives %s by the chunk, all of it', (name) => {
    const answer = under(name, [{ fault: 'drip', chunkBytes: 100, ms: 3 }])
    expect(answer.steps.length).toBeGreaterThan(5)
    expect(makeOf(name, answer)).toEqual(makeOf(name, under(name, [])))
  })
})

describe('a fault of an answer that is not streamed', () => {
  const whole = { stream: false }

  it.each(names)('tells %s inside a 200 that it failed', (name) => {
    for (const fault of ['failed', 'json-failed', 'error-event']) {
      const answer = under(name, [{ fault }], whole)
      expect([answer.head?.status, makeOf(name, answer).error === null]).toEqual([200, false])
    }
  })

  it.each(names)('stops %s in the middle of its body, or spoils it', (name) => {
    const bytes = textOf(under(name, [], whole)).length
    const cut = under(name, [{ fault: 'cut' }], whole)
    expect([cut.head?.headers['content-length'], endOf(cut)]).toEqual([String(bytes), 'cut'])
    for (const fault of ['cut', 'end-early', 'malformed']) expect(() => jsonOf(under(name, [{ fault }], whole))).toThrow(SyntaxError)
    expect(under(name, [{ fault: 'silent' }], whole).head).toBeNull()
  })

  it.each(names)('empties the output of %s', (name) => {
    expect(makeOf(name, under(name, [{ fault: 'empty-output' }], whole))).toMatchObject({ text: '', ending: 'done' })
  })

  it.each(both(names))('compresses %s although nobody asked (streamed: %s)', (name, stream) => {
    const answer = under(name, [{ fault: 'gzip' }], { stream })
    const bytes = answer.steps[0]?.kind === 'send' ? answer.steps[0].bytes : Buffer.alloc(0)
    expect(answer.head?.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(bytes).toString()).toHaveLength(textOf(under(name, [], { stream })).length)
  })
})

describe('headers', () => {
  it.each(names)('tell what the services of %s tell of their limits, or what they are told to', (name) => {
    const usual = under(name, [{ fault: 'headers' }]).head?.headers ?? {}
    expect(Object.keys(usual).filter((header) => header.includes(name === 'messages' ? 'anthropic-ratelimit' : 'x-ratelimit')).length).toBeGreaterThan(2)
    expect(usual['set-cookie']).toHaveLength(2)
    expect(under(name, [{ fault: 'headers', headers: { 'x-own': '1' } }]).head?.headers).toMatchObject({ 'x-own': '1' })
  })

  it('name the request as the dialect does', () => {
    expect(under('chat', []).head?.headers['x-request-id']).toMatch(/^req_/)
    expect(under('messages', []).head?.headers['request-id']).toMatch(/^req_/)
    expect(under('messages', []).head?.headers).not.toHaveProperty('x-request-id')
  })
})

describe('every fault', () => {
  it.each(both(names))('yields an answer of %s (streamed: %s)', (name, stream) => {
    for (const fault of faultNames) expect(under(name, [{ fault, megabytes: 0.01 }], { stream }).steps.length).toBeGreaterThan(0)
  })

  it.each(names)('strikes turns of %s when it is to strike', (name) => {
    const memory = remembering({ behaviour: { faults: [{ fault: 'server', after: 1, times: 1 }] } })
    expect([1, 2, 3].map(() => say(memory, name).head?.status)).toEqual([200, 500, 200])
  })

  it('strikes the turns of every dialect alike', () => {
    const memory = remembering({ behaviour: { faults: [{ fault: 'server', after: 3 }] } })
    expect([...names, ...names].map((name) => say(memory, name).head?.status)).toEqual([200, 200, 200, 500, 500, 500])
  })
})
