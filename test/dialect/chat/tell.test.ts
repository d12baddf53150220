import OpenAI, { APIError } from 'openai'
import { describe, expect, test } from 'vitest'
import { refusal } from '../../../src/core/refusal.ts'
import { chat } from '../../../src/dialect/chat/chat.ts'
import type { Told } from '../../../src/dialect/dialect.ts'
import { errorObject } from '../../support/signals.ts'
import { done, finish, model, role, turnOf, usageChunk, word } from './support.ts'

const bodyOf = (told: Told): unknown => JSON.parse(told.body.toString())

/** An SDK whose upstream answers this. */
const answering = (body: string | Buffer, init: ResponseInit) =>
  new OpenAI({ apiKey: 'k', baseURL: 'http://gateway.test/v1', maxRetries: 0, fetch: () => Promise.resolve(new Response(body.toString(), init)) })
const ask = { model, messages: [{ role: 'user' as const, content: 'hi' }] }

/** What the SDK throws when it is told this. */
async function thrown(told: Told): Promise<unknown> {
  const client = answering(told.body, { status: told.status, headers: told.headers.map(([name, value]): [string, string] => [name, value]) })
  return client.chat.completions.create(ask).catch((reason: unknown) => reason)
}

/** What the SDK makes of this stream: the text that it read, and what it threw in the end. */
async function streamed(text: string): Promise<{ readonly said: string; readonly error: unknown }> {
  const stream = await answering(text, { headers: { 'content-type': 'text/event-stream' } }).chat.completions.create({ ...ask, stream: true })
  let said = ''
  try {
    for await (const chunk of stream) said += chunk.choices[0]?.delta.content ?? ''
  } catch (error) {
    return { said, error }
  }
  return { said, error: null }
}

describe('a refusal', () => {
  test('has the shape of the dialect', async () => {
    const told = chat.refuse(refusal('invalid_body', '`messages` must be a list.', { param: 'messages' }))
    expect(told).toMatchObject({
      status: 400,
      headers: [
        ['content-type', 'application/json'],
        ['x-should-retry', 'false'],
      ],
    })
    expect(bodyOf(told)).toEqual({ error: { message: '`messages` must be a list.', type: 'invalid_request_error', param: 'messages', code: 'invalid_body' } })
    expect(await thrown(told)).toMatchObject({ status: 400, code: 'invalid_body', param: 'messages', type: 'invalid_request_error' })
  })
})

describe('an upstream’s error, said again', () => {
  test('keeps its words under the new status', async () => {
    const told = chat.retell(500, errorObject({ code: 'server_error', type: 'api_error', message: 'busy', param: 'p' }))
    expect(bodyOf(told)).toEqual({ error: { message: 'busy', type: 'api_error', param: 'p', code: 'server_error' } })
    expect(await thrown(told)).toMatchObject({ status: 500, code: 'server_error', type: 'api_error' })
  })

  test('as an overload is 503, which clients of this dialect know', () => expect(chat.retell(529, errorObject()).status).toBe(503))
})

describe('an upstream’s error body', () => {
  test('is read in the forms that upstreams write', () => {
    expect(chat.readError(Buffer.from('{"error":{"message":"no","code":"x","param":"model"}}'))).toMatchObject({ message: 'no', code: 'x', param: 'model' })
    expect(chat.readError(Buffer.from('{"detail":"no"}'))).toMatchObject({ message: 'no' })
    expect(chat.readError(Buffer.from('<html>'))).toBeNull()
  })
})

describe('an error inside a stream that has begun', () => {
  const failed = chat.failInBand({ code: 'upstream_unreachable', message: 'cut\noff' }, null).toString()

  // B14
  test('is an event at which the SDK throws, and no clean end', async () => {
    expect(failed).toBe('data: {"error":{"message":"cut\\noff","type":"server_error","param":null,"code":"upstream_unreachable"}}\n\n')
    const { said, error } = await streamed(`${role}${word('Hi')}${failed}`)
    expect(said).toBe('Hi')
    expect(error).toBeInstanceOf(APIError)
    expect(error).toMatchObject({ code: 'upstream_unreachable', type: 'server_error' })
  })

  test.each<[code: string, type: string]>([
    ['shutting_down', 'server_error'],
    ['policy_violation', 'forbidden_error'],
    ['never_heard_of', 'server_error'],
    ['constructor', 'server_error'],
  ])('with the code %s is a %s', (code, type) => {
    expect(chat.failInBand({ code, message: '' }, null).toString()).toContain(`"type":"${type}"`)
  })
})

// B34
test('a keep-alive is a comment to everyone, which an SDK takes for nothing', async () => {
  for (const headers of [{}, { originator: 'codex_exec' }]) expect(chat.keepAlive(turnOf(ask, headers)).toString()).toBe(': keep-alive\n\n')
  const alive = chat.keepAlive(turnOf(ask)).toString()
  expect(await streamed(`${alive}${role}${alive}${word('Hi')}${finish()}${alive}${usageChunk}${done}`)).toEqual({ said: 'Hi', error: null })
})
