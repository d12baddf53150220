import { describe, expect, it } from 'vitest'
import { isHeaderValue, passedHeaders, requestHeaders } from '../../src/upstream/headers.ts'
import type { Headers } from '../../src/lib/headers.ts'

/** What passes of `client`, as an object. */
function passed(client: Headers, omit: readonly string[] = []): Record<string, string> {
  const flat = requestHeaders(client, omit)
  return Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : [])))
}

describe('what an upstream sees of a client', () => {
  const passing = [
    'user-agent',
    'originator',
    'version',
    'openai-beta',
    'anthropic-version',
    'anthropic-beta',
    'x-app',
    'x-claude-code-session-id',
    'accept',
    'session-id',
    'session_id',
    'thread-id',
    'conversation_id',
    'x-client-request-id',
    'x-codex-turn-state',
    'x-codex-turn-metadata',
    'x-codex-window-id',
    'x-codex-beta-features',
    'x-openai-subagent',
    'x-session-affinity',
    'x-session-id',
    'x-stainless-retry-count',
    'x-stainless-timeout',
    'traceparent',
    'tracestate',
  ]
  for (const name of passing) it(`${name} passes`, () => expect(passed({ [name]: 'v' })[name]).toBe('v'))

  // H5
  const staying = [
    'host',
    'connection',
    'keep-alive',
    'proxy-authorization',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'content-length',
    'content-encoding',
    'content-type',
    'authorization',
    'x-api-key',
    'api-key',
    'cookie',
    'x-forwarded-for',
    'x-forwarded-host',
    'forwarded',
    'via',
    'cf-connecting-ip',
    'accept-encoding',
    'accept-language',
    'expect',
    'x-turnout-turn',
    'openai-organization',
    'openai-project',
    'chatgpt-account-id',
    'anthropic-dangerous-direct-browser-access',
    'anthropic-organization-id',
    'x-codex-routing-hint',
    'x-real-ip',
    'x-anything-else',
  ]
  for (const name of staying) it(`${name} does not pass`, () => expect(passed({ [name]: 'v' })).not.toHaveProperty(name))

  it('a header that Connection names does not pass, whatever it is', () => {
    expect(passed({ connection: 'keep-alive, X-Session-Id', 'x-session-id': 'a', 'session-id': 'b' })).toMatchObject({ 'session-id': 'b' })
    expect(passed({ connection: 'keep-alive, X-Session-Id', 'x-session-id': 'a' })).not.toHaveProperty('x-session-id')
  })

  it('a header that the turn omits does not pass this time', () => {
    expect(passed({ 'x-codex-turn-state': 'other account' }, ['x-codex-turn-state'])).not.toHaveProperty('x-codex-turn-state')
  })

  it('a client without a name is presented as the gateway, and one with a name as itself', () => {
    expect(passed({})).toEqual({ 'user-agent': 'turnout' })
    expect(passed({ 'user-agent': 'codex_exec/0.169.0' })).toEqual({ 'user-agent': 'codex_exec/0.169.0' })
  })

  describe('where its upstream must be asked for a beta', () => {
    const beta = 'oauth-2025-04-20'
    const asked = (client: Headers, omit: readonly string[] = []) => {
      const flat = requestHeaders(client, omit, beta)
      return flat.flatMap((name, at) => (at % 2 === 0 && name === 'anthropic-beta' ? [flat[at + 1]] : []))
    }
    it.each([
      ['stands alone where the client asks for none', {}, beta],
      [
        'comes behind what the client asks for',
        { 'anthropic-beta': 'effort-2025-11-24,context-1m-2025-08-07' },
        `effort-2025-11-24,context-1m-2025-08-07,${beta}`,
      ],
      ['comes behind what the client asks for in several headers', { 'anthropic-beta': ['a', 'b'] }, `a, b,${beta}`],
      ['is not said twice', { 'anthropic-beta': `a, ${beta} ,b` }, `a, ${beta} ,b`],
      ['is not what only resembles it', { 'anthropic-beta': `${beta}-v2` }, `${beta}-v2,${beta}`],
      ['stands alone where the client asks for nothing at all', { 'anthropic-beta': ' ' }, beta],
      ['is said though the client keeps its own from the next hop', { connection: 'anthropic-beta', 'anthropic-beta': 'a' }, beta],
      ['is said though what the client asks for cannot be', { 'anthropic-beta': 'a\nb' }, beta],
    ] as const)('it %s', (_what, client, said) => expect(asked(client)).toEqual([said]))
    it('it is said though the client may not ask for any', () => expect(asked({ 'anthropic-beta': 'a' }, ['anthropic-beta'])).toEqual([beta]))
  })

  it('a repeated header passes as one joined value', () => {
    expect(passed({ 'openai-beta': ['a', 'b'] })['openai-beta']).toBe('a, b')
  })

  // H7
  for (const [what, value] of [
    ['CR and LF', 'a\r\nx-evil: 1'],
    ['LF', 'a\nb'],
    ['NUL', 'a\0b'],
    ['a character outside latin-1', 'a\u{2028}b'],
  ] as const) {
    it(`a value with ${what} does not pass`, () => {
      expect(passed({ originator: value })).not.toHaveProperty('originator')
      expect(isHeaderValue(value)).toBe(false)
    })
  }
})

describe('what a client sees of an answer', () => {
  it('the content type, the model, hints for another try and Codex tokens pass', () => {
    const answer = {
      'content-type': 'text/event-stream',
      'openai-model': 'm',
      'retry-after': '1',
      'retry-after-ms': '900',
      'x-codex-turn-state': 's',
      'x-models-etag': 'e',
    }
    expect(Object.fromEntries(passedHeaders(answer))).toEqual(answer)
  })

  it("upstream's request id passes under another name", () => {
    expect(passedHeaders({ 'x-request-id': 'req_1' })).toEqual([['x-upstream-request-id', 'req_1']])
    expect(passedHeaders({ 'request-id': 'req_2' })).toEqual([['x-upstream-request-id', 'req_2']])
    expect(passedHeaders({ 'request-id': 'req_2', 'x-request-id': 'req_1' })).toEqual([['x-upstream-request-id', 'req_1']])
  })

  // H6
  const staying = [
    'set-cookie',
    'server',
    'date',
    'connection',
    'keep-alive',
    'transfer-encoding',
    'content-length',
    'content-encoding',
    'openai-organization',
    'location',
    'x-ratelimit-remaining-requests',
    'x-codex-primary-used-percent',
    'x-codex-secondary-reset-at',
    'x-codex-plan-type',
    'anthropic-organization-id',
    'anthropic-ratelimit-requests-remaining',
    'anthropic-ratelimit-unified-status',
    'cf-ray',
    'alt-svc',
    'x-anything-else',
  ]
  for (const name of staying) it(`${name} does not pass`, () => expect(passedHeaders({ [name]: 'v' })).toEqual([]))

  it('a value that would be two headers does not pass', () => {
    expect(passedHeaders({ 'openai-model': 'm\r\nset-cookie: a=b' })).toEqual([])
  })
})
