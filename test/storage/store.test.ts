import fs from 'node:fs'
import path from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Condition } from '../../src/core/health.ts'
import type { TurnId, UpstreamModel } from '../../src/core/ids.ts'
import type { TurnOpened, TurnSettled } from '../../src/core/record.ts'
import type { AccountMemory, TurnQuery } from '../../src/ports/stores.ts'
import { openStore } from '../../src/storage/store.ts'
import type { Store, StoreOptions } from '../../src/storage/store.ts'
import { account, attempt, everything, opened, settled, storeOptions } from './samples.ts'

describe('the books of turns', () => {
  let store: Store
  let options: StoreOptions
  beforeAll(async () => {
    options = storeOptions()
    store = await openStore(options)
  })
  afterAll(() => store.close())

  it('shows an open turn as soon as its open is committed', async () => {
    const turn = opened({ key: 'only-open' })
    await store.ledger.open(turn)
    expect(await store.turns.find(turn.id)).toEqual({
      id: turn.id,
      key: 'only-open',
      endpoint: 'responses',
      transport: 'http',
      model: 'fast-model',
      status: 'open',
      outcome: null,
      code: null,
      startedAtMs: turn.startedAtMs,
      firstOutputMs: null,
      durationMs: null,
      tier: { requested: 'fast', sent: null, served: null, billed: null },
      usage: null,
      charge: { nanoUsd: null, estimatedNanoUsd: null, notionalNanoUsd: null },
      attempts: [],
    })
  })

  it('shows a settled turn whole as soon as its settle is committed', async () => {
    const turn = opened()
    const record = settled(turn, {
      outcome: 'failed',
      code: 'server_error',
      attempts: [attempt('main', { outcome: 'failed', failure: 'quota', status: 429 }), attempt('backup')],
    })
    await store.ledger.open(turn)
    await store.ledger.settle(record)
    expect(await store.turns.find(turn.id)).toEqual({
      id: turn.id,
      key: 'laptop',
      endpoint: 'responses',
      transport: 'http',
      model: 'fast-model',
      status: 'settled',
      outcome: 'failed',
      code: 'server_error',
      startedAtMs: turn.startedAtMs,
      firstOutputMs: 412,
      durationMs: 3120,
      tier: record.tier,
      usage: record.usage,
      charge: record.charge,
      attempts: record.attempts,
    })
  })

  it('keeps an unknown usage unknown, and times as whole milliseconds', async () => {
    const turn = opened()
    await store.ledger.settle(settled(turn, { usage: null, firstOutputMs: null, durationMs: 12.6, attempts: [], outcome: 'refused' }))
    expect(await store.turns.find(turn.id)).toMatchObject({ usage: null, firstOutputMs: null, durationMs: 13, attempts: [] })
  })

  it('never lets an open that comes late undo a settle, nor a second settle make a second turn', async () => {
    const turn = opened({ key: 'twice' })
    await store.ledger.settle(settled(turn))
    await store.ledger.open(turn)
    expect(await store.turns.find(turn.id)).toMatchObject({ status: 'settled', outcome: 'completed' })
    await store.ledger.settle(settled(turn))
    expect(await store.turns.list({ ...everything, key: 'twice' })).toMatchObject([{ id: turn.id, status: 'settled' }])
  })

  it('knows no turn by an id that it never had', async () => {
    expect(await store.turns.find(opened().id)).toBeNull()
  })

  it('commits 500 turns that begin at once in a few transactions', async () => {
    const before = store.commitCount()
    await Promise.all(Array.from({ length: 500 }, () => store.ledger.open(opened({ key: 'crowd' }))))
    expect(store.commitCount() - before).toBeLessThanOrEqual(3)
    expect(store.ledger.lag()).toBe(0)
    expect(store.ledger.commits()).toBe(true)
    expect(store.ready()).toBe(true)
  })

  it('makes its file and the log beside it readable by their owner only', () => {
    for (const name of fs.readdirSync(path.dirname(options.file)))
      expect([name, fs.statSync(path.join(path.dirname(options.file), name)).mode & 0o077]).toEqual([name, 0])
  })
})

describe('the list of turns', () => {
  let store: Store
  let turns: TurnOpened[]
  beforeAll(async () => {
    store = await openStore(storeOptions())
    turns = Array.from({ length: 8 }, (_, i) => opened({ key: i % 2 === 0 ? 'even' : 'odd' }))
    const ends: readonly (Partial<TurnSettled> | null)[] = [
      {},
      { attempts: [attempt('main'), attempt('backup')] },
      { outcome: 'failed', attempts: [attempt('backup'), attempt('main')] },
      { outcome: 'refused', attempts: [] },
      null,
      { attempts: [attempt('main'), attempt('main')] },
      null,
      { outcome: 'cancelled', attempts: [attempt('backup')] },
    ]
    await Promise.all(turns.map((turn, i) => (ends[i] === null ? store.ledger.open(turn) : store.ledger.settle(settled(turn, ends[i])))))
  })
  afterAll(() => store.close())

  const cases: readonly (readonly [title: string, query: Partial<TurnQuery>, expected: readonly number[]])[] = [
    ['is newest first', {}, [7, 6, 5, 4, 3, 2, 1, 0]],
    ['ends at the limit', { limit: 3 }, [7, 6, 5]],
    ['shows one turn at least', { limit: 0 }, [7]],
    ['of a key has only its turns', { key: 'odd' }, [7, 5, 3, 1]],
    ['of an unknown key is empty', { key: 'nobody' }, []],
    ['of a status', { status: 'open' }, [6, 4]],
    ['of settled turns', { status: 'settled' }, [7, 5, 3, 2, 1, 0]],
    ['of interrupted turns is empty while there are none', { status: 'interrupted' }, []],
    ['of an outcome', { outcome: 'failed' }, [2]],
    ['of completed turns', { outcome: 'completed' }, [5, 1, 0]],
    ['of an account has the turns that ended with it and those that failed over from it, each once', { account: 'main' }, [5, 2, 1, 0]],
    ['of another account', { account: 'backup' }, [7, 2, 1]],
    ['of an account ends at the limit', { account: 'main', limit: 2 }, [5, 2]],
    ['joins filters', { account: 'main', key: 'even', outcome: 'completed', status: 'settled' }, [0]],
  ]
  for (const [title, query, expected] of cases) {
    it(title, async () => {
      const rows = await store.turns.list({ ...everything, ...query })
      expect(rows.map((row) => turns.findIndex((turn) => turn.id === row.id))).toEqual(expected)
    })
  }

  it('goes on before a turn, with and without a filter', async () => {
    const before = turns[5]?.id ?? null
    const indexes = async (query: Partial<TurnQuery>) =>
      (await store.turns.list({ ...everything, before, ...query })).map((row) => turns.findIndex((turn) => turn.id === row.id))
    expect(await indexes({ limit: 2 })).toEqual([4, 3])
    expect(await indexes({ account: 'main' })).toEqual([2, 1, 0])
    expect(await indexes({ key: 'odd', limit: 1 })).toEqual([3])
  })

  it('has at most 100 turns, whatever is asked', async () => {
    const many = await openStore(storeOptions())
    await Promise.all(Array.from({ length: 120 }, () => many.ledger.open(opened())))
    expect((await many.turns.list({ ...everything, limit: 1000 })).length).toBe(100)
    await many.close()
  })
})

describe('the owners of stored answers', () => {
  it('are known from the moment of the settle, before its commit', async () => {
    const store = await openStore(storeOptions())
    const settle = store.ledger.settle(settled(opened(), { owned: { ids: ['resp_1', 'msg_1'], account: account('main') } }))
    expect(await store.owners.find('resp_1')).toEqual({ account: 'main', key: 'laptop' })
    expect(store.ledger.lag()).toBe(1)
    await settle
    expect(await store.owners.find('resp_2')).toBeNull()
    await store.close()
  })

  it('are found after a restart, the latest giver of an id first', async () => {
    const options = storeOptions()
    const first = await openStore(options)
    await first.ledger.settle(settled(opened(), { owned: { ids: ['resp_1', 'msg_1'], account: account('main') } }))
    await first.ledger.settle(settled(opened({ key: 'desk' }), { owned: { ids: ['resp_1', 'msg_1'], account: account('backup') } }))
    await first.close()
    const second = await openStore(options)
    for (const id of ['resp_1', 'msg_1']) expect(await second.owners.find(id)).toEqual({ account: 'backup', key: 'desk' })
    await second.close()
  })
})

describe('what a restart must not forget of an account', () => {
  it('is there after it, the newest of each', async () => {
    const options = storeOptions()
    const resting: Condition = {
      health: { kind: 'cooling', sinceMs: 1, untilMs: 2 ** 45, stated: true, why: { kind: 'quota', status: 429, code: 'usage_limit_reached' } },
      strikes: [{ kind: 'quota', atMs: 1 }],
      proven: false,
    }
    const memory = (name: string, enabled: boolean): AccountMemory => ({
      account: account(name),
      generation: 'g1',
      enabled,
      condition: resting,
      pairs: [{ model: 'gpt-5.5' as UpstreamModel, condition: resting }],
    })
    const first = await openStore(options)
    await Promise.all([first.memories.keep(memory('main', true)), first.memories.keep(memory('backup', false))])
    await first.memories.keep(memory('main', false))
    expect(await first.memories.all()).toEqual([memory('backup', false), memory('main', false)])
    await first.close()
    const second = await openStore(options)
    expect(await second.memories.all()).toEqual([memory('backup', false), memory('main', false)])
    await second.close()
  })
})

describe('a stored entity', () => {
  let store: Store
  beforeAll(async () => {
    store = await openStore(storeOptions())
  })
  afterAll(() => store.close())

  it('is absent at first, and is written only by who names the version that stands', async () => {
    expect(await store.entities.read('rules')).toBeNull()
    expect(await store.entities.write('rules', '[1]', 7)).toBeNull()
    expect(await store.entities.write('rules', '[1]', 0)).toBe(1)
    expect(await store.entities.write('rules', '[2]', 0)).toBeNull()
    expect(await store.entities.write('rules', '[3]', 1)).toBe(2)
    expect(await store.entities.read('rules')).toEqual({ json: '[3]', version: 2 })
  })

  it('once deleted is absent, and its versions never come back', async () => {
    expect(await store.entities.write('page', 'a', 0)).toBe(1)
    expect(await store.entities.write('page', null, 1)).toBe(2)
    expect(await store.entities.read('page')).toBeNull()
    expect(await store.entities.write('page', 'b', 2)).toBeNull()
    expect(await store.entities.write('page', 'b', 0)).toBe(3)
  })

  it('is written by one of two who write at once', async () => {
    const both = await Promise.all([store.entities.write('race', 'a', 0), store.entities.write('race', 'b', 0)])
    expect(both).toEqual([1, null])
  })
})

describe('closing the store', () => {
  it('writes what was handed over, leaves no log beside the file, and takes nothing more', async () => {
    const options = storeOptions()
    const store = await openStore(options)
    const turn = opened()
    const promises = [store.ledger.open(turn), store.ledger.settle(settled(turn))]
    await store.close()
    await Promise.all(promises)
    await expect(store.ledger.open(opened())).rejects.toThrow('The store is closed.')
    await expect(store.turns.find(turn.id)).rejects.toThrow('cannot be read')
    await expect(store.entities.write('rules', '[]', 0)).rejects.toThrow('does not take writes')
    expect(store.ready()).toBe(false)
    expect(fs.readdirSync(path.dirname(options.file))).toEqual(['turnout.db', 'turnout.spool'])
    const db = new Sqlite(options.file, { readonly: true })
    expect(db.prepare('select id, status from turns').all()).toEqual([{ id: turn.id, status: 'settled' }])
    db.close()
  })
})

it('a row of the books cannot be written for a reason of its own: its turn is told, the others stand', async () => {
  const store = await openStore(storeOptions())
  const good = opened()
  const bad = { ...opened(), key: null as unknown as TurnOpened['key'] }
  const results = await Promise.allSettled([store.ledger.open(good), store.ledger.open(bad)])
  expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected'])
  expect((await store.turns.list(everything)).map((row): TurnId => row.id)).toEqual([good.id])
  await store.ledger.open(opened())
  expect(store.ledger.commits()).toBe(true)
  await store.close()
})
