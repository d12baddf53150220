import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { catalogue, refusal, refusalHead, retryAfterMsMax, type RefusalCode } from '../../src/core/refusal.ts'

type Row = readonly [codes: string, status: number, again: 'no' | 'yes' | 'later']

/** The table of the public interface. */
const table: readonly Row[] = [
  ['invalid_json invalid_body duplicate_member background_not_supported previous_response_not_found key_in_query', 400, 'no'],
  ['unsupported_parameter invalid_stream_id websocket_stream_limit_reached', 400, 'no'],
  ['websocket_connection_limit_reached', 400, 'yes'],
  ['invalid_api_key', 401, 'no'],
  ['model_not_allowed policy_violation', 403, 'no'],
  ['unknown_route response_not_found model_not_served', 404, 'no'],
  ['method_not_allowed', 405, 'no'],
  ['request_timeout', 408, 'yes'],
  ['body_too_large', 413, 'no'],
  ['unsupported_encoding', 415, 'no'],
  ['websocket_required', 426, 'no'],
  ['headers_too_large', 431, 'no'],
  ['rate_limit_exceeded no_account_ready owner_not_ready queue_full', 429, 'later'],
  ['insufficient_quota', 429, 'no'],
  ['internal_error', 500, 'yes'],
  ['upstream_unreachable', 502, 'yes'],
  ['upstream_timeout', 504, 'yes'],
  ['upstream_credential shutting_down ledger_unavailable memory_full', 503, 'later'],
]
const codes = Object.keys(catalogue) as RefusalCode[]

describe('the catalogue', () => {
  const expected = Object.fromEntries(table.flatMap(([names, status, again]) => names.split(' ').map((code) => [code, { status, again }])))

  test('holds these codes and no others', () => expect(codes.toSorted()).toEqual(Object.keys(expected).toSorted()))
  test.each(codes)('%s has its status, and says whether to try again', (code) => expect(catalogue[code]).toMatchObject(expected[code] ?? {}))

  test('blames the client below 500 and us from there on', () => {
    for (const code of codes) expect(catalogue[code].type === 'server_error', code).toBe(catalogue[code].status >= 500)
  })

  // C5
  test('types a block as forbidden, as its shape on the wire says', () => expect(catalogue.policy_violation.type).toBe('forbidden_error'))
})

describe('the head of a refusal', () => {
  test.each<[code: RefusalCode, headers: [string, string][]]>([
    ['invalid_json', [['x-should-retry', 'false']]],
    ['insufficient_quota', [['x-should-retry', 'false']]],
    ['internal_error', []],
    ['request_timeout', []],
    [
      'queue_full',
      [
        ['retry-after', '1'],
        ['retry-after-ms', '1000'],
      ],
    ],
  ])('of %s says how to go on', (code, headers) => {
    expect(refusalHead(refusal(code, 'm'))).toEqual({ status: catalogue[code].status, headers })
  })

  test('rounds a wait up to whole seconds, and keeps its milliseconds', () => {
    expect(refusalHead(refusal('queue_full', 'm', { retryAfterMs: 1001 })).headers).toEqual([
      ['retry-after', '2'],
      ['retry-after-ms', '1001'],
    ])
  })

  test('never asks for a wait where trying again is of no use', () => {
    expect(refusal('insufficient_quota', 'm', { retryAfterMs: 5000 }).retryAfterMs).toBeNull()
  })

  // B18
  test('with a reset far away says not to try', () => {
    const far = refusal('no_account_ready', 'm', { retryAfterMs: 5, reset: { atMs: 9, inMs: 9 } })
    expect(far.retryAfterMs).toBeNull()
    expect(refusalHead(far).headers).toEqual([['x-should-retry', 'false']])
  })

  test('asks for a minute at most and a millisecond at least', () => {
    fc.assert(
      fc.property(fc.constantFrom(...codes), fc.double({ noNaN: true }), (code, retryAfterMs) => {
        const waits = refusalHead(refusal(code, 'm', { retryAfterMs })).headers.filter(([name]) => name.startsWith('retry-after'))
        for (const [name, value] of waits) {
          expect(value).toMatch(/^[1-9]\d*$/)
          expect(Number(value)).toBeLessThanOrEqual(name === 'retry-after' ? 60 : retryAfterMsMax)
        }
      }),
    )
  })
})
