import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FailureKind, Signal } from '../../src/core/failure.ts'
import { classify } from '../../src/core/failure-table.ts'
import { answer, now, told } from '../support/signals.ts'

type Case = readonly [title: string, signal: Signal, kind: FailureKind]
const kindOf = (signal: Signal) => classify(signal, now).kind

describe('wording that names a spent quota', () => {
  // B1
  test.each<Case>([
    ['counts in a 403 of type forbidden_error', answer(403, { type: 'forbidden_error', message: 'usage limit reached' }), 'quota'],
    ['counts there in an error event too', told({ type: 'forbidden_error', message: 'Your usage limit is spent.' }, 403), 'quota'],
    ['does not count in a 403 of another type', answer(403, { type: 'permission_error', message: 'usage limit reached' }), 'forbidden'],
    ['does not count where it is quoted', answer(403, { type: 'forbidden_error', message: 'Refused: "usage limit reached"' }), 'forbidden'],
  ])('%s', (_title, signal, kind) => {
    expect(kindOf(signal)).toBe(kind)
  })
})

describe('wording of an invalid request that names spent money', () => {
  const says = (message: string, type = 'invalid_request_error', status = 400) => answer(status, { type, code: type, message })
  const balance = 'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.'
  const limits = 'You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.'
  // B1 B21
  test.each<Case>([
    ['a balance counts', says(balance), 'quota'],
    ['a limit that the customer set counts', says(limits), 'quota'],
    ['so does that of a workspace', says(limits.replace('API', 'workspace API')), 'quota'],
    ['another type does not count', says(balance, 'api_error'), 'request'],
    ['another status does not count', says(balance, 'invalid_request_error', 422), 'request'],
    [
      'a member of that name, echoed, does not count',
      says('Your credit balance is too low to access the Anthropic API: Extra inputs are not permitted'),
      'request',
    ],
    ['nor one with a time of day', says('You have reached your specified API usage limits 1:1: Extra inputs are not permitted'), 'request'],
    ['nor the words further on', says(`messages.0.content: ${balance}`), 'request'],
  ])('%s', (_title, signal, kind) => {
    expect(kindOf(signal)).toBe(kind)
  })

  test('says when the limit ends', () => expect(classify(says(limits), now).resetAtMs).toBe(Date.UTC(2026, 11, 1)))
})

describe('wording that names the model', () => {
  // B10
  const says = (message: string, status = 400, param: string | null = null) => answer(status, { type: 'invalid_request_error', message, param })
  test.each<Case>([
    ['a model that does not exist', says('The model `gpt-9` does not exist or you do not have access to it.', 404), 'model'],
    ['a model with a point in its name', says('The model gpt-5.5 does not exist', 404), 'model'],
    ['a model named in quotes', says("The requested model 'gpt-5.5' does not exist.", 400, 'model'), 'model'],
    ['a model that is not found', says("model 'llama3:8b' not found, try pulling it first", 404), 'model'],
    ['a model that is not available', says('This model is not available in your plan.', 403), 'model'],
    ['a model that this kind of account may not use', says("The 'gpt-5.5' model is not supported when using Codex with a ChatGPT account."), 'model'],
    ['a project without access to it', says('Your project does not have access to model gpt-5.5.', 403), 'model'],
    ['an account without access to it', says('You do not have access to this model.', 403), 'model'],
  ])('%s is a failure of the model', (_title, signal, kind) => {
    expect(kindOf(signal)).toBe(kind)
  })

  // B11 B25
  test.each<Case>([
    ['a parameter that the model does not take', says('temperature is not supported with this model', 400, 'temperature'), 'request'],
    ['the same without naming it', says("Unsupported parameter: 'temperature' is not supported with this model."), 'request'],
    ['a code that says unsupported', answer(400, { code: 'unsupported_value', message: 'The model is not available with tools' }), 'request'],
    ['a model without a feature', says('This model is not supported on this endpoint.'), 'request'],
    ['an image that does not exist', says('The image does not exist.', 404), 'request'],
    ['another member at fault', says('The model does not exist', 400, 'tools[0].model'), 'request'],
    ['the words behind a colon', says('Invalid value: the model does not exist'), 'request'],
    ['the words in a later sentence', says('Your tool failed. The model does not exist.'), 'request'],
    ['the words in quotes', says('You wrote "the model does not exist"'), 'request'],
    ['the words in a 422', says('The model does not exist', 422), 'request'],
  ])('%s is the request', (_title, signal, kind) => {
    expect(kindOf(signal)).toBe(kind)
  })
})

describe('wording that names capacity', () => {
  test.each<Case>([
    ['counts in a 400', answer(400, { message: 'Selected model is at capacity. Please try a different model.' }), 'overload'],
    ['counts inside a 200', told({ message: 'Selected model is at capacity. Please try a different model.' }), 'overload'],
    ['counts for a model with a point in its name', told({ message: 'The model gpt-5.5 is currently at capacity.' }), 'overload'],
    ['does not count behind a colon', answer(400, { message: 'Invalid value: my model is at capacity' }), 'request'],
    ['does not count where another member is at fault', answer(400, { message: 'Bad model at capacity', param: 'input' }), 'request'],
  ])('%s', (_title, signal, kind) => {
    expect(kindOf(signal)).toBe(kind)
  })
})

describe('wording that names the context window', () => {
  // B9
  const exceeds = 'Your input exceeds the context window of this model. Please adjust your input and try again.'
  test.each<Case>([
    ['makes a 400 the request', answer(400, { message: exceeds }), 'request'],
    ['makes a 502 the request', answer(502, { message: exceeds }), 'request'],
    ['makes a 503 the request', answer(503, { message: exceeds }), 'request'],
    ['makes a 429 the request', answer(429, { message: 'The context length was exceeded.' }), 'request'],
    ['makes a failure inside a 200 the request', told({ message: exceeds }), 'request'],
    ['counts as a maximum too', told({ message: "This model's maximum context length is 128000 tokens. However, you sent 200000." }), 'request'],
    ['does not count in quotes', answer(502, { message: 'The tool said "context window exceeded"' }), 'server'],
  ])('%s', (_title, signal, kind) => {
    expect(kindOf(signal)).toBe(kind)
  })
})

describe('wording that names an earlier answer', () => {
  // B11
  test.each<Case>([
    ['404 about a response id is a lost continuation', answer(404, { message: "Response with id 'resp_x' not found." }), 'lost-continuation'],
    ['404 about a previous response is a lost continuation', answer(404, { message: 'Previous response with id `resp_x` not found.' }), 'lost-continuation'],
    ['any other 404 is the request', answer(404, { message: "Conversation with id 'conv_x' not found." }), 'request'],
    ['the same words in a 400 are the request', answer(400, { message: "Response with id 'resp_x' not found." }), 'request'],
  ])('%s', (_title, signal, kind) => {
    expect(kindOf(signal)).toBe(kind)
  })
})

describe('what the client wrote', () => {
  // B21
  const sayings = [
    'usage limit reached',
    'insufficient_quota',
    'the model does not exist',
    'the model is at capacity',
    'invalid_api_key',
    'server_is_overloaded',
    'previous_response_not_found',
  ]
  const wrappings: readonly ((said: string) => string)[] = [
    (said) => `Invalid value: '${said}'.`,
    (said) => `Invalid value: ${said}`,
    (said) => `Could not parse \`${said}\``,
    (said) => `"${said}" is not one of the allowed values`,
    (said) => `Invalid tool name ${said}`,
  ]

  test.each(sayings)('"%s", echoed in a 400, is the request', (said) => {
    for (const wrap of wrappings) expect(kindOf(answer(400, { type: 'invalid_request_error', message: wrap(said) })), wrap(said)).toBe('request')
  })

  test('echoed in quotes never decides, whatever the status', () => {
    const statuses = fc.constantFrom(400, 403, 404, 422, 429, 500, 502, 503)
    fc.assert(
      fc.property(statuses, fc.constantFrom(...sayings, 'maximum context length', 'response with id x'), (status, said) => {
        expect(kindOf(answer(status, { message: `Refused: "${said}"` }))).toBe(kindOf(answer(status, { message: 'Refused' })))
      }),
    )
  })

  test('however long it is, it is looked at only as far as an upstream would speak itself', () => {
    const long = `${'the model is '.repeat(100_000)} at capacity`
    expect(kindOf(answer(400, { message: long }))).toBe('request')
    expect(kindOf(answer(400, { message: `${' '.repeat(3000)}model is at capacity` }))).toBe('request')
  })
})
