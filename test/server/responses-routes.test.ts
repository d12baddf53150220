import { afterEach, describe, expect, it } from 'vitest'
import type { Account, Credential } from '../../src/core/account.ts'
import type { AccountId, KeyId, ResponseId } from '../../src/core/ids.ts'
import type { Settings } from '../../src/ports/settings.ts'
import type { Owner } from '../../src/ports/stores.ts'
import type { Call, Sent } from '../../src/ports/transport.ts'
import { responsesRoutes } from '../../src/server/responses-routes.ts'
import { ask, gate, otherKey, start, stopAll, Wire, laptopKey, type Gateway } from './support.ts'

afterEach(stopAll)

const settings = { bounds: { answerBytes: 100 }, times: { connectMs: 1000, answerMs: 10_000, clientWriteMs: 10_000 } } as Settings
const account = { id: 'main' } as Account
const credential: Credential = { kind: 'api_key', apiKey: 'upstream-key' }
const owners = new Map<string, Owner>([
  ['resp_1', { account: 'main' as AccountId, key: 'laptop' as KeyId }],
  ['resp_gone', { account: 'removed' as AccountId, key: 'laptop' as KeyId }],
])

function answer(status: number, chunks: readonly string[], end: 'end' | 'broken' = 'end'): Sent {
  return {
    kind: 'answer',
    status,
    headers: {},
    pass: [
      ['content-type', 'application/json'],
      ['x-upstream-request-id', 'up-1'],
    ],
    body: {
      read(reader) {
        for (const chunk of chunks) reader.chunk(Buffer.from(chunk))
        if (end === 'end') reader.end()
        else reader.broken('reset')
      },
      pause() {},
      resume() {},
      cancel() {},
      closed: Promise.resolve(),
    },
  }
}

async function serve(send: (call: Call) => Promise<Sent>): Promise<{ readonly gateway: Gateway; readonly calls: Call[] }> {
  const calls: Call[] = []
  const gateway = await start(({ refuser, open }) =>
    responsesRoutes({
      owners: { find: async (id: ResponseId) => owners.get(id) ?? null },
      transport: {
        send(call) {
          calls.push(call)
          return send(call)
        },
      },
      refuser,
      open,
      clock: { now: () => 0, after: () => () => undefined },
      settings: () => settings,
      owned: (id) => (id === 'main' ? { account, credential } : null),
    }),
  )
  return { gateway, calls }
}

describe('a request about a stored answer', () => {
  it.each([
    ['GET', '/v1/responses/resp_1', '/responses/resp_1'],
    ['DELETE', '/responses/resp_1', '/responses/resp_1'],
    ['POST', '/v1/responses/resp_1/cancel', '/responses/resp_1/cancel'],
    ['GET', '/v1/responses/resp_1/input_items?limit=2&order=asc&include[]=a', '/responses/resp_1/input_items?limit=2&order=asc&include%5B%5D=a'],
    ['GET', '/v1/responses/resp_1?client=1', '/responses/resp_1'],
  ])('%s %s goes to the account that owns it', async (method, path, upstreamPath) => {
    const { gateway, calls } = await serve(async () => answer(200, ['{"id":', '"resp_1"}']))
    const got = await ask(gateway, path, { method })
    expect(got).toMatchObject({ status: 200, text: '{"id":"resp_1"}' })
    expect(got.headers).toMatchObject({ 'content-type': 'application/json', 'x-upstream-request-id': 'up-1', 'content-length': '15' })
    expect(got.headers['x-request-id']).toMatch(/^req_/)
    expect(calls).toMatchObject([{ account, credential, method, path: upstreamPath, body: null }])
    expect(gateway.open.size).toBe(0)
  })

  it('passes what the upstream says is wrong with it', async () => {
    const { gateway } = await serve(async () => answer(400, ['{"error":{"code":"invalid_value"}}']))
    expect(await ask(gateway, '/v1/responses/resp_1')).toMatchObject({ status: 400, code: 'invalid_value' })
  })

  it('may have no body in its answer', async () => {
    const { gateway } = await serve(async () => answer(204, []))
    expect(await ask(gateway, '/v1/responses/resp_1', { method: 'DELETE' })).toMatchObject({ status: 204, text: '' })
  })
})

describe('one and the same 404', () => {
  it.each([
    ['the id of another key', 'resp_1', otherKey],
    ['an unknown id', 'resp_2', laptopKey],
    ['an id whose account is gone', 'resp_gone', laptopKey],
    ['something that is no id', 'a%2Fb%3Fc', laptopKey],
  ])('answers %s', async (_, id, key) => {
    const { gateway, calls } = await serve(async () => answer(200, ['{}']))
    const got = await ask(gateway, `/v1/responses/${id}`, { key })
    expect(got).toMatchObject({ status: 404, code: 'response_not_found' })
    expect((JSON.parse(got.text) as { error: { message: string } }).error.message).toBe(`Response with id '${decodeURIComponent(id)}' not found.`)
    expect(calls).toEqual([])
  })

  it('answers an id that its owner has forgotten', async () => {
    const { gateway } = await serve(async () => answer(404, ['{"error":{"message":"other words","code":null}}']))
    expect(await ask(gateway, '/v1/responses/resp_1')).toMatchObject({ status: 404, code: 'response_not_found' })
  })
})

describe('trouble with the owner', () => {
  it.each([
    [401, 503, 'upstream_credential'],
    [402, 503, 'upstream_credential'],
    [403, 503, 'upstream_credential'],
    [302, 502, 'upstream_unreachable'],
  ])('a status %i becomes %i %s', async (status, told, code) => {
    const { gateway } = await serve(async () => answer(status, ['{"error":{"message":"secret of the operator"}}']))
    const got = await ask(gateway, '/v1/responses/resp_1')
    expect(got).toMatchObject({ status: told, code })
    expect(got.text).not.toContain('secret of the operator')
  })

  it.each<[string, Sent, number, string]>([
    [
      'that it cannot be reached',
      { kind: 'signal', signal: { kind: 'unreachable', why: 'refused', handedOver: false, detail: '10.0.0.1 refused' } },
      502,
      'upstream_unreachable',
    ],
    ['that it says nothing', { kind: 'signal', signal: { kind: 'silent', waitingFor: 'head' } }, 504, 'upstream_timeout'],
    ['an answer that breaks off', answer(200, ['{'], 'broken'), 502, 'upstream_unreachable'],
    ['an answer over the bound', answer(200, ['x'.repeat(101)]), 502, 'upstream_unreachable'],
  ])('%s', async (_, sent, status, code) => {
    const { gateway } = await serve(async () => sent)
    expect(await ask(gateway, '/v1/responses/resp_1')).toMatchObject({ status, code })
  })

  it('an answer at the very bound is none', async () => {
    const { gateway } = await serve(async () => answer(200, ['x'.repeat(100)]))
    expect(await ask(gateway, '/v1/responses/resp_1')).toMatchObject({ status: 200 })
  })
})

describe('what is not built', () => {
  it('is said: streaming a stored answer', async () => {
    const { gateway, calls } = await serve(async () => answer(200, ['{}']))
    expect(await ask(gateway, '/v1/responses/resp_1?stream=true')).toMatchObject({ status: 400, code: 'invalid_body' })
    expect(calls).toEqual([])
  })
})

describe('a client that goes', () => {
  it('takes its request upstream with it', async () => {
    const inside = gate()
    const over = gate()
    const { gateway } = await serve(
      (call) =>
        new Promise((_, reject) => {
          inside.open()
          call.signal.addEventListener('abort', () => {
            over.open()
            reject(call.signal.reason as Error)
          })
        }),
    )
    const wire = new Wire(gateway).send(`GET /v1/responses/resp_1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${laptopKey}\r\n\r\n`)
    await inside.promise
    wire.socket.destroy()
    await over.promise
    expect(gateway.seen.lines).toEqual([])
  })

  it('is told of a shutdown', async () => {
    const inside = gate()
    const { gateway } = await serve(
      (call) =>
        new Promise((_, reject) => {
          inside.open()
          call.signal.addEventListener('abort', () => reject(call.signal.reason as Error))
        }),
    )
    const asked = ask(gateway, '/v1/responses/resp_1')
    await inside.promise
    gateway.open.cancelAll('shutdown')
    expect(await asked).toMatchObject({ status: 503, code: 'shutting_down' })
  })
})
