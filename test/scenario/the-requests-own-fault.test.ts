import { describe, expect, test } from 'vitest'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import { gatewayOfThisFile, question, streamed, triedBy } from '../support/gateway.ts'

const stage = gatewayOfThisFile()
const error = (status: number, object: object): FaultSpec => ({ fault: 'status', status, body: { error: object }, times: 1 })

describe('goes to the client as it is, after one attempt, and costs the account nothing:', () => {
  const cases: readonly (readonly [title: string, fault: FaultSpec])[] = [
    // B8
    ['400 with nothing but a message', error(400, { message: 'bad' })],
    // B9
    [
      'a context window exceeded, inside a 502',
      error(502, { message: 'Your input exceeds the context window of this model.', code: 'context_length_exceeded' }),
    ],
    ['a context window exceeded, in words alone', error(502, { message: 'This request exceeds the context window.' })],
    // B11
    ['404 about a response id', error(404, { message: "Response with id 'resp_1' not found.", code: null })],
    ['404 about something else', error(404, { message: 'No such file: file_1', type: 'invalid_request_error' })],
    // B25
    [
      'a parameter that the model does not support',
      error(400, { message: "Unsupported parameter: 'temperature' is not supported with this model.", param: 'temperature', code: 'unsupported_parameter' }),
    ],
    // B21
    [
      "the client's own words, echoed",
      error(400, { message: 'Invalid input: "usage limit reached, invalid_api_key, at capacity"', type: 'invalid_request_error' }),
    ],
    ['413', error(413, { message: 'too long' })],
    ['422', error(422, { message: 'no' })],
  ]
  test.each(cases)('%s', async (_title, fault) => {
    const on = await stage({ accounts: { a: { plays: { faults: [fault] } }, b: {} } })
    const answer = await on.ask()
    expect(answer.status).toBe(fault.status)
    expect(answer.json).toEqual(fault.body)
    expect(answer.headers['x-turnout-attempts']).toBe('1')
    expect(on.sent('b')).toEqual([])
    expect(await on.record(answer)).toMatchObject({
      outcome: 'failed',
      attempts: [{ account: 'a', outcome: 'failed', failure: expect.stringMatching(/^(request|lost-continuation)$/) as string }],
    })
    expect(triedBy(await on.record(await on.ask()))).toEqual(['a'])
  })

  test('a failure of that kind inside a stream, before output', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'failed', code: 'invalid_prompt', message: 'no' }] } }, b: {} } })
    const answer = await on.ask(streamed)
    expect(answer).toMatchObject({ status: 200, end: 'clean' })
    expect(answer.events.map(({ type }) => type)).toEqual(['response.created', 'response.in_progress', 'response.failed'])
    expect(answer.events.at(-1)?.data).toMatchObject({ response: { status: 'failed', error: { code: 'invalid_prompt', message: 'no' } } })
    expect(on.sent('b')).toEqual([])
    expect((await on.onTheBooks(answer))?.outcome).toBe('failed')
  })
})

describe('403 from two accounts in one turn', () => {
  // B2
  test('is the request that is forbidden: it is returned, both accounts stay ready, and no third is asked', async () => {
    const forbidden = { faults: [{ fault: 'forbidden', times: 1, on: 'turns' as const }] }
    const on = await stage({ accounts: { a: { plays: forbidden }, b: { plays: forbidden }, c: {} } })
    const answer = await on.ask()
    expect(answer).toMatchObject({ status: 403, json: { error: { type: 'permission_error' } }, headers: { 'x-turnout-attempts': '2' } })
    expect(on.sent('c')).toEqual([])
    expect(await on.whyNot('b')).toBe('priority 2')
    expect(triedBy(await on.record(await on.ask(question)))).toEqual(['a'])
  })
})
