import * as z from 'zod'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adminToken, gatewayOfThisFile, laptopKey, question, type Asking, type Stage } from '../support/gateway.ts'
import type { Answer } from '../support/client.ts'

const stage = gatewayOfThisFile()

interface Operation {
  readonly operationId: string
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: object } } }
  readonly responses: Readonly<Record<string, { readonly content?: { readonly 'application/json': { readonly schema: object } } }>>
}

type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }

/** Operations that were answered well, and codes with which they were not. */
const answered = new Set<string>()
const codes = new Set<string>()
let described: Document = { paths: {} }

/** The operation behind a path; parts in braces stand for anything. */
function operationOf(method: string, path: string): Operation {
  const found = Object.entries(described.paths).filter(([pattern, by]) => {
    const isSame = new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path)
    return isSame && by[method.toLowerCase()] !== undefined
  })
  // A fixed path goes before one with a part that varies.
  const [first] = found.toSorted(([a], [b]) => Number(a.includes('{')) - Number(b.includes('{')))
  const operation = first?.[1][method.toLowerCase()]
  if (operation === undefined) throw new Error(`the document says nothing of ${method} ${path}`)
  return operation
}

/** Asks, and proves that what came back is what the document promises. */
async function ask(on: Stage, method: string, path: string, asking: Asking & { readonly body?: object } = {}): Promise<Answer> {
  const { body, ...more } = asking
  const answer = await on.ask(body === undefined ? null : JSON.stringify(body), { method, path: `/admin/api/${path}`, key: adminToken, ...more })
  const operation = operationOf(method, `/admin/api/${path}`.split('?')[0] ?? '')
  const promised = operation.responses[answer.status] ?? (answer.status >= 400 ? operation.responses['default'] : undefined)
  if (promised === undefined) throw new Error(`${operation.operationId} is not said to answer ${answer.status}: ${answer.text}`)
  const schema = promised.content?.['application/json'].schema
  if (schema === undefined) expect(answer.text).toBe('')
  else {
    const parsed = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(JSON.parse(answer.text))
    expect(parsed.error?.issues ?? [], `${method} ${path}: ${answer.text}`).toEqual([])
  }
  if (answer.status < 300) answered.add(operation.operationId)
  else codes.add((answer.json['error'] as { code: string }).code)
  return answer
}

beforeAll(async () => {
  const { openApi } = await import('../../src/admin/openapi.ts')
  described = JSON.parse(JSON.stringify(openApi())) as Document
})

test('the document that is served is the one that these tests hold the answers to', async () => {
  const on = await stage({ accounts: { a: {} } })
  expect((await on.ask(null, { path: '/openapi.json', key: null })).json).toEqual(described)
})

describe('every answer of the admin API has the shape that the document promises', () => {
  test('about turns, usage and accounts after turns that went well, failed over and were refused', async () => {
    const on = await stage({
      accounts: {
        a: { priority: 1, plays: { faults: [{ fault: 'quota' }] } },
        b: { priority: 2 },
      },
    })
    await on.record(await on.ask())
    await on.record(await on.ask({ ...question, stream: true }))
    await ask(on, 'GET', 'status')
    const { json } = await ask(on, 'GET', 'turns?limit=2')
    const [turn] = json['turns'] as readonly { readonly id: string }[]
    await ask(on, 'GET', `turns/${turn?.id}`)
    for (const by of ['key', 'account', 'model', 'day']) await ask(on, 'GET', `usage?by=${by}`)
    await ask(on, 'GET', 'accounts?limit=1')
    for (const verb of ['disable', 'enable', 'reset', 'test']) await ask(on, 'POST', `accounts/a/${verb}`)
    await ask(on, 'POST', 'accounts/b/test?model=gpt-5.5')
  })

  test('about rules, keys, secrets and the changes to them', async () => {
    const on = await stage({ accounts: { a: {} } })
    const { headers } = await ask(on, 'GET', 'rules')
    const put = await ask(on, 'PUT', 'rules', {
      body: { rules: [{ tier: 'flex', action: 'block', message: 'no' }] },
      headers: { 'if-match': String(headers['etag']) },
    })
    await ask(on, 'POST', 'rules/try', { body: { model: 'gpt-5.5', tier: 'flex', account: 'a' } })
    await ask(on, 'DELETE', 'rules', { headers: { 'if-match': String(put.headers['etag']) } })
    await ask(on, 'POST', 'keys', {
      body: { name: 'new', pools: [on.pool], limits: { usd_per_day: 1 }, labels: { team: 'blue' }, expires: '2099-01-01T00:00:00Z' },
    })
    await ask(on, 'GET', 'keys?limit=1')
    await ask(on, 'DELETE', 'keys/new')
    await ask(on, 'POST', 'secrets/rotate')
    await ask(on, 'GET', 'audit?limit=3')
  })

  test('about the credential of an account that renews itself', async () => {
    const oauth = { access_token: 'at-0123456789', refresh_token: 'rt-0123456789', token_url: 'http://127.0.0.1:9/token', client_id: 'client' }
    const on = await stage({ accounts: { a: { credential: { oauth } } } })
    await ask(on, 'POST', 'accounts/a/credential', { body: { access_token: 'at-new-0123456789' } })
    await ask(on, 'GET', 'accounts')
  })

  test('about what is wrong, in one shape', async () => {
    const on = await stage({ accounts: { a: {} } })
    await ask(on, 'GET', 'status', { key: null })
    await ask(on, 'GET', 'status', { key: laptopKey })
    await ask(on, 'GET', 'turns?limit=none')
    await ask(on, 'GET', 'turns/none')
    await ask(on, 'GET', `turns?key=${laptopKey}&api_key=${laptopKey}`)
    await ask(on, 'POST', 'accounts/none/test')
    await ask(on, 'DELETE', 'keys/none')
    await ask(on, 'DELETE', 'keys/laptop')
    await ask(on, 'DELETE', 'rules')
    await ask(on, 'DELETE', 'rules', { headers: { 'if-match': '"other"' } })
    await ask(on, 'POST', 'keys', { body: { name: 'laptop' } })
    await ask(on, 'POST', 'keys', { body: { name: 'x'.repeat(2 * 1024 * 1024) } })
    await ask(on, 'POST', 'keys', { body: {}, headers: { 'content-encoding': 'rot13' } })
    for (const [method, path] of [
      ['DELETE', '/admin/api/status'],
      ['GET', '/admin/api/nothing'],
    ] as const) {
      const { json } = await on.ask(null, { method, path, key: adminToken })
      expect(json).toEqual({ error: { code: expect.any(String), message: expect.any(String), param: null } })
    }
    expect([...codes].toSorted()).toEqual([
      'body_too_large',
      'invalid_api_key',
      'invalid_body',
      'invalid_query',
      'key_in_query',
      'precondition_failed',
      'precondition_required',
      'provisioned',
      'unknown_account',
      'unknown_key',
      'unknown_turn',
      'unsupported_encoding',
    ])
  })
})

test('wrong tokens are answered 429 before the fortieth in a minute, and with them, for a while, the right one', async () => {
  const on = await stage({ accounts: { a: {} } })
  const statuses: number[] = []
  for (let tries = 0; tries < 40; tries++) statuses.push((await ask(on, 'GET', 'status', { key: `guess-${tries}` })).status)
  expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(20)
  const last = await ask(on, 'GET', 'status')
  expect([statuses.at(-1), last.status, Number(last.headers['retry-after']) > 0]).toEqual([429, 429, true])
  // The scene is over: it would wait for metrics that the token does not open any more.
  await on.restart()
})

afterAll(() => {
  const all = Object.values(described.paths).flatMap((by) => Object.values(by).map(({ operationId }) => operationId))
  expect([...answered].toSorted()).toEqual(all.toSorted())
})
