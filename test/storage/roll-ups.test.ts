import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { ClientModel } from '../../src/core/ids.ts'
import type { Outcome, TurnSettled } from '../../src/core/record.ts'
import type { UsageBy, UsageQuery, UsageRow } from '../../src/ports/usage-books.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { migrations } from '../../src/storage/migrations.ts'
import { modelsPerHourMax, otherModels } from '../../src/storage/roll-up-columns.ts'
import { countedPerStep, RollUps } from '../../src/storage/roll-ups.ts'
import { openColumns, settleColumns, settleRow } from '../../src/storage/rows.ts'
import { prepareStatements } from '../../src/storage/statements.ts'
import { openStore } from '../../src/storage/store.ts'
import type { Store, StoreOptions } from '../../src/storage/store.ts'
import { UsageQueries } from '../../src/storage/usage-queries.ts'
import { eventually } from '../support/client.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { attempt, fileOfVersion, opened, settled, storeOptions } from './samples.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const startMs = Date.UTC(2026, 10, 18, 7, 30)
const all: UsageQuery = { by: 'key', fromMs: null, toMs: null }
const ways: readonly UsageBy[] = ['key', 'account', 'model', 'day']

/** Turns of every kind over four days, no two of them alike. */
function turns(count: number): readonly TurnSettled[] {
  const outcomes: readonly Outcome[] = ['completed', 'completed', 'incomplete', 'failed', 'cancelled', 'refused']
  return Array.from({ length: count }, (_, n) => {
    const outcome = outcomes[n % outcomes.length] ?? 'completed'
    const startedAtMs = startMs + Math.floor((n * 3.7 * dayMs) / count)
    const known = outcome !== 'refused' && n % 7 !== 0
    return settled(opened({ key: `key-${n % 3}`, model: `model-${n % 5}` as ClientModel, startedAtMs }), {
      outcome,
      firstOutputMs: outcome === 'refused' ? null : 10,
      usage: known
        ? {
            inputTokens: 1000 + n,
            cachedTokens: n,
            cacheWriteTokens: n % 11,
            longCacheWriteTokens: Math.min(n % 3, n % 11),
            outputTokens: 2 * n,
            reasoningTokens: n % 13,
          }
        : null,
      charge: {
        nanoUsd: n % 5 === 0 ? null : BigInt(n) * 1_000_003n,
        estimatedNanoUsd: n % 7 === 0 ? BigInt(n) : null,
        notionalNanoUsd: n % 4 === 0 ? 7n : null,
      },
      attempts: outcome === 'refused' ? [] : [attempt(`account-${n % 4}`)],
      tier: { requested: null, sent: null, served: null, billed: n % 2 === 0 ? 'default' : null },
    })
  })
}

/** The same sums, the long way. */
function longWay(records: readonly TurnSettled[], { by, fromMs, toMs }: UsageQuery): readonly UsageRow[] {
  const nameOf = ({ opened: turn, attempts }: TurnSettled): string | null =>
    by === 'key'
      ? turn.key
      : by === 'model'
        ? turn.model
        : by === 'account'
          ? (attempts.at(-1)?.account ?? null)
          : new Date(turn.startedAtMs).toISOString().slice(0, 10)
  const inside = records.filter(({ opened: { startedAtMs } }) => startedAtMs >= (fromMs ?? 0) && startedAtMs < (toMs ?? Infinity))
  const groups = Map.groupBy(inside, nameOf)
  const money = (amounts: readonly (bigint | null)[]) => amounts.reduce<bigint | null>((sum, amount) => (amount === null ? sum : (sum ?? 0n) + amount), null)
  const rows = Array.from(groups, ([name, group]): UsageRow => {
    const used = group.flatMap(({ usage }) => (usage === null ? [] : [usage]))
    const sum = (of: (usage: NonNullable<TurnSettled['usage']>) => number) => used.reduce((total, usage) => total + of(usage), 0)
    return {
      name,
      turns: group.length,
      usage:
        used.length === 0
          ? null
          : {
              inputTokens: sum((u) => u.inputTokens),
              cachedTokens: sum((u) => u.cachedTokens),
              cacheWriteTokens: sum((u) => u.cacheWriteTokens),
              longCacheWriteTokens: sum((u) => u.longCacheWriteTokens),
              outputTokens: sum((u) => u.outputTokens),
              reasoningTokens: sum((u) => u.reasoningTokens),
            },
      charge: {
        nanoUsd: money(group.map(({ charge }) => charge.nanoUsd)),
        estimatedNanoUsd: money(group.map(({ charge }) => charge.estimatedNanoUsd)),
        notionalNanoUsd: money(group.map(({ charge }) => charge.notionalNanoUsd)),
      },
      unknownTurns: group.filter(({ outcome, charge, usage }) => outcome !== 'refused' && (charge.nanoUsd === null || usage === null)).length,
    }
  })
  const byName = (a: UsageRow, b: UsageRow) => (a.name ?? '').localeCompare(b.name ?? '')
  return rows.toSorted((a, b) => (by === 'day' ? byName(a, b) : b.turns - a.turns || byName(a, b)))
}

const expectSums = async (store: Store, records: readonly TurnSettled[], query: UsageQuery): Promise<void> =>
  expect(await store.usage.sum(query)).toEqual(longWay(records, query))

describe('the sums over turns', () => {
  const ranges: readonly (readonly [from: number | null, to: number | null])[] = [
    [null, null],
    [startMs - 30 * 60_000, null],
    [null, startMs - 30 * 60_000 + dayMs],
    [startMs + 90 * 60_000, startMs + 150 * 60_000],
    [Date.UTC(2026, 10, 19), Date.UTC(2026, 10, 21)],
    [Date.UTC(2026, 10, 18, 20), Date.UTC(2026, 10, 20, 3)],
    [Date.UTC(2030, 0, 1), null],
  ]

  it('are those of the turns, by key, account, model and day, over any hours, before and after days are summed up', async () => {
    const options = storeOptions({ clock: new VirtualClock(startMs) })
    const records = turns(400)
    const first = await openStore(options)
    await Promise.all(records.slice(0, 300).map((record) => first.ledger.settle(record)))
    for (const by of ways) for (const [fromMs, toMs] of ranges) await expectSums(first, records.slice(0, 300), { by, fromMs, toMs })
    await first.close()

    const store = await openStore({ ...options, clock: new VirtualClock(startMs + 4 * dayMs) })
    expect((await store.sweep()).days).toBeGreaterThanOrEqual(2)
    // These come after their days were summed up.
    await Promise.all(records.slice(300).map((record) => store.ledger.settle(record)))
    for (const by of ways) for (const [fromMs, toMs] of ranges) await expectSums(store, records, { by, fromMs, toMs })
    await store.close()
    const db = new Sqlite(options.file, { readonly: true })
    expect(db.prepare(`select count(distinct starts_at) from roll_ups where span = 'day'`).pluck().get()).toBeGreaterThanOrEqual(2)
    db.close()
  })

  it('count a turn once, however often its settle comes', async () => {
    const store = await openStore(storeOptions())
    const record = settled(opened())
    await store.ledger.open(record.opened)
    for (let i = 0; i < 3; i++) await store.ledger.settle(record)
    await expectSums(store, [record], all)
    await store.close()
  })

  it('count nothing of a transaction that was not written', async () => {
    const store = await openStore(storeOptions())
    const bad = settled({ ...opened(), key: null as never })
    const good = settled(opened())
    await expect(Promise.all([store.ledger.settle(bad), store.ledger.settle(good)])).rejects.toThrow('cannot take a record')
    await expectSums(store, [good], all)
    await store.close()
  })

  it('hold turns that a crash cut off as unknown, until their records are deleted', async () => {
    const options = storeOptions()
    const first = await openStore(options)
    await Promise.all([first.ledger.open(opened()), first.ledger.settle(settled(opened()))])
    await first.close()
    const store = await openStore(options)
    expect(await store.usage.sum(all)).toMatchObject([{ name: 'laptop', turns: 2, unknownTurns: 1, usage: { inputTokens: 1200 } }])
    expect(await store.usage.sum({ ...all, by: 'account' })).toMatchObject([
      { name: null, turns: 1, unknownTurns: 1, usage: null },
      { name: 'main', unknownTurns: 0 },
    ])
    expect(await store.usage.sum({ ...all, toMs: startMs - 40 * dayMs })).toEqual([])
    await store.close()
  })

  it('are kept when the turns themselves are deleted', async () => {
    const options = storeOptions({ clock: new VirtualClock(startMs) })
    const records = turns(50)
    const first = await openStore(options)
    await Promise.all(records.map((record) => first.ledger.settle(record)))
    await first.close()
    const store = await openStore({ ...options, clock: new VirtualClock(startMs + 200 * dayMs) })
    expect((await store.sweep()).turns).toBe(50)
    await expectSums(store, records, { ...all, by: 'day' })
    await store.close()
  })

  it(`name at most ${modelsPerHourMax} models in an hour: clients make up names`, async () => {
    const store = await openStore(storeOptions())
    const asked = (n: number) => settled(opened({ model: `made-up-${n}` as ClientModel }))
    await Promise.all(Array.from({ length: modelsPerHourMax + 5 }, (_, n) => store.ledger.settle(asked(n))))
    const rows = await store.usage.sum({ ...all, by: 'model' })
    expect([rows.length, rows[0]?.name, rows[0]?.turns]).toEqual([modelsPerHourMax + 1, otherModels, 5])
    await store.ledger.settle(asked(0))
    expect((await store.usage.sum({ ...all, by: 'model' })).find(({ name }) => name === 'made-up-0')?.turns).toBe(2)
    await store.close()
  })
})

describe('a store of before there were sums', () => {
  const sumsMade = migrations.findIndex(({ name }) => name === '003-roll-ups')

  /** As that version knew them: it did not ask how long cache writes are kept. */
  const turnsBefore = (count: number): readonly TurnSettled[] =>
    turns(count).map((record) => ({ ...record, usage: record.usage === null ? null : { ...record.usage, longCacheWriteTokens: 0 } }))

  /** A file with these turns settled in it, as the version left it that had no sums. */
  async function before(records: readonly TurnSettled[]): Promise<StoreOptions> {
    const options = storeOptions({ clock: new VirtualClock(startMs) })
    const db = await fileOfVersion(sumsMade, options.file)
    const columns = [...openColumns, ...settleColumns]
    const since = columns.indexOf('long_cache_write_tokens')
    const known = columns.toSpliced(since, 1)
    const insert = db.prepare(`insert into turns (${known.join(', ')}, status) values (${known.map(() => '?').join(', ')}, 'settled')`)
    db.transaction(() => records.forEach((record) => insert.run(...settleRow(record).toSpliced(since, 1))))()
    db.close()
    return options
  }

  it('has its turns in the sums soon after it is opened, and new ones too', async () => {
    const records = turnsBefore(countedPerStep * 2 + 10)
    const options = await before(records)
    const store = await openStore(options)
    const later = settled(opened({ startedAtMs: startMs }))
    await store.ledger.settle(later)
    await eventually(
      () => store.usage.sum(all),
      (rows) => rows.reduce((sum, row) => sum + row.turns, 0) === records.length + 1,
    )
    for (const by of ways) await expectSums(store, [...records, later], { ...all, by })
    await store.close()
  })

  it('counts them in steps, each once, whatever is settled or ends meanwhile, and deletes none before it is counted', async () => {
    const records = turnsBefore(countedPerStep + 3)
    const options = await before(records)
    const db = new Sqlite(options.file)
    await migrate(db, sumsMade)
    const sums = () => new UsageQueries(db).sum(all).reduce((sum, row) => sum + row.turns, 0)
    const sweep = { kind: 'sweep', turnsBefore: 'ffffffff', ownersBeforeMs: 0, daysBeforeMs: startMs + 100 * dayMs } as const
    const rollUps = new RollUps(db)
    expect(prepareStatements(db).sweepStep(sweep)).toEqual({ turns: 0, owners: 0, days: 0 })
    expect([rollUps.countEarlier(), sums()]).toEqual([true, countedPerStep])
    // The thread ends here, and another goes on.
    const statements = prepareStatements(db)
    expect(statements.sweepStep(sweep)).toEqual({ turns: countedPerStep - 1, owners: 0, days: 0 })
    expect([statements.hasEarlier(), statements.countEarlier(), sums(), statements.hasEarlier()]).toEqual([true, false, countedPerStep + 3, false])
    expect(statements.sweepStep(sweep)).toEqual({ turns: 4, owners: 0, days: 1 })
    db.close()
  })
})
