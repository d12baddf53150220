import { afterEach, describe, expect, it } from 'vitest'
import type { Route } from '../../src/ports/routes.ts'
import { adminToken, ask, laptopKey, metricsToken, otherKey, start, stopAll, Wire, type Gateway } from './support.ts'

afterEach(stopAll)

const row = (method: Route['method'], path: string, guard: Route['guard'], text = 'in'): Route => ({
  method,
  path,
  guard,
  handle: async ({ response, caller }) => {
    response.end(`${text} ${caller?.key ?? 'nobody'}`)
  },
})
const rows: readonly Route[] = [
  { ...row('POST', '/v1/responses', 'key'), begins: 'turn' },
  row('GET', '/v1/responses/:id', 'key'),
  row('GET', '/v1/models', 'key'),
  row('GET', '/admin/api/turns', 'admin'),
  row('PUT', '/admin/api/rules', 'admin'),
  row('GET', '/metrics', 'metrics'),
  row('GET', '/healthz', 'open'),
]
const serve = (): Promise<Gateway> => start(() => rows)

describe('who may', () => {
  it('is decided by the row: no guarded row answers without its own credential', async () => {
    const gateway = await serve()
    const wrong: Readonly<Record<Route['guard'], readonly (string | null)[]>> = {
      key: [null, 'tk-unknown', adminToken, metricsToken, ''],
      admin: [null, laptopKey, metricsToken, 'wrong'],
      metrics: [null, laptopKey, 'wrong'],
      open: [],
    }
    for (const { method, path, guard } of rows) {
      for (const key of wrong[guard]) {
        const answer = await ask(gateway, path.replace(':id', 'x'), { method, key })
        expect([path, key, answer.status, answer.code]).toEqual([path, key, 401, 'invalid_api_key'])
        expect(answer.headers['www-authenticate']).toBe('Bearer')
      }
    }
  })

  it.each([
    ['a key', '/v1/models', laptopKey, 'in laptop'],
    ['another key', '/v1/models', otherKey, 'in other'],
    ['the admin token', '/admin/api/turns', adminToken, 'in nobody'],
    ['the admin token, for metrics', '/metrics', adminToken, 'in nobody'],
    ['the metrics token', '/metrics', metricsToken, 'in nobody'],
    ['nobody in particular', '/healthz', null, 'in nobody'],
  ])('%s', async (_, path, key, text) => {
    expect(await ask(await serve(), path, { key })).toMatchObject({ status: 200, text })
  })

  it('may send its key as x-api-key, and with any case of the word bearer', async () => {
    const gateway = await serve()
    expect(await ask(gateway, '/v1/models', { key: null, headers: { 'x-api-key': laptopKey } })).toMatchObject({ text: 'in laptop' })
    expect(await ask(gateway, '/v1/models', { key: null, headers: { authorization: `bearer  ${laptopKey}` } })).toMatchObject({ text: 'in laptop' })
    expect(await ask(gateway, '/v1/models', { key: null, headers: { authorization: `Basic ${laptopKey}` } })).toMatchObject({ status: 401 })
  })

  it('guesses of a token are throttled within 40 tries, the right one included, and keys are not', async () => {
    const gateway = await serve()
    const statuses: number[] = []
    for (let i = 0; i < 40; i++) statuses.push((await ask(gateway, '/admin/api/turns', { key: `guess-${i}` })).status)
    expect(statuses[0]).toBe(401)
    expect(statuses.at(-1)).toBe(429)
    const right = await ask(gateway, '/admin/api/turns', { key: adminToken })
    expect(right).toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
    expect(Number(right.headers['retry-after'])).toBeLessThanOrEqual(60)
    expect(await ask(gateway, '/v1/models')).toMatchObject({ status: 200 })
  })
})

// H1
describe('a key in the address', () => {
  it.each([
    ['/v1/models?api_key=whatever', 'api_key'],
    ['/v1/models?key=whatever', 'key'],
    ['/v1/models?a=1&access_token=whatever', 'access_token'],
    ['/v1/models?Token=whatever', 'Token'],
    ['/v1/models?x=sk-abcdef', 'x'],
    [`/v1/models?x=${laptopKey}`, 'x'],
    ['/healthz?token=whatever', 'token'],
    ['/nowhere?api%5Fkey=whatever', 'api_key'],
    ['/admin/api/turns?token=whatever', 'token'],
  ])('%s is refused even beside a right one', async (path, param) => {
    const gateway = await serve()
    const answer = await ask(gateway, path)
    expect(answer).toMatchObject({ status: 400, code: 'key_in_query' })
    expect((JSON.parse(answer.text) as { error: { param: string } }).error.param).toBe(param)
    expect(JSON.stringify(gateway.seen.lines)).not.toContain('whatever')
    expect(answer.text + JSON.stringify(gateway.seen.lines)).not.toContain(laptopKey)
  })

  it('is not what an operator means who asks for the turns of a key, nor what Codex says of its version', async () => {
    const gateway = await serve()
    expect(await ask(gateway, '/admin/api/turns?key=laptop', { key: adminToken })).toMatchObject({ status: 200 })
    expect(await ask(gateway, '/v1/models?client_version=0.169.0')).toMatchObject({ status: 200 })
  })
})

describe('a path or a method that is not served', () => {
  it('names the known routes, and none of the operator', async () => {
    const answer = await ask(await serve(), '/v1/nowhere', { key: null })
    expect(answer).toMatchObject({ status: 404, code: 'unknown_route' })
    expect(answer.text).toContain('POST /v1/responses')
    expect(answer.text).not.toContain('/admin')
    expect(answer.headers['x-should-retry']).toBe('false')
  })

  it.each([
    ['GET', '/v1/responses', 'POST'],
    ['PATCH', '/responses/resp_1', 'GET, HEAD'],
    ['OPTIONS', '/healthz', 'GET, HEAD'],
  ])('%s %s says which are', async (method, path, allow) => {
    const answer = await ask(await serve(), path, { method })
    expect(answer).toMatchObject({ status: 405, code: 'method_not_allowed' })
    expect(answer.headers.allow).toBe(allow)
  })

  it('HEAD is GET without its body', async () => {
    const answer = await ask(await serve(), '/healthz', { method: 'HEAD' })
    expect(answer).toMatchObject({ status: 200, text: '' })
  })

  it('the form of address that proxies are sent is understood', async () => {
    const gateway = await serve()
    const text = await new Wire(gateway).send('GET http://somewhere/healthz HTTP/1.1\r\nHost: somewhere\r\nConnection: close\r\n\r\n').rest()
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*in nobody/)
  })
})

describe('every answer', () => {
  it.each(['/healthz', '/v1/models', '/nowhere', '/admin/api/turns'])('%s carries the request id of the client', async (path) => {
    const answer = await ask(await serve(), path, { headers: { 'x-request-id': 'My-id_1.2' } })
    expect(answer.headers['x-request-id']).toBe('My-id_1.2')
  })

  it.each(['spaces in it', 'x'.repeat(129), 'semi;colon'])('makes its own where the client sent "%s"', async (sent) => {
    const answer = await ask(await serve(), '/healthz', { headers: { 'x-request-id': sent } })
    expect(answer.headers['x-request-id']).toMatch(/^req_[0-9a-f]{32}$/)
  })

  it('to a turn, a refusal before it included, carries the id of the turn', async () => {
    const gateway = await serve()
    const answer = await ask(gateway, '/v1/responses', { method: 'POST', key: null })
    expect(answer).toMatchObject({ status: 401, code: 'invalid_api_key' })
    expect(answer.headers['x-turnout-turn']).toBe('turn-1')
    expect(gateway.seen.refusals).toEqual(['invalid_api_key'])
    expect(gateway.seen.lines).toMatchObject([
      { level: 'info', sentence: 'refused', fields: { code: 'invalid_api_key', path: '/v1/responses', key: null, turn: 'turn-1' } },
    ])
  })
})

describe('a bug', () => {
  it('is answered with internal_error, logged with its stack, and the process goes on', async () => {
    const gateway = await start(() => [
      ...rows,
      {
        method: 'GET',
        path: '/bug',
        guard: 'open',
        handle: async () => {
          throw new Error('a broken assumption')
        },
      },
    ])
    const answer = await ask(gateway, '/bug')
    expect(answer).toMatchObject({ status: 500, code: 'internal_error' })
    expect(answer.text).not.toContain('assumption')
    expect((gateway.seen.lines[0]?.fields['err'] as Error | undefined)?.stack).toContain('a broken assumption')
    expect(await ask(gateway, '/healthz')).toMatchObject({ status: 200 })
  })

  it('after the head breaks the answer off', async () => {
    const gateway = await start(() => [
      {
        method: 'GET',
        path: '/bug',
        guard: 'open',
        handle: async ({ response }) => {
          response.write('half')
          throw new Error('a broken assumption')
        },
      },
    ])
    await expect(ask(gateway, '/bug')).rejects.toThrow(/aborted|hang up/)
  })
})
