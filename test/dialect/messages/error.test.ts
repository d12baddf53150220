import { describe, expect, test } from 'vitest'
import { readError, statusOf, typeOf } from '../../../src/dialect/messages/error.ts'
import { errorObject, type SaysError } from '../../support/signals.ts'

const read = (said: unknown) => readError(Buffer.from(typeof said === 'string' ? said : JSON.stringify(said)))

describe('the error of an error body', () => {
  test.each<[title: string, said: unknown, error: SaysError | null]>([
    [
      'has its type for a code',
      { type: 'error', error: { type: 'invalid_request_error', message: 'no' }, request_id: 'req_1' },
      { type: 'invalid_request_error', code: 'invalid_request_error', message: 'no' },
    ],
    [
      'has the code of its details',
      { type: 'error', error: { type: 'rate_limit_error', message: 'no', details: { error_code: 'ramp_limit_exceeded' } } },
      { type: 'rate_limit_error', code: 'ramp_limit_exceeded', message: 'no' },
    ],
    ['has its type where the details name no code', { error: { type: 'api_error', details: { error_code: 7 } } }, { type: 'api_error', code: 'api_error' }],
    ['has its type where there are no details', { error: { type: 'api_error', details: null } }, { type: 'api_error', code: 'api_error' }],
    [
      'may be that of another dialect',
      { error: { type: 'invalid_request_error', code: 'model_not_found', param: 'model', message: 'no', resets_at: 5 } },
      { type: 'invalid_request_error', code: 'model_not_found', param: 'model', message: 'no', resetsAt: 5 },
    ],
    ['may be text', { error: 'no' }, { message: 'no' }],
    ['may be a detail', { detail: 'no' }, { message: 'no' }],
    ['may be flat, and then has no type', { type: 'error', message: 'no' }, { message: 'no' }],
    ['may say nothing', {}, {}],
    ['is none where the body is a list', [], null],
    ['is none where it is no JSON', '<html>', null],
    ['is none where there is nothing', '', null],
  ])('%s', (_title, said, error) => expect(read(said)).toEqual(error === null ? null : errorObject(error)))
})

describe('a status and a type', () => {
  // protocols.md 5.4
  test.each([
    [400, 'invalid_request_error'],
    [401, 'authentication_error'],
    [402, 'billing_error'],
    [403, 'permission_error'],
    [404, 'not_found_error'],
    [409, 'conflict_error'],
    [413, 'request_too_large'],
    [429, 'rate_limit_error'],
    [500, 'api_error'],
    [504, 'timeout_error'],
    [529, 'overloaded_error'],
  ])('%i is %s, and the other way', (status, type) => {
    expect(typeOf(status)).toBe(type)
    expect(statusOf({ type, code: 'whatever' })).toBe(status)
    expect(statusOf({ type: null, code: type })).toBe(status)
  })

  test.each([
    [405, 'invalid_request_error'],
    [408, 'invalid_request_error'],
    [415, 'invalid_request_error'],
    [502, 'api_error'],
    [503, 'api_error'],
  ])('%i is told as %s', (status, type) => expect(typeOf(status)).toBe(type))

  test.each([
    ['server_is_overloaded', 529],
    ['slow_down', 529],
    ['rate_limit_exceeded', 429],
    ['usage_limit_reached', 429],
    ['invalid_api_key', 401],
    ['context_length_exceeded', 400],
    ['constructor', 500],
    ['never_heard_of', 500],
  ])('%s of another dialect is %i', (code, status) => expect(statusOf({ type: null, code })).toBe(status))

  test('of nothing is the server’s fault', () => expect(statusOf({ type: null, code: null })).toBe(500))
})
