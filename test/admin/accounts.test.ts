import { afterEach, describe, expect, test } from 'vitest'
import type { Signal } from '../../src/core/failure.ts'
import type { UpstreamModel } from '../../src/core/ids.ts'
import { parseMapping } from '../../src/core/model.ts'
import { noUsage } from '../../src/core/usage.ts'
import type { SmallTurn } from '../../src/upstream/small-turn.ts'
import { pairsShownMax } from '../../src/admin/shown.ts'
import { stopAll } from '../server/support.ts'
import { account } from '../support/accounts.ts'
import { bodyOf, named, problemOf, rig, type Rig } from './support.ts'

afterEach(stopAll)

const shown = async (at: Rig, name: string) => {
  const { accounts } = bodyOf('accounts', await at.get('/admin/api/accounts'))
  return accounts.find((each) => each.name === name)
}

describe('GET accounts', () => {
  test('an account that nothing has happened to is ready', async () => {
    const at = await rig()
    expect(await shown(at, 'main')).toEqual({
      name: 'main',
      upstream: 'openai',
      dialects: ['responses', 'chat'],
      enabled: true,
      provisioned: true,
      health: { state: 'ready', until: null, why: null },
      pairs: [],
      leases: 0,
      windows: [],
      last_failures: [],
    })
  })

  // B1
  test('a cooling account says until when, and names the status and the code', async () => {
    const at = await rig()
    await at.fail('main')
    const main = await shown(at, 'main')
    expect(main?.health).toEqual({ state: 'cooling', until: '2026-11-21T12:10:00.000Z', why: 'quota 403 usage_limit_reached' })
    expect(main?.last_failures).toEqual([{ at: '2026-11-21T12:00:00.000Z', kind: 'quota', status: 403, code: 'usage_limit_reached' }])
  })

  test('a cooling that is over shows as ready', async () => {
    const at = await rig()
    await at.fail('main')
    await at.clock.advance(600_001)
    expect((await shown(at, 'main'))?.health.state).toBe('ready')
  })

  test('a retired account says why and no time', async () => {
    const at = await rig()
    await at.fail('main', { kind: 'credential', status: 401, code: 'invalid_api_key', final: true })
    expect((await shown(at, 'main'))?.health).toEqual({ state: 'retired', until: null, why: 'credential 401 invalid_api_key' })
  })

  test('a model that rests on this account alone stands among its pairs', async () => {
    const at = await rig()
    await at.fail('main', { kind: 'model', blame: 'pair', status: 404, code: 'model_not_found' })
    const main = await shown(at, 'main')
    expect(main?.health.state).toBe('ready')
    expect(main?.pairs).toEqual([{ model: 'gpt-5.5', health: { state: 'cooling', until: '2026-11-21T12:30:00.000Z', why: 'model 404 model_not_found' } }])
  })

  test(`no more than ${pairsShownMax} pairs are shown`, async () => {
    const at = await rig()
    const main = at.accounts.find(named('main'))
    const condition = {
      health: { kind: 'retired' as const, sinceMs: 0, why: { kind: 'model' as const, status: 404, code: null } },
      strikes: [],
      proven: false,
    }
    for (let i = 0; i <= pairsShownMax; i++) main?.pairs.set(`model-${i}` as UpstreamModel, { condition, prover: null })
    expect((await shown(at, 'main'))?.pairs).toHaveLength(pairsShownMax)
  })
})

describe('what the operator does with an account', () => {
  // B24
  test('reset makes a cooling account ready at once', async () => {
    const at = await rig()
    await at.fail('main')
    const after = bodyOf('reset', await at.get('/admin/api/accounts/main/reset', { method: 'POST' }))
    expect(after.health.state).toBe('ready')
    expect(at.accounts.find(named('main'))?.state(at.clock.now())).toBe('ready')
  })

  // B24
  test('reset makes a retired account ready at once', async () => {
    const at = await rig()
    await at.fail('main', { kind: 'credential', status: 401, code: 'invalid_api_key', final: true })
    await at.get('/admin/api/accounts/main/reset', { method: 'POST' })
    expect((await shown(at, 'main'))?.health.state).toBe('ready')
  })

  test('disable takes it out of service, enable puts it back, and its health is untouched', async () => {
    const at = await rig()
    await at.fail('main')
    expect(bodyOf('disable', await at.get('/admin/api/accounts/main/disable', { method: 'POST' }))).toMatchObject({
      enabled: false,
      health: { state: 'cooling' },
    })
    expect(at.accounts.find(named('main'))?.enabled).toBe(false)
    expect(bodyOf('enable', await at.get('/admin/api/accounts/main/enable', { method: 'POST' }))).toMatchObject({ enabled: true, health: { state: 'cooling' } })
  })

  test('each change is a line in the log, with the account and the request', async () => {
    const at = await rig()
    await at.get('/admin/api/accounts/main/disable', { method: 'POST', headers: { 'x-request-id': 'req-7' } })
    await at.get('/admin/api/accounts')
    const changes = at.gateway.seen.lines.filter(({ fields }) => 'change' in fields)
    expect(changes.map(({ fields }) => fields)).toEqual([{ change: 'disable', name: 'main', request: 'req-7' }])
  })

  test.each(['reset', 'disable', 'enable', 'test'])('%s of an account that does not exist names those that do', async (verb) => {
    const at = await rig()
    const no = problemOf(await at.get(`/admin/api/accounts/mian/${verb}`, { method: 'POST' }))
    expect(no).toEqual({ status: 404, code: 'unknown_account', param: 'name', message: "No account is named 'mian'. There are: main, backup." })
  })
})

describe('POST test', () => {
  const refused = (message: string): Signal => ({
    kind: 'answer',
    status: 401,
    headers: {},
    body: 'json',
    error: { code: 'invalid_api_key', type: null, message, param: null, resetsAt: undefined, resetsInSeconds: undefined },
  })

  const tried = async (at: Rig, query = '') => at.get(`/admin/api/accounts/main/test${query}`, { method: 'POST' })
  const nothing = { text: null, usage: null, duration_ms: 0 }
  const unwell = (message: string) => async () => ({ kind: 'unwell', model: 'gpt-5.5' as UpstreamModel, signal: refused(message) }) as const

  test('says what the upstream answered', async () => {
    const at = await rig()
    at.trial.says = async () => {
      await at.clock.advance(42)
      return { kind: 'answered', model: 'gpt-5.5' as UpstreamModel, text: 'pong', usage: { ...noUsage, inputTokens: 8, outputTokens: 2 } }
    }
    expect(bodyOf('test', await tried(at))).toEqual({
      account: 'main',
      outcome: 'well',
      kind: null,
      status: null,
      code: null,
      message: null,
      model: 'gpt-5.5',
      text: 'pong',
      usage: { input_tokens: 8, cached_tokens: 0, cache_write_tokens: 0, long_cache_write_tokens: 0, output_tokens: 2, reasoning_tokens: 0 },
      duration_ms: 42,
    })
  })

  test('says what came back from one that is not well, and touches no health', async () => {
    const at = await rig()
    at.trial.says = unwell('Incorrect API key.')
    expect(bodyOf('test', await tried(at))).toEqual({
      account: 'main',
      outcome: 'unwell',
      kind: 'credential',
      status: 401,
      code: 'invalid_api_key',
      message: 'Incorrect API key.',
      model: 'gpt-5.5',
      ...nothing,
    })
    const main = await shown(at, 'main')
    expect([main?.health.state, main?.last_failures, main?.leases]).toEqual(['ready', [], 0])
  })

  test('touches no health of one that rests, either', async () => {
    const at = await rig()
    await at.fail('main')
    expect(bodyOf('test', await tried(at)).outcome).toBe('well')
    expect((await shown(at, 'main'))?.health.state).toBe('cooling')
  })

  test('asks the model that is named, as the mapping of the account has it', async () => {
    const at = await rig([account('main', { mapping: parseMapping({ 'fast-model': 'gpt-5.5' }, true) })])
    expect(bodyOf('test', await tried(at, '?model=fast-model')).model).toBe('gpt-5.5')
    expect(problemOf(await tried(at, '?model=other'))).toMatchObject({ status: 400, code: 'invalid_query', param: 'model' })
  })

  test('asks to be told the model where nobody knows one', async () => {
    const at = await rig()
    at.trial.says = async () => ({ kind: 'no-model' })
    expect(problemOf(await tried(at))).toMatchObject({
      status: 400,
      code: 'invalid_query',
      param: 'model',
      message: expect.stringContaining('say which one to ask'),
    })
  })

  test('asks an upstream once for all who ask the same at the same time', async () => {
    const at = await rig()
    const answered: SmallTurn = { kind: 'answered', model: 'gpt-5.5' as UpstreamModel, text: '', usage: null }
    const { promise, resolve } = Promise.withResolvers<SmallTurn>()
    at.trial.says = () => promise
    const both = [tried(at), tried(at)]
    await expect.poll(() => at.trial.asked).toBe(1)
    // The second request has been taken once a later one is answered.
    await at.get('/admin/api/status')
    resolve(answered)
    expect((await Promise.all(both)).map((answer) => bodyOf('test', answer).outcome)).toEqual(['well', 'well'])
    expect(at.trial.asked).toBe(1)
    at.trial.says = async () => answered
    await tried(at)
    expect(at.trial.asked).toBe(2)
  })
})

describe('lists of names', () => {
  test('are read page by page', async () => {
    const at = await rig(['c', 'a', 'd', 'b'].map((name) => account(name)))
    const first = bodyOf('accounts', await at.get('/admin/api/accounts?limit=3'))
    expect([first.accounts.map(({ name }) => name), first.next]).toEqual([['a', 'b', 'c'], 'c'])
    const second = bodyOf('accounts', await at.get(`/admin/api/accounts?limit=3&after=${first.next}`))
    expect([second.accounts.map(({ name }) => name), second.next]).toEqual([['d'], null])
    for (const name of ['z', 'y']) await at.get('/admin/api/keys', { method: 'POST', body: JSON.stringify({ name, pools: ['default'] }) })
    const keys = bodyOf('keys', await at.get('/admin/api/keys?limit=1'))
    expect([keys.keys.map(({ name }) => name), keys.next]).toEqual([['y'], 'y'])
  })

  test.each([0, 1001, 'all'])('are not read by %s', async (limit) => {
    const at = await rig()
    expect(problemOf(await at.get(`/admin/api/accounts?limit=${limit}`))).toMatchObject({ status: 400, param: 'limit' })
  })
})

describe('GET status', () => {
  test('counts accounts by their state', async () => {
    const at = await rig([account('a'), account('b'), account('c'), account('d')])
    await at.fail('b')
    await at.fail('c', { kind: 'credential', status: 401, code: 'invalid_api_key', final: true })
    at.accounts.setEnabled(named('d'), false)
    expect(bodyOf('status', await at.get('/admin/api/status'))).toEqual({
      version: '0.1.0',
      started_at: '2026-11-21T12:00:00.000Z',
      config: { loaded_at: '2026-11-21T12:00:00.000Z', error: null },
      ready: true,
      turns_open: 2,
      sessions: 0,
      accounts: { ready: 1, cooling: 1, retired: 1, disabled: 1 },
    })
  })

  test('shows what is wrong with a configuration that was not applied', async () => {
    const at = await rig()
    at.standing.now = { ...at.standing.now, config: { loadedAtMs: at.clock.now(), error: 'turnout.yaml:3:1: rules is other text' } }
    expect(bodyOf('status', await at.get('/admin/api/status')).config.error).toBe('turnout.yaml:3:1: rules is other text')
  })
})
