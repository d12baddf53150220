import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { createGateway } from '../../src/index.ts'
import { restOf, wire } from '../support/client.ts'
import { gatewayOfThisFile, laptopKey, otherKey, question, streamed, type Stage } from '../support/gateway.ts'
import { upstream } from '../support/upstream.ts'

const stage = gatewayOfThisFile()
const raw = async (on: Stage, bytes: string): Promise<string> => restOf(await wire(on.gateway.url, bytes))

// H1
describe('without a key that is known here', () => {
  test.each([
    ['none', null, '', 401, 'invalid_api_key'],
    ['an unknown one', 'tk-unknown', '', 401, 'invalid_api_key'],
    ['an upstream one', 'key-a-1', '', 401, 'invalid_api_key'],
    ['the right one in the query', null, `?api_key=${laptopKey}`, 400, 'key_in_query'],
    ['the right one in the query under another name, and in its place', laptopKey, `?session=${laptopKey}`, 400, 'key_in_query'],
  ])('%s: nothing goes upstream', async (_what, key, query, status, code) => {
    const on = await stage({ accounts: { a: {} } })
    const answer = await on.ask(question, { key, path: `/v1/responses${query}` })
    expect(answer).toMatchObject({ status, json: { error: { code } }, headers: { 'x-should-retry': 'false', 'x-turnout-turn': expect.any(String) as string } })
    expect(answer.text).not.toContain(laptopKey)
    expect(on.sent('a')).toEqual([])
    expect(on.log.join('')).not.toContain(laptopKey)
  })

  test('x-api-key is as good as a bearer', async () => {
    const on = await stage({ accounts: { a: {} } })
    expect((await on.ask(question, { key: null, headers: { 'x-api-key': laptopKey } })).status).toBe(200)
  })
})

// H2
test('a model that the key does not allow is refused', async () => {
  const on = await stage({ accounts: { a: {} } })
  on.change({ keys: [{ name: 'narrow', key: laptopKey, pools: [on.pool], models: ['gpt-4'] }] })
  expect(await on.ask()).toMatchObject({ status: 403, json: { error: { code: 'model_not_allowed', param: 'model' } } })
  expect((await on.ask({ ...question, model: 'gpt-4' })).status).toBe(200)
  expect((await on.ask(question, { key: otherKey })).status).toBe(401)
})

// H3
describe('what is too much is refused, and others are served meanwhile', () => {
  test('a body over the limit, told or not', async () => {
    const on = await stage({ accounts: { a: {} }, bounds: { body: '64KiB' } })
    const large = JSON.stringify({ ...question, input: 'z'.repeat(65 * 1024) })
    const [told, chunked, packed, small] = await Promise.all([
      on.ask(large),
      on.ask(large, { headers: { 'transfer-encoding': 'chunked' } }),
      on.ask(gzipSync(large), { headers: { 'content-encoding': 'gzip' } }),
      on.ask(),
    ])
    for (const answer of [told, chunked, packed]) expect(answer).toMatchObject({ status: 413, json: { error: { code: 'body_too_large' } } })
    expect(small.status).toBe(200)
  })

  test('a flood of headers', async () => {
    const on = await stage({ accounts: { a: {} } })
    const flood = await raw(on, `POST /v1/responses HTTP/1.1\r\nhost: x\r\n${`x-flood: ${'z'.repeat(1000)}\r\n`.repeat(40)}\r\n`)
    expect(flood).toMatch(/^HTTP\/1\.1 431 /)
    expect(flood).toContain('headers_too_large')
    expect((await on.ask()).status).toBe(200)
  })

  test('a body that does not come', async () => {
    const on = await stage({ accounts: { a: {} } })
    const slow = await wire(on.gateway.url, `POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${laptopKey}\r\ncontent-length: 100\r\n\r\n{`)
    expect((await on.ask()).status).toBe(200)
    slow.destroy()
  })
})

// H4
describe('an upstream in a private range', () => {
  test.each([
    'http://127.0.0.1:9/v1',
    'http://2130706433/v1',
    'http://0x7f.1/v1',
    'http://[::ffff:127.0.0.1]/v1',
    'http://localhost/v1',
    'http://100.64.0.1/v1',
    'http://10.1.2.3/v1',
    'http://[64:ff9b::a00:1]/v1',
  ])('%s is refused at load', async (baseUrl) => {
    const on = await stage({ accounts: { a: {} } })
    on.write({ accounts: { a: { base_url: baseUrl, allow_private: false } } })
    const opened = await createGateway({ file: on.file, environment: {}, overrides: { host: '127.0.0.1', port: 0, data: `${on.folder}/elsewhere` } })
    expect(opened).toMatchObject({
      kind: 'failed',
      exit: 2,
      sentences: [expect.stringMatching(/accounts\[0\]\.base_url leads to a loopback or private address/) as string],
    })
  })

  test('does not become reachable by a redirect: none is followed', async () => {
    let reached = 0
    const inside = await upstream((_request, response) => {
      reached++
      response.end('{}')
    })
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'redirect', status: 307, location: `${inside}/responses` }] } }, b: {} } })
    expect((await on.ask()).status).toBe(200)
    expect(reached).toBe(0)
    expect(on.sent('b')).toHaveLength(1)
  })
})

describe('of the headers', () => {
  // H5
  test('of a client only those pass that are for the upstream', async () => {
    const on = await stage({ accounts: { a: {} } })
    const mine = {
      cookie: 'session=1',
      'x-forwarded-for': '10.0.0.1',
      forwarded: 'for=10.0.0.1',
      'openai-organization': 'org-1',
      te: 'trailers',
      'x-api-key': 'tk-x',
      connection: 'session-id, close',
      'session-id': 's-1',
      'x-mine': 'y',
    }
    await on.ask(question, { headers: { ...mine, 'user-agent': 'codex/1', 'x-stainless-lang': 'js', traceparent: '00-1' } })
    const [received] = on.sent('a')
    for (const name of Object.keys(mine)) if (name !== 'connection') expect(received?.headers).not.toHaveProperty(name)
    expect(received?.headers).toMatchObject({ 'user-agent': 'codex/1', 'x-stainless-lang': 'js', traceparent: '00-1', 'content-type': 'application/json' })
    expect(received?.key).toBe(on.credential('a'))
  })

  // H6
  test('of an upstream only those pass that are for a client', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'headers' }] } } } })
    const { headers } = await on.ask(streamed)
    expect(headers).toMatchObject({
      'x-codex-turn-state': 'sticky-simulated-state',
      'openai-model': 'gpt-5.5',
      'x-upstream-request-id': expect.stringMatching(/^req_/) as string,
    })
    for (const name of ['set-cookie', 'x-codex-primary-used-percent', 'x-ratelimit-limit-requests', 'server']) expect(headers).not.toHaveProperty(name)
    expect(headers['x-request-id']).not.toBe(headers['x-upstream-request-id'])
  })

  // H7
  test.each([
    ['a line break in a credential', { credential: { api_key: 'a\r\nx-evil: 1' } }],
    ['a NUL in a credential', { credential: { api_key: 'a\0b' } }],
  ])('%s is refused at load, and not shown', async (_what, account) => {
    const on = await stage({ accounts: { a: {} } })
    on.write({ accounts: { a: account } })
    const opened = await createGateway({ file: on.file, environment: {}, overrides: { host: '127.0.0.1', port: 0, data: `${on.folder}/elsewhere` } })
    expect(opened).toMatchObject({ kind: 'failed', exit: 2 })
    expect(JSON.stringify(opened)).not.toContain('evil')
  })

  // H7
  test('a NUL or a bare line break from a client ends with 400', async () => {
    const on = await stage({ accounts: { a: {} } })
    for (const value of ['a\0b', 'a\rb'])
      expect(await raw(on, `POST /v1/responses HTTP/1.1\r\nhost: x\r\nsession-id: ${value}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /)
    expect(on.sent('a')).toEqual([])
  })

  // H8
  test.each([
    ['two lengths', 'content-length: 2\r\ncontent-length: 3\r\n'],
    ['a length and a transfer encoding', 'content-length: 2\r\ntransfer-encoding: chunked\r\n'],
  ])('%s end with 400', async (_what, lengths) => {
    const on = await stage({ accounts: { a: {} } })
    expect(await raw(on, `POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${laptopKey}\r\n${lengths}\r\n{}`)).toMatch(/^HTTP\/1\.1 400 /)
    expect(on.sent('a')).toEqual([])
  })
})

describe('an upgrade', () => {
  const upgrade = `GET /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${laptopKey}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`

  // E15
  test('that is none is answered 426, which says what is wanted there', async () => {
    const on = await stage({ accounts: { a: {} } })
    const answer = await on.ask(null)
    expect(answer).toMatchObject({ status: 426, json: { error: { code: 'websocket_required' } } })
    expect(answer.headers['upgrade']).toBe('websocket')
  })

  // H9
  test('followed by bytes before it was answered has its connection destroyed', async () => {
    const on = await stage({ accounts: { a: {} } })
    expect(await raw(on, `${upgrade}GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n`)).toBe('')
  })
})
