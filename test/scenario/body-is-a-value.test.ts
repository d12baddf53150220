import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { gatewayOfThisFile, question, streamed } from '../support/gateway.ts'

const stage = gatewayOfThisFile()

const strange = '{ "zeta" : 1e400,"model":"gpt-5.5",\n "big":12345678901234567890, "input":"caf\\u00e9 \\/ ☕", "a":{"model":"x","service_tier":"priority"} }'

describe('the body that an upstream receives', () => {
  // A6
  test('is byte for byte what the client sent, when there is nothing to edit', async () => {
    const on = await stage({ accounts: { a: {} } })
    expect((await on.ask(strange)).status).toBe(200)
    expect(on.sent('a').map(({ body }) => body)).toEqual([strange])
  })

  // A6
  test('differs in the model alone, when that is all there is to edit', async () => {
    const on = await stage({ accounts: { a: { models: { 'gpt-5.5': 'gpt-5.5-2026' } } } })
    await on.ask(strange)
    expect(on.sent('a')[0]?.body).toBe(strange.replace('"gpt-5.5"', '"gpt-5.5-2026"'))
  })

  // A5 B19
  test('is the same twice, when a lone account is tried again with the same plan', async () => {
    const on = await stage({ accounts: { a: { models: { 'gpt-*': 'x-*' }, plays: { faults: [{ fault: 'server', times: 1 }] } } } })
    expect((await on.ask(strange)).status).toBe(200)
    const [first, second] = on.sent('a')
    expect(second?.body).toBe(first?.body)
    expect(first?.body).toBe(strange.replace('"gpt-5.5"', '"x-5.5"'))
  })

  // A9
  test.each([
    ['inside an item of the input', { ...question, input: [{ role: 'user', content: 'hello', model: 'gpt-5.5', service_tier: 'priority' }] }],
    ['in the metadata', { ...question, metadata: { model: 'gpt-5.5', service_tier: 'priority' } }],
    [
      "in a tool's schema",
      { ...question, tools: [{ type: 'function', name: 'f', parameters: { properties: { model: {}, service_tier: { const: 'fast' } } } }] },
    ],
  ])('keeps a model and a tier %s, and no policy applies to them', async (_where, body) => {
    const on = await stage({ accounts: { a: {} }, rules: [{ tier: 'any', action: 'block' }] })
    expect((await on.ask(body)).status).toBe(200)
    expect(on.sent('a')[0]?.body).toBe(JSON.stringify(body))
  })
})

// A8
describe('a governed member that stands twice is refused, and nothing goes upstream', () => {
  const doubles = ['model', 'service_tier', 'stream', 'previous_response_id'].flatMap((member) => [
    [member, 'plainly', `"${member}"`],
    [member, 'once with an escaped letter', `"\\u00${member.charCodeAt(0).toString(16)}${member.slice(1)}"`],
  ])
  test.each(doubles)('%s, %s', async (member, _how, second) => {
    const on = await stage({ accounts: { a: {} } })
    const once = { model: 'gpt-5.5', service_tier: 'auto', stream: false, previous_response_id: null, input: 'hello' }
    const answer = await on.ask(JSON.stringify(once).replace(/\}$/, `,${second}:"twice"}`))
    expect(answer).toMatchObject({ status: 400, json: { error: { code: 'duplicate_member', param: member } } })
    expect(on.sent('a')).toEqual([])
  })
})

// A10
describe('an encoded body', () => {
  const text = JSON.stringify({ ...question, input: 'hello '.repeat(2000) })
  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['deflate', deflateSync],
  ] as const)('by %s reaches the upstream decoded, with a fresh length and no encoding', async (encoding, encode) => {
    const on = await stage({ accounts: { a: {} } })
    expect((await on.ask(encode(Buffer.from(text)), { headers: { 'content-encoding': encoding } })).status).toBe(200)
    const [received] = on.sent('a')
    expect(received?.body).toBe(text)
    expect(received?.headers['content-length']).toBe(String(text.length))
    expect(received?.headers).not.toHaveProperty('content-encoding')
  })

  test.each([
    ['a bomb', gzipSync(Buffer.alloc(1024 * 1024, 0x20)), 'gzip', 413, 'body_too_large'],
    ['an encoding that nobody knows', Buffer.from(text), 'rot13', 415, 'unsupported_encoding'],
    ['bytes that are not what they claim', Buffer.from(text), 'zstd', 400, 'invalid_body'],
  ] as const)('%s is refused', async (_what, body, encoding, status, code) => {
    const on = await stage({ accounts: { a: {} }, bounds: { body: '64KiB' } })
    const answer = await on.ask(body, { headers: { 'content-encoding': encoding } })
    expect(answer).toMatchObject({ status, json: { error: { code } } })
    expect(on.sent('a')).toEqual([])
  })

  // A10
  test('of an answer, sent although it was not asked for, is decoded for the client', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'gzip' }] } } } })
    const answer = await on.ask(streamed)
    expect(answer.events.at(-1)?.type).toBe('response.completed')
    expect(answer.headers).not.toHaveProperty('content-encoding')
    expect(on.sent('a')[0]?.headers['accept-encoding']).toBe('identity')
  })
})
