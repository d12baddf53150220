import { describe, expect, test } from 'vitest'
import { inOwnWords } from '../../../src/dialect/responses/own-words.ts'

const said = (code: string | null, type: string | null = code, message = '') => inOwnWords({ code, type, message })

describe('the words of an error', () => {
  test.each([
    ['overloaded_error', 'server_error', 'server_error'],
    ['api_error', 'server_error', 'server_error'],
    ['timeout_error', 'server_error', 'server_error'],
    ['rate_limit_error', 'rate_limit_exceeded', 'rate_limit_error'],
    ['billing_error', 'insufficient_quota', 'insufficient_quota'],
    ['authentication_error', 'invalid_api_key', 'authentication_error'],
    ['permission_error', 'permission_denied', 'invalid_request_error'],
    ['not_found_error', 'model_not_found', 'invalid_request_error'],
    ['request_too_large', 'request_too_large', 'invalid_request_error'],
    ['invalid_request_error', null, 'invalid_request_error'],
  ])('that Anthropic calls %s are OpenAI’s', (theirs, code, type) => expect(said(theirs)).toEqual({ code, type }))

  test('that tell of a dialogue that is too long are those on which Codex shortens it', () => {
    const message = 'prompt is too long: 210000 tokens > 200000 maximum'
    expect(said('invalid_request_error', 'invalid_request_error', message)).toEqual({ code: 'context_length_exceeded', type: 'invalid_request_error' })
    expect(said('invalid_request_error', 'invalid_request_error', `messages.0: ${message}`)).toEqual({ code: null, type: 'invalid_request_error' })
  })

  test.each([
    ['rate_limit_exceeded', 'rate_limit_error'],
    ['invalid_value', 'invalid_request_error'],
    [null, 'invalid_request_error'],
    [null, null],
  ])('of others stay: %s, %s', (code, type) => expect(said(code, type)).toEqual({ code, type }))
})
