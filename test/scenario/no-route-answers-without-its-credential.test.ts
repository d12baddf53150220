import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfiguration } from '../../src/config/load.ts'
import { resolve } from '../../src/config/resolve.ts'
import { createLog } from '../../src/observe/log.ts'
import { Parts, type Foundation } from '../../src/parts.ts'
import type { Guard, Route } from '../../src/ports/routes.ts'
import { openStore, type Store } from '../../src/storage/store.ts'
import { storeOptions } from '../storage/samples.ts'

const adminToken = 'at-admin-0123456789'
const metricsToken = 'mt-metrics-0123456789'
const laptopKey = 'tk-laptop-0123456789'
const expiredKey = 'tk-expired-0123456789'

const configuration = {
  accounts: [{ name: 'a', upstream: 'simulator' }],
  pools: [{ name: 'default', accounts: ['a'] }],
  keys: [
    { name: 'laptop', key: laptopKey, pools: ['default'] },
    { name: 'expired', key: expiredKey, pools: ['default'], expires: '2020-01-01T00:00:00Z' },
  ],
  admin: { token: adminToken },
  metrics: { token: metricsToken },
}

// The table of routes is known when tests are named, so the gateway stands before any of them runs.
const folder = mkdtempSync(join(tmpdir(), 'turnout-'))
const { parts, store } = await built()
let url = ''
let revokedKey = ''

async function built(): Promise<{ readonly parts: Parts; readonly store: Store }> {
  const file = join(folder, 'turnout.yaml')
  writeFileSync(file, JSON.stringify(configuration))
  const loaded = loadConfiguration(file, {})
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems))
  const secret = Buffer.alloc(32, 1)
  const resolved = resolve(loaded.configuration, { folder, secret, simulatorUrl: null, trialKey: null })
  const store = await openStore(storeOptions())
  const log = createLog('error', { write: () => undefined })
  const sealing: Foundation['sealing'] = { keys: [secret], begin: () => ({ kind: 'unusable', why: 'it stays' }), end: () => null }
  return { parts: new Parts({ resolved, secret, sealing, adminToken, store, log, version: 'test' }), store }
}

beforeAll(async () => {
  await parts.recall()
  const { port } = await parts.server.listen('127.0.0.1', 0)
  url = `http://127.0.0.1:${port}`
  const created = await ask({ method: 'POST', path: '/admin/api/keys' }, adminToken, JSON.stringify({ name: 'revoked', pools: ['default'] }))
  revokedKey = (JSON.parse(created.text) as { readonly key: string }).key
  expect((await ask({ method: 'POST', path: '/v1/responses' }, revokedKey)).status).toBe(400)
  expect((await ask({ method: 'DELETE', path: '/admin/api/keys/revoked' }, adminToken)).status).toBe(204)
})

afterAll(async () => {
  await parts.server.drain(0)
  await parts.stop()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Asked {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
}

let addresses = 0

/** Each from an address of its own: wrong tokens are counted by where they come from. */
async function ask({ method, path, headers = {} }: Asked, token: string | null, body = ''): Promise<{ readonly status: number; readonly text: string }> {
  addresses++
  const localAddress = `127.9.${addresses >> 8}.${addresses & 255}`
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` }
  const asking = request(`${url}${path}`, { method, agent: false, localAddress, headers: { ...authorization, ...headers } })
  asking.end(body)
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
  return { status: response.statusCode ?? 0, text }
}

/** What opens nothing behind this guard; `null`: no credential at all. */
const wrong: Readonly<Record<Exclude<Guard, 'open'>, readonly (readonly [title: string, token: () => string | null])[]>> = {
  key: [
    ['no key', () => null],
    ['an empty key', () => ''],
    ['a key that was never issued', () => 'tk-nobody-0123456789'],
    ['a key that has expired', () => expiredKey],
    ['a key that was revoked', () => revokedKey],
    ['the admin token', () => adminToken],
    ['the metrics token', () => metricsToken],
    ['the beginning of a key', () => laptopKey.slice(0, -1)],
  ],
  admin: [
    ['no token', () => null],
    ['an empty token', () => ''],
    ['a wrong token', () => 'at-nobody-0123456789'],
    ['a key', () => laptopKey],
    ['a key that was revoked', () => revokedKey],
    ['the metrics token', () => metricsToken],
    ['the beginning of the admin token', () => adminToken.slice(0, -1)],
  ],
  metrics: [
    ['no token', () => null],
    ['an empty token', () => ''],
    ['a wrong token', () => 'mt-nobody-0123456789'],
    ['a key', () => laptopKey],
    ['the beginning of the metrics token', () => metricsToken.slice(0, -1)],
  ],
}

const right: Readonly<Record<Exclude<Guard, 'open'>, readonly string[]>> = { key: [laptopKey], admin: [adminToken], metrics: [metricsToken, adminToken] }

/** The addresses at which a route is served. */
function addressesOf({ path }: Route): readonly string[] {
  const filled = path.replaceAll(/:\w+/g, 'x').replace(/\*$/, 'x')
  return filled.startsWith('/v1/') ? [filled, filled.slice(3)] : [filled]
}

const methodsOf = ({ method }: Route): readonly string[] => (method === 'GET' ? ['GET', 'HEAD'] : [method])

const guarded = parts.routes.flatMap((route) => (route.guard === 'open' ? [] : [{ route, guard: route.guard }]))

// H1
describe.each(guarded.map(({ route, guard }) => [`${route.method} ${route.path}`, guard, route] as const))(
  '%s, which needs the guard %s,',
  (_title, guard, route) => {
    test.each(wrong[guard])('does not answer to %s', async (_wrong, token) => {
      for (const path of addressesOf(route)) {
        for (const method of methodsOf(route)) {
          const said = [await ask({ method, path }, token()), await ask({ method, path, headers: { 'x-api-key': token() ?? '' } }, null)]
          for (const { status, text } of said) expect([status, method === 'HEAD' || text.includes('invalid_api_key')]).toEqual([401, true])
        }
      }
    })

    test('does not answer to a key in its address', async () => {
      for (const path of addressesOf(route)) {
        // Operators filter lists by the name of a key, and what is in the place of that name opens nothing.
        const { status } = await ask({ method: route.method, path: `${path}?api_key=${laptopKey}` }, null)
        expect(status).toBe(400)
      }
    })

    test('answers to its own credential', async () => {
      for (const token of right[guard]) {
        for (const path of addressesOf(route)) expect([401, 403]).not.toContain((await ask({ method: route.method, path }, token)).status)
      }
    })
  },
)

describe('a session', () => {
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' }

  test.each(wrong.key)('is not opened with %s', async (_title, token) => {
    for (const path of ['/v1/responses', '/responses']) {
      const { status, text } = await ask({ method: 'GET', path, headers: upgrade }, token())
      expect([status, text.includes('invalid_api_key')]).toEqual([401, true])
    }
  })
})

test('what anyone may ask is this, and nothing else', () => {
  const open = parts.routes.filter(({ guard }) => guard === 'open').map(({ method, path }) => `${method} ${path}`)
  expect(open.toSorted()).toEqual(['GET /healthz', 'GET /openapi.json', 'GET /readyz'])
})

test('every guard stands before some route', () => {
  expect(new Set(guarded.map(({ guard }) => guard))).toEqual(new Set(['key', 'admin', 'metrics']))
})
