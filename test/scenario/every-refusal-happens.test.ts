import { expect, test } from 'vitest'
import { catalogue, type RefusalCode } from '../../src/core/refusal.ts'
import { eventually, wire, type Answer } from '../support/client.ts'
import { gatewayOfThisFile, laptopKey, otherKey, ownGateway, question, streamed, type Scene, type Stage } from '../support/gateway.ts'
import { read } from '../support/tree.ts'

const stage = gatewayOfThisFile()

/** A scene in which a request is refused with this code. */
interface Refusing {
  readonly scene?: Scene
  readonly ask: (on: Stage) => Promise<Answer>
}

const plain: Scene = { accounts: { a: {} } }
const failing = (fault: string, more: object = {}): Scene => ({ accounts: { a: { plays: { faults: [{ fault, ...more }] } } } })
const busy: Scene = { accounts: { a: { concurrency: 1, plays: { faults: [{ fault: 'slow', before: 'head', ms: 200 }] } } } }
const asks = (body: object | string, path = '/v1/responses') => ({
  ask: (on: Stage) => on.ask(typeof body === 'string' ? body : JSON.stringify(body), { path }),
})

/** Asks while another turn is at the upstream. */
const beside = (asking: object) => async (on: Stage) => {
  const first = on.ask(streamed)
  await eventually(
    () => on.sent('a').length + on.simulator.inFlight(on.credential('a')),
    (sent) => sent > 0,
  )
  const answer = await on.ask(streamed, asking)
  await first
  return answer
}

const refusing: Readonly<Partial<Record<RefusalCode, Refusing>>> = {
  invalid_json: asks('{"model":'),
  invalid_body: asks('[]'),
  duplicate_member: asks('{"model":"a","model":"b"}'),
  background_not_supported: asks({ ...question, background: true }),
  previous_response_not_found: asks({ ...question, previous_response_id: 'resp_of_nobody' }),
  key_in_query: asks(question, `/v1/responses?key=${laptopKey}`),
  unsupported_parameter: {
    scene: { accounts: { a: { dialects: ['messages'] } } },
    ...asks({ model: 'gpt-5.5', messages: [{ role: 'user', content: 'hello' }], seed: 7 }, '/v1/chat/completions'),
  },
  invalid_api_key: { ask: (on) => on.ask(question, { key: 'tk-wrong' }) },
  model_not_allowed: {
    ask: (on) => {
      on.change({ keys: [{ name: 'laptop', key: laptopKey, pools: [on.pool], models: ['gpt-4'] }] })
      return on.ask()
    },
  },
  policy_violation: { scene: { ...plain, rules: [{ tier: 'any', action: 'block' }] }, ...asks({ ...question, service_tier: 'flex' }) },
  unknown_route: asks(question, '/v1/nowhere'),
  response_not_found: { ask: (on) => on.ask(null, { path: '/v1/responses/resp_of_nobody' }) },
  model_not_served: { scene: { accounts: { a: { models: { x: 'y' }, only_mapped: true } } }, ...asks(question) },
  method_not_allowed: { ask: (on) => on.ask(null, { method: 'PATCH' }) },
  body_too_large: { scene: { ...plain, bounds: { body: '1KiB' } }, ...asks({ ...question, input: 'z'.repeat(2000) }) },
  unsupported_encoding: { ask: (on) => on.ask(question, { headers: { 'content-encoding': 'rot13' } }) },
  rate_limit_exceeded: {
    ask: async (on) => {
      on.change({ keys: [{ name: 'hasty', key: laptopKey, pools: [on.pool], limits: { requests_per_minute: 1 } }] })
      await on.ask()
      return on.ask()
    },
  },
  insufficient_quota: {
    ask: (on) => {
      on.change({ keys: [{ name: 'penniless', key: laptopKey, pools: [on.pool], limits: { usd_per_day: 0 } }] })
      return on.ask()
    },
  },
  no_account_ready: { scene: failing('quota', { resetsInSeconds: 30 }), ...asks(question) },
  owner_not_ready: {
    scene: { accounts: { a: {}, b: {} }, failover: { patience: '0s' } },
    ask: async (on) => {
      const { json } = await on.ask()
      on.play('a', { faults: [{ fault: 'rate', retryAfterSeconds: 20 }] })
      await on.ask()
      return on.ask({ ...question, previous_response_id: json['id'] })
    },
  },
  queue_full: { scene: { ...busy, bounds: { waiting_per_key: 0 } }, ask: beside({}) },
  upstream_unreachable: { scene: failing('reset'), ...asks(question) },
  upstream_timeout: { scene: { ...failing('hang'), times: { first_event: '50ms' } }, ...asks(streamed) },
  upstream_credential: { scene: failing('credential'), ...asks(question) },
  memory_full: {
    scene: { ...plain, bounds: { body: '64KiB', bodies: '64KiB' } },
    ask: async (on) => {
      const holding = await wire(
        on.gateway.url,
        `POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${laptopKey}\r\ncontent-length: 60000\r\n\r\n{`,
      )
      const answer = await eventually(
        () => on.ask({ ...question, input: 'z'.repeat(20_000) }),
        ({ status }) => status !== 200,
      )
      holding.destroy()
      return answer
    },
  },
}

/** Those that no HTTP answer of a shared gateway can show here, and where they are shown. */
const elsewhere: Readonly<Partial<Record<RefusalCode, string>>> = {
  headers_too_large: 'test/scenario/doors.test.ts',
  websocket_required: 'test/scenario/doors.test.ts',
  ledger_unavailable: 'test/scenario/a-store-that-does-not-commit.test.ts',
  request_timeout: 'test/server/doors.test.ts',
  internal_error: 'test/server/server.test.ts',
  invalid_stream_id: 'test/scenario/lanes-run-side-by-side.test.ts',
  websocket_stream_limit_reached: 'test/scenario/lanes-run-side-by-side.test.ts',
  websocket_connection_limit_reached: 'test/scenario/what-a-lost-dialogue-is-told.test.ts',
}

const codes = Object.entries(refusing) as [RefusalCode, Refusing][]

test.each(codes)('%s', async (code, { scene, ask }) => {
  const on = await stage(scene ?? plain)
  const answer = await ask(on)
  const { status, again, type } = catalogue[code]
  expect(answer).toMatchObject({ status, json: { error: { code, message: expect.stringMatching(/^[A-Z].*\.$/s) as string, type } } })
  expect(answer.headers['x-request-id']).toMatch(/^req_/)
  if (again === 'later') expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60)
  else expect(answer.headers['x-should-retry']).toBe(again === 'no' ? 'false' : undefined)
})

// The gateway of the file cannot be stopped by one of its tests.
test('shutting_down', async () => {
  const on = await ownGateway(busy)
  const running = on.ask(streamed)
  await eventually(
    () => on.simulator.inFlight(on.credential('a')),
    (inFlight) => inFlight === 1,
  )
  const drained = on.gateway.drain()
  expect(await on.ask(question, { key: otherKey })).toMatchObject({ status: 503, json: { error: { code: 'shutting_down' } }, headers: { 'retry-after': '1' } })
  expect(await on.ask(null, { path: '/readyz' })).toMatchObject({ status: 503, json: { reason: 'the gateway is shutting down' } })
  expect(await running).toMatchObject({ status: 200, end: 'clean' })
  await drained
})

test('every code of the catalogue is reached here, or where it says so', () => {
  const reached = [...codes.map(([code]) => code), 'shutting_down', ...Object.keys(elsewhere)]
  expect(reached.toSorted()).toEqual(Object.keys(catalogue).toSorted())
  for (const [code, file] of Object.entries(elsewhere)) expect([file, read(file).includes(code)]).toEqual([file, true])
})
