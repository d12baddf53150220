import { describe, expect, it } from 'vitest'
import type { Route } from '../../src/ports/routes.ts'
import { Router } from '../../src/server/router.ts'

const row = (method: Route['method'], path: string): Route => ({ method, path, guard: 'open', handle: async () => undefined })
const rows = [
  row('POST', '/v1/responses'),
  row('POST', '/v1/responses/compact'),
  row('GET', '/v1/responses/:id'),
  row('DELETE', '/v1/responses/:id'),
  row('POST', '/v1/responses/:id/cancel'),
  row('GET', '/v1/models/*'),
  row('GET', '/healthz'),
]
const router = new Router(rows)

function found(method: string, path: string): string {
  const matched = router.match(method, path)
  if (matched.kind === 'route') return `${matched.route.method} ${matched.route.path} ${JSON.stringify(matched.params)}`
  return matched.kind === 'unknown' ? 'unknown' : `allow ${matched.allow.join(',')}`
}

describe('a request finds its row', () => {
  it.each([
    ['POST', '/v1/responses', 'POST /v1/responses {}'],
    ['POST', '/responses', 'POST /v1/responses {}'],
    ['POST', '/responses/compact', 'POST /v1/responses/compact {}'],
    ['GET', '/v1/responses/resp_1', 'GET /v1/responses/:id {"id":"resp_1"}'],
    ['DELETE', '/responses/resp_1', 'DELETE /v1/responses/:id {"id":"resp_1"}'],
    ['POST', '/v1/responses/resp_1/cancel', 'POST /v1/responses/:id/cancel {"id":"resp_1"}'],
    ['GET', '/v1/responses/a%2Fb', 'GET /v1/responses/:id {"id":"a/b"}'],
    ['GET', '/v1/models/meta/llama', 'GET /v1/models/* {"*":"meta/llama"}'],
    ['HEAD', '/healthz', 'GET /healthz {}'],
  ])('%s %s', (method, path, expected) => expect(found(method, path)).toBe(expected))
})

describe('a request that finds none', () => {
  it.each([
    ['GET', '/v1/chat', 'unknown'],
    ['GET', '/', 'unknown'],
    ['GET', '/v1/responses/', 'unknown'],
    ['GET', '/v1/responses/%zz', 'unknown'],
    ['GET', '/v1/healthz', 'unknown'],
    ['GET', '/v1/responses', 'allow POST'],
    ['PUT', '/v1/responses/resp_1', 'allow GET,HEAD,DELETE'],
    ['POST', '/healthz', 'allow GET,HEAD'],
  ])('%s %s', (method, path, expected) => expect(found(method, path)).toBe(expected))

  it('is told by two rows for the same request when the table is built, not later', () => {
    expect(() => new Router([row('GET', '/a'), row('GET', '/a')])).toThrow('two routes for GET /a')
  })
})
