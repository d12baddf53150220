import { afterEach, describe, expect, test } from 'vitest'
import { storedKeysMax, type KnownKey } from '../../src/admin/issued-keys.ts'
import type { KeyId, PoolId } from '../../src/core/ids.ts'
import { noLimits } from '../../src/core/key.ts'
import { StoreError } from '../../src/storage/store-error.ts'
import { stopAll, type Answer } from '../server/support.ts'
import { bodyOf, keyHash, keysOver, problemOf, rig, type Rig } from './support.ts'

afterEach(stopAll)

const path = '/admin/api/keys'
const create = (at: Rig, body: object): Promise<Answer> => at.get(path, { method: 'POST', body: JSON.stringify(body) })
const revoke = (at: Rig, name: string): Promise<Answer> => at.get(`${path}/${name}`, { method: 'DELETE' })
const list = async (at: Rig) => bodyOf('keys', await at.get(path)).keys
const names = (keys: readonly KnownKey[]): readonly string[] => keys.map(({ caller }) => caller.key)

function fromFile(name: string): KnownKey {
  const caller = { key: name as KeyId, pools: ['default' as PoolId], models: [], limits: noLimits }
  return { caller, hash: keyHash(`file ${name}`), tail: '****file', labels: {}, expiresAtMs: null }
}

describe('a key that is made', () => {
  test('is shown once, opens the gateway at once, and is kept as its hash and its end', async () => {
    const at = await rig()
    const { name, key } = bodyOf('createKey', await create(at, { name: 'laptop', pools: ['default'] }))
    expect({ name, key }).toEqual({ name: 'laptop', key: 'tk-made-0123456789-1' })
    expect(at.opening.now.map(({ hash }) => hash.toString())).toEqual([keyHash(key).toString()])
    const kept = await at.entities.read('key:laptop')
    expect(kept?.json).not.toContain(key)
    expect((await at.get(path)).text).not.toContain(key)
    expect(await list(at)).toEqual([
      {
        name: 'laptop',
        provisioned: false,
        state: 'active',
        tail: '****89-1',
        pools: ['default'],
        models: [],
        limits: { concurrency: null, sessions: null, requests_per_minute: null, tokens_per_minute: null, usd_per_day: null, usd_per_month: null },
        labels: {},
        expires: null,
        created: '2026-11-21T12:00:00.000Z',
      },
    ])
  })

  test('has the limits, models, labels and expiry that it was given, over a restart too', async () => {
    const at = await rig()
    const limits = { concurrency: 2, sessions: 3, requests_per_minute: 4, tokens_per_minute: 5, usd_per_day: 0.1, usd_per_month: 7.25 }
    const said = { pools: ['default'], models: ['fast-model'], limits, labels: { team: 'blue' }, expires: '2026-11-21T14:00:00+01:00' }
    await create(at, { name: 'laptop', ...said })
    expect(await list(at)).toMatchObject([{ ...said, expires: '2026-11-21T13:00:00.000Z' }])
    const opening: Rig['opening'] = { now: [] }
    await keysOver(at.entities, at.clock, opening).load()
    expect(opening.now).toEqual(at.opening.now)
    expect(opening.now[0]?.caller.limits).toEqual({
      concurrency: 2,
      sessions: 3,
      requestsPerMinute: 4,
      tokensPerMinute: 5,
      nanoUsdPerDay: 100_000_000n,
      nanoUsdPerMonth: 7_250_000_000n,
    })
    await at.clock.advance(3_600_000)
    expect(await list(at)).toMatchObject([{ state: 'expired' }])
  })

  test('takes a name that no other has', async () => {
    const at = await rig()
    at.keys.configure([fromFile('file')])
    await create(at, { name: 'laptop', pools: ['default'] })
    expect(problemOf(await create(at, { name: 'laptop', pools: ['default'] }))).toMatchObject({ status: 409, code: 'name_taken' })
    expect(problemOf(await create(at, { name: 'file', pools: ['default'] }))).toMatchObject({ status: 409, code: 'provisioned' })
    expect(names(at.opening.now)).toEqual(['file', 'laptop'])
  })

  test('of two that are made at once under one name is one', async () => {
    const at = await rig()
    const answers = await Promise.all([1, 2].map(() => create(at, { name: 'laptop', pools: ['default'] })))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409])
    expect(names(at.opening.now)).toEqual(['laptop'])
  })

  test.each([
    ['no name', { pools: ['default'] }, 'name'],
    ['a name that none may have', { name: 'a b', pools: ['default'] }, 'name'],
    ['no pool', { name: 'x', pools: [] }, 'pools'],
    ['a pool that is not there', { name: 'x', pools: ['nowhere'] }, 'pools'],
    ['a model that is none', { name: 'x', pools: ['default'], models: ['gpt-*'] }, 'models.0'],
    ['a limit of nothing', { name: 'x', pools: ['default'], limits: { concurrency: 0 } }, 'limits.concurrency'],
    ['a budget that is less than nothing', { name: 'x', pools: ['default'], limits: { usd_per_day: -1 } }, 'limits.usd_per_day'],
    ['a limit that is not known', { name: 'x', pools: ['default'], limits: { usd_per_year: 1 } }, 'usd_per_year'],
    ['an expiry that is no moment', { name: 'x', pools: ['default'], expires: 'tomorrow' }, 'expires'],
    ['an expiry that is over', { name: 'x', pools: ['default'], expires: '2026-11-21T11:59:59Z' }, 'expires'],
    ['too many labels', { name: 'x', pools: ['default'], labels: Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`l${at}`, ''])) }, 'labels'],
    ['something else', { name: 'x', pools: ['default'], key: 'tk-my-own' }, 'key'],
  ])('is not made with %s', async (_title, body, param) => {
    const at = await rig()
    expect(problemOf(await create(at, body))).toMatchObject({ status: 400, code: 'invalid_body', param })
    expect(at.opening.now).toEqual([])
  })

  test('is not made while the store does not take it', async () => {
    const at = await rig()
    at.entities.broken = new StoreError('down', 'The store does not take writes at the moment.')
    expect(problemOf(await create(at, { name: 'laptop', pools: ['default'] }))).toMatchObject({ status: 503, code: 'store_unavailable' })
    expect(at.opening.now).toEqual([])
  })

  test('is one of so many at most', async () => {
    const at = await rig()
    const json = JSON.stringify({ pools: ['default'], hash: 'aa', tail: '****', created_at: 0 })
    for (let nth = 0; nth < storedKeysMax; nth++) await at.entities.write(`key:k${nth}`, json, 0)
    await at.keys.load()
    expect(problemOf(await create(at, { name: 'more', pools: ['default'] }))).toMatchObject({ status: 409, code: 'too_many_keys' })
    expect((await revoke(at, 'k0')).status).toBe(204)
    expect((await create(at, { name: 'more', pools: ['default'] })).status).toBe(201)
  })
})

describe('a key that is revoked', () => {
  test('opens nothing at once, nor after a restart, and its name may be taken again', async () => {
    const at = await rig()
    await create(at, { name: 'laptop', pools: ['default'] })
    expect((await revoke(at, 'laptop')).status).toBe(204)
    expect([at.opening.now, await list(at)]).toEqual([[], []])
    const restarted = keysOver(at.entities, at.clock)
    await restarted.load()
    expect(restarted.list()).toEqual([])
    expect(problemOf(await revoke(at, 'laptop'))).toMatchObject({ status: 404, code: 'unknown_key' })
    const { key } = bodyOf('createKey', await create(at, { name: 'laptop', pools: ['default'] }))
    expect(at.opening.now.map(({ hash }) => hash.toString())).toEqual([keyHash(key).toString()])
  })

  test('opens nothing even where the store does not keep it so, and may be revoked again', async () => {
    const at = await rig()
    await create(at, { name: 'laptop', pools: ['default'] })
    at.entities.broken = new StoreError('down', 'The store does not take writes at the moment.')
    expect(problemOf(await revoke(at, 'laptop'))).toMatchObject({ status: 503 })
    expect(at.opening.now).toEqual([])
    at.entities.broken = null
    expect((await revoke(at, 'laptop')).status).toBe(204)
  })

  test('does not stand in the configuration file', async () => {
    const at = await rig()
    at.keys.configure([fromFile('file')])
    expect(problemOf(await revoke(at, 'file'))).toMatchObject({ status: 409, code: 'provisioned' })
    expect(names(at.opening.now)).toEqual(['file'])
  })
})

describe('a name that stands in the file and in the store', () => {
  test("is the file's: the stored key opens nothing until the file's is gone", async () => {
    const at = await rig()
    await create(at, { name: 'laptop', pools: ['default'] })
    at.keys.configure([fromFile('laptop')])
    expect(at.opening.now.map(({ tail }) => tail)).toEqual(['****file'])
    expect(await list(at)).toMatchObject([{ name: 'laptop', provisioned: true, created: null }])
    at.keys.configure([])
    expect(at.opening.now.map(({ tail }) => tail)).toEqual(['****89-1'])
  })
})

test('a stored key that nobody can read opens nothing, harms no other, and can be revoked', async () => {
  const at = await rig()
  await create(at, { name: 'good', pools: ['default'] })
  await at.entities.write('key:torn', '{"pools"', 0)
  await at.entities.write('key:odd', '{"pools":[]}', 0)
  await at.keys.load()
  expect(names(at.opening.now)).toEqual(['good'])
  expect(problemOf(await create(at, { name: 'torn', pools: ['default'] }))).toMatchObject({ code: 'name_taken' })
  expect((await revoke(at, 'torn')).status).toBe(204)
  expect((await create(at, { name: 'torn', pools: ['default'] })).status).toBe(201)
})
