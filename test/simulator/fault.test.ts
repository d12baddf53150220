import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { behaviourOf, readBehaviour } from '../../src/simulator/behaviour.ts'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import { faultNames } from '../../src/simulator/fault.ts'
import type { Scripted } from '../../src/simulator/script.ts'
import { ask, endOf, errorOf, eventsIn, hello, helloStream, jsonOf, nowMs, remembering, textOf, turn, typesIn, type Fields } from './support.ts'

const under = (faults: readonly FaultSpec[], body: unknown = helloStream) => turn(remembering({ behaviour: { faults } }), body)
const lifecycle = ['response.created', 'response.in_progress']
const behindFirstDelta = [...lifecycle, 'response.output_item.added', 'response.content_part.added', 'response.output_text.delta']
const terminalOf = (scripted: Scripted) => eventsIn(textOf(scripted)).at(-1)?.['response'] as Fields

describe('a fault that answers instead', () => {
  const cases: readonly (readonly [name: string, status: number, error: Fields])[] = [
    ['quota', 429, { type: 'usage_limit_reached', resets_in_seconds: 5, resets_at: nowMs / 1000 + 5 }],
    ['quota_403', 403, { type: 'forbidden_error', message: 'usage limit reached' }],
    ['rate', 429, { code: 'rate_limit_exceeded' }],
    ['credential', 401, { code: 'invalid_api_key' }],
    ['credential_bare', 401, { code: null }],
    ['token_invalidated', 401, { code: 'token_invalidated' }],
    ['forbidden', 403, { type: 'permission_error' }],
    ['overload', 503, { code: 'server_is_overloaded' }],
    ['overload_529', 529, { type: 'overloaded_error' }],
    ['server', 500, { type: 'server_error' }],
    ['model', 404, { code: 'model_not_found', param: 'model', message: 'The model `gpt-5.5` does not exist or you do not have access to it.' }],
    ['payment', 402, { type: 'billing_error', code: null }],
    ['status', 500, { type: 'server_error' }],
  ]
  it.each(cases)('%s is %i with its error', (fault, status, error) => {
    const answer = under([{ fault }])
    expect([answer.head?.status, endOf(answer)]).toEqual([status, 'end'])
    expect(errorOf(answer)).toMatchObject(error)
  })

  it('may be any status with any body and headers', () => {
    const json = under([{ fault: 'status', status: 418, body: { error: { message: 'bad' } }, headers: { 'retry-after': '7' } }])
    expect([json.head?.status, json.head?.headers['content-type'], json.head?.headers['retry-after']]).toEqual([418, 'application/json', '7'])
    expect(textOf(json)).toBe('{"error":{"message":"bad"}}')
    expect(under([{ fault: 'status', body: '<html></html>' }]).head?.headers['content-type']).toMatch(/^text\/html/)
    expect(textOf(under([{ fault: 'status', body: '' }]))).toBe('')
  })

  it('may be a page, or a redirect', () => {
    for (const [fault, status] of [
      ['edge', 403],
      ['html-404', 404],
      ['redirect', 302],
    ] as const) {
      const answer = under([{ fault }])
      expect([answer.head?.status, answer.head?.headers['content-type']]).toEqual([status, 'text/html; charset=UTF-8'])
    }
    expect(under([{ fault: 'redirect', location: 'http://127.0.0.1:1/x' }]).head?.headers['location']).toBe('http://127.0.0.1:1/x')
  })

  it('gives its hints as told, or leaves them out', () => {
    expect(under([{ fault: 'rate', retryAfterSeconds: 2.5 }]).head?.headers).toMatchObject({ 'retry-after': '3', 'retry-after-ms': '2500' })
    expect(under([{ fault: 'rate', retryAfterSeconds: null }]).head?.headers).not.toHaveProperty('retry-after')
    expect(errorOf(under([{ fault: 'quota', resetsInSeconds: 604_800 }]))['resets_in_seconds']).toBe(604_800)
    expect(errorOf(under([{ fault: 'quota', resetsInSeconds: null }]))).not.toHaveProperty('resets_at')
  })
})

describe('a fault inside a stream', () => {
  const stops: readonly (readonly [fault: string, end: string, types: readonly string[]])[] = [
    ['silent', 'hang', ['response.created']],
    ['cut', 'cut', behindFirstDelta],
    ['end-early', 'end', behindFirstDelta],
  ]
  it.each(stops)('%s ends by %s', (fault, end, types) => {
    const answer = under([{ fault }])
    expect(typesIn(textOf(answer))).toEqual(types)
    expect([answer.head?.status, endOf(answer)]).toEqual([200, end])
  })

  it('close, which only WebSocket knows, breaks the connection', () => {
    expect(endOf(under([{ fault: 'close', closeCode: 1011 }]))).toBe('cut')
    expect(endOf(under([{ fault: 'close', closeCode: 1011 }], hello))).toBe('cut')
    expect(endOf(under([{ fault: 'server', closeCode: 1011 }]))).toBe('end')
  })

  it('stands behind as many events as told, but never behind the terminal one', () => {
    expect(typesIn(textOf(under([{ fault: 'cut', events: 0 }])))).toEqual([])
    expect(typesIn(textOf(under([{ fault: 'cut', events: 2 }])))).toEqual(lifecycle)
    expect(typesIn(textOf(under([{ fault: 'end-early', events: 999 }]))).at(-1)).toBe('response.output_item.done')
  })

  it('malformed puts one event that is no JSON among good ones', () => {
    const types = typesIn(textOf(under([{ fault: 'malformed' }])))
    expect(types.slice(0, 6)).toEqual([...behindFirstDelta, 'malformed'])
    expect(types.at(-1)).toBe('response.completed')
  })

  it('failed is a 200 that ends in response.failed, before output or behind it', () => {
    const early = under([{ fault: 'failed' }])
    expect([early.head?.status, typesIn(textOf(early))]).toEqual([200, [...lifecycle, 'response.failed']])
    expect(terminalOf(early)).toMatchObject({ status: 'failed', error: { code: 'server_is_overloaded' } })
    const late = under([{ fault: 'failed', events: 5, code: 'rate_limit_exceeded' }])
    expect(typesIn(textOf(late))).toEqual([...behindFirstDelta, 'response.failed'])
    expect(terminalOf(late)['error']).toMatchObject({ code: 'rate_limit_exceeded' })
  })

  it('error_event comes in both spellings', () => {
    const nested = eventsIn(textOf(under([{ fault: 'error_event', code: 'slow_down', status: 429 }]))).at(-1)
    expect(nested).toMatchObject({ type: 'error', status: 429, error: { code: 'slow_down' }, sequence_number: 2 })
    const flat = eventsIn(textOf(under([{ fault: 'error_event', shape: 'flat', code: 'slow_down' }]))).at(-1)
    expect(flat).toMatchObject({ type: 'error', code: 'slow_down' })
    expect(flat).not.toHaveProperty('error')
  })

  it('empty_output tells no output at the end although items were streamed', () => {
    const answer = under([{ fault: 'empty_output' }])
    expect(terminalOf(answer)).toMatchObject({ status: 'completed', output: [] })
    expect(typesIn(textOf(answer))).toContain('response.output_item.done')
  })

  it('no_usage and bad_usage spoil the usage only', () => {
    expect(terminalOf(under([{ fault: 'no_usage' }]))).toMatchObject({ status: 'completed', usage: null })
    expect(terminalOf(under([{ fault: 'bad_usage' }]))).toMatchObject({ status: 'completed', usage: { input_tokens: 'many' } })
  })

  it('giant makes one event as large as told, and the answer stays what it was', () => {
    const text = textOf(under([{ fault: 'giant', megabytes: 1 }]))
    expect(text.split('\n\n').filter((block) => block.length > 1_000_000)).toHaveLength(1)
    expect(typesIn(text)).toEqual(typesIn(textOf(under([]))))
  })

  it('unknown_event puts metadata first, or any type anywhere', () => {
    expect(typesIn(textOf(under([{ fault: 'unknown_event' }]))).slice(0, 3)).toEqual(['codex.rate_limits', 'keepalive', 'response.created'])
    const own = under([{ fault: 'unknown_event', events: 2, types: ['response.something'] }])
    expect(typesIn(textOf(own)).slice(0, 4)).toEqual([...lifecycle, 'response.something', 'response.output_item.added'])
  })

  it('several strike one answer in their order', () => {
    const answer = under([{ fault: 'unknown_event' }, { fault: 'cut', events: 3 }, { fault: 'headers', headers: { 'x-codex-turn-state': 's' } }])
    expect(typesIn(textOf(answer))).toEqual(['codex.rate_limits', 'keepalive', 'response.created'])
    expect(answer.head?.headers['x-codex-turn-state']).toBe('s')
  })
})

describe('a fault in time', () => {
  it('hang and reset never send a head', () => {
    expect([under([{ fault: 'hang' }]).head, endOf(under([{ fault: 'hang' }]))]).toEqual([null, 'hang'])
    expect([under([{ fault: 'reset' }]).head, endOf(under([{ fault: 'reset' }]))]).toEqual([null, 'reset'])
  })

  it('slow waits before the events, the head, or the output', () => {
    const waits = (scripted: Scripted) => [scripted.headAfterMs, ...scripted.steps.map((step) => (step.kind === 'send' ? step.waitMs : step.kind))]
    expect(waits(under([{ fault: 'slow', ms: 900 }]))).toEqual([0, 900, 'end'])
    expect(waits(under([{ fault: 'slow', ms: 900, before: 'head' }]))).toEqual([900, 0, 'end'])
    const lifecycleFirst = under([{ fault: 'slow', ms: 900, before: 'output' }])
    expect(waits(lifecycleFirst)).toEqual([0, 0, 900, 'end'])
    const first = lifecycleFirst.steps[0]
    expect(first?.kind === 'send' ? typesIn(first.bytes.toString()) : []).toEqual(lifecycle)
    expect(waits(under([{ fault: 'slow', ms: 900 }], hello))).toEqual([900, 0, 'end'])
  })

  it('drip gives the bytes by the chunk, all of them', () => {
    const answer = under([{ fault: 'drip', chunkBytes: 100, ms: 3 }])
    expect(textOf(answer)).toHaveLength(textOf(under([])).length)
    expect(new Set(answer.steps.slice(1, -1).map((step) => step.kind === 'send' && step.waitMs))).toEqual(new Set([3]))
  })

  it('drip never makes more than twenty thousand chunks', () => {
    const answer = under([
      { fault: 'giant', megabytes: 1 },
      { fault: 'drip', chunkBytes: 1 },
    ])
    expect(answer.steps.length).toBeLessThanOrEqual(20_001)
  })
})

describe('a fault of an answer that is not streamed', () => {
  it('tells inside a 200 that it failed', () => {
    const answer = under([{ fault: 'json_failed' }], hello)
    expect([answer.head?.status, jsonOf(answer)]).toMatchObject([200, { status: 'failed', error: { code: 'server_is_overloaded' } }])
  })

  it('stops in the middle of its body, cut or as if it were whole', () => {
    const wholeBytes = textOf(under([], hello)).length
    const cut = under([{ fault: 'cut' }], hello)
    expect(cut.head?.headers['content-length']).toBe(String(wholeBytes))
    expect(textOf(cut).length).toBeLessThan(wholeBytes)
    const early = under([{ fault: 'end-early' }], hello)
    expect([early.head?.headers['transfer-encoding'], endOf(early)]).toEqual(['chunked', 'end'])
    expect(() => jsonOf(early)).toThrow(SyntaxError)
    expect(() => jsonOf(under([{ fault: 'malformed' }], hello))).toThrow(SyntaxError)
  })

  it('may be compressed although nobody asked', () => {
    const answer = under([{ fault: 'gzip' }], hello)
    const bytes = answer.steps[0]?.kind === 'send' ? answer.steps[0].bytes : Buffer.alloc(0)
    expect(answer.head?.headers).toMatchObject({ 'content-encoding': 'gzip', 'content-length': String(bytes.length) })
    expect(JSON.parse(gunzipSync(bytes).toString())).toMatchObject({ status: 'completed' })
  })

  it('is the same for counting and compacting', () => {
    const memory = remembering({ behaviour: { faults: [{ fault: 'quota' }] } })
    expect(turn(memory, hello, 'key-a', '/v1/responses/compact').head?.status).toBe(429)
    expect(turn(memory, hello, 'key-a', '/v1/responses/input_tokens').head?.status).toBe(429)
  })

  it('stores nothing, so that a failed answer cannot be continued', () => {
    const memory = remembering({ behaviour: { faults: [{ fault: 'failed', times: 1 }] } })
    const { id } = jsonOf(turn(memory, hello))
    expect(errorOf(turn(memory, { ...hello, previous_response_id: id }))['code']).toBe('previous_response_not_found')
  })
})

describe('when a fault strikes', () => {
  const statuses = (spec: FaultSpec, turns: number, stepMs = 0) => {
    const memory = remembering({ behaviour: { faults: [spec] } })
    return Array.from({ length: turns }, (_, at) => ask(memory, 'POST', '/v1/responses', 'key-a', hello, nowMs + at * stepMs).head?.status)
  }

  it('is after the good turns it was told', () => expect(statuses({ fault: 'server', after: 2 }, 4)).toEqual([200, 200, 500, 500]))
  it('is as many times as it was told', () => expect(statuses({ fault: 'server', after: 1, times: 1 }, 4)).toEqual([200, 500, 200, 200]))
  it('is for as long as it was told', () => expect(statuses({ fault: 'server', forMs: 100 }, 4, 50)).toEqual([500, 500, 200, 200]))

  it('is as likely as it was told', () => {
    const rolls = [0.9, 0.1]
    const memory = remembering({ behaviour: { faults: [{ fault: 'server', chance: 0.5 }] }, dice: () => rolls.pop() ?? 0.9 })
    expect([turn(memory, hello).head?.status, turn(memory, hello).head?.status]).toEqual([200, 200])
    const sure = remembering({ behaviour: { faults: [{ fault: 'server', chance: 0.5 }] }, dice: () => 0.4 })
    expect(turn(sure, hello).head?.status).toBe(500)
  })

  it('is counted for each key apart', () => {
    const memory = remembering({ behaviour: { faults: [{ fault: 'server', after: 1 }] } })
    expect(['key-a', 'key-b', 'key-a'].map((key) => turn(memory, hello, key).head?.status)).toEqual([200, 200, 500])
  })

  it('is counted afresh when the key is given a new behaviour', () => {
    const memory = remembering()
    const faults = [{ fault: 'server', times: 1 }]
    memory.set('key-a', { faults })
    expect([turn(memory, hello).head?.status, turn(memory, hello).head?.status]).toEqual([500, 200])
    memory.set('key-a', { faults })
    expect(turn(memory, hello).head?.status).toBe(500)
  })

  it('is for the models it names only', () => {
    const memory = remembering({ behaviour: { faults: [{ fault: 'overload', models: ['bad-model'] }] } })
    expect([turn(memory, hello).head?.status, turn(memory, { ...hello, model: 'bad-model' }).head?.status]).toEqual([200, 503])
  })

  it('is at turns only, except where the credential is refused', () => {
    const listing = (fault: FaultSpec) => ask(remembering({ behaviour: { faults: [fault] } }), 'GET', '/v1/models').head?.status
    expect([listing({ fault: 'quota' }), listing({ fault: 'credential' }), listing({ fault: 'quota', on: 'every-request' })]).toEqual([200, 401, 429])
  })

  it('is told with the answer', () => expect(under([{ fault: 'end_early' }]).faults).toEqual(['end-early']))
})

describe('the names of faults', () => {
  it('hold every one that a configuration may name', () => {
    const configured = 'quota rate credential forbidden overload server model hang slow cut end-early malformed failed giant none'.split(' ')
    expect(faultNames).toEqual(expect.arrayContaining(configured))
  })

  it('all yield an answer, streamed or not', () => {
    for (const fault of faultNames) for (const body of [hello, helloStream]) expect(under([{ fault, megabytes: 0.01 }], body).steps.length).toBeGreaterThan(0)
  })

  it('may be spelt with either dash', () => {
    expect(behaviourOf('a', { fault: 'end_early', after: 3, resetsInSeconds: null })).toEqual({ label: 'a', faults: [{ fault: 'end-early', after: 3 }] })
    expect(behaviourOf('a', { fault: 'quota', after: 0, resetsInSeconds: 5 })).toEqual({
      label: 'a',
      faults: [{ fault: 'quota', after: 0, resetsInSeconds: 5 }],
    })
    expect(behaviourOf('a', { fault: 'none', after: 0, resetsInSeconds: null })).toEqual({ label: 'a' })
  })

  it('that nobody knows are refused, with a list of those that are known', () => {
    expect(() => behaviourOf('a', { fault: 'earthquake', after: 0, resetsInSeconds: null })).toThrow(
      /no fault is called "earthquake"; there are: none, status, quota/,
    )
  })
})

describe('a behaviour read from JSON', () => {
  it('takes faults by name or with their options, in either spelling', () => {
    const spec = readBehaviour({ label: 'main', pace_ms: 5, faults: ['quota', { fault: 'quota', resets_in_seconds: null, after: 1 }] })
    expect(spec).toEqual({ label: 'main', paceMs: 5, faults: [{ fault: 'quota' }, { fault: 'quota', resetsInSeconds: null, after: 1 }] })
  })

  const wrong: readonly (readonly [title: string, value: unknown, message: RegExp])[] = [
    ['is no object', [], /must be an object/],
    ['has a member nobody knows', { lable: 'x' }, /no member "lable"; there are: label/],
    ['has a member of a wrong type', { deltas: -1 }, /"deltas" must be a whole number/],
    ['has a word that is none of its words', { fast: 'yes' }, /"fast" must be one of off, stream, json/],
    ['has a fault nobody knows', { faults: ['earthquake'] }, /no fault is called "earthquake"/],
    ['has a fault with a member nobody knows', { faults: [{ fault: 'cut', event: 1 }] }, /a fault has no member "event"/],
  ]
  it.each(wrong)('is refused when it %s', (_, value, message) => expect(() => readBehaviour(value)).toThrow(message))
})
