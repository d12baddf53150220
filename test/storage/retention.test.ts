import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { TurnId } from '../../src/core/ids.ts'
import type { SweepMessage } from '../../src/storage/messages.ts'
import { firstIdAt, ownersKeptMs, Retention, sweepEveryMs } from '../../src/storage/retention.ts'
import { openStore } from '../../src/storage/store.ts'
import type { Store } from '../../src/storage/store.ts'
import { settled as allSettled, VirtualClock } from '../support/virtual-clock.ts'
import { attempt, everything, listening, opened, settled, storeOptions } from './samples.ts'

const hourMs = 3600 * 1000
const dayMs = 24 * hourMs

describe('what is too old', () => {
  it('is deleted at the start and every hour, counted from then', async () => {
    const clock = new VirtualClock()
    const sweeps: SweepMessage[] = []
    const sweep = (message: SweepMessage) => {
      sweeps.push(message)
      return Promise.resolve({ turns: 0, owners: 0, days: 0 })
    }
    const retention = new Retention({ clock, log: listening().log, keptMs: 90 * dayMs, sweep })
    const startMs = clock.now()
    retention.start()
    await clock.advance(sweepEveryMs)
    retention.keep(7 * dayMs)
    await clock.advance(sweepEveryMs)
    expect(sweeps).toEqual([
      { kind: 'sweep', turnsBefore: firstIdAt(startMs - 90 * dayMs), ownersBeforeMs: startMs - ownersKeptMs, daysBeforeMs: startMs - 2 * hourMs },
      {
        kind: 'sweep',
        turnsBefore: firstIdAt(startMs + sweepEveryMs - 90 * dayMs),
        ownersBeforeMs: startMs + sweepEveryMs - ownersKeptMs,
        daysBeforeMs: startMs + sweepEveryMs - 2 * hourMs,
      },
      {
        kind: 'sweep',
        turnsBefore: firstIdAt(startMs + 2 * sweepEveryMs - 7 * dayMs),
        ownersBeforeMs: startMs + 2 * sweepEveryMs - ownersKeptMs,
        daysBeforeMs: startMs + 2 * sweepEveryMs - 2 * hourMs,
      },
    ])
    retention.stop()
    expect(clock.pending).toBe(0)
  })

  it('goes at the start, in steps that let turns through, and the rest stays', async () => {
    const startMs = Date.UTC(2026, 10, 21)
    const { log, sentences } = listening()
    const options = storeOptions({ log, retentionMs: 10 * dayMs })
    const openOn = (day: number): Promise<Store> => openStore({ ...options, clock: new VirtualClock(startMs + day * dayMs) })
    const settle = (store: Store, day: number, n: number, owned: string): Promise<void> => {
      const turn = opened({ id: firstIdAt(startMs + day * dayMs + n) as TurnId, key: `day ${day}` })
      return store.ledger.settle(settled(turn, { attempts: [attempt('main'), attempt('backup')], owned: { ids: [owned], account: attempt('backup').account } }))
    }
    const first = await openOn(0)
    await Promise.all(Array.from({ length: 1200 }, (_, n) => settle(first, 0, n, `old-${n}`)))
    await first.close()
    const later = await openOn(5)
    await settle(later, 25, 0, 'kept')
    await later.close()

    const store = await openOn(31)
    const sweep = store.sweep()
    await settle(store, 31, 0, 'new')
    expect(await sweep).toEqual({ turns: 1200, owners: 1200, days: 0 })
    expect(sentences).toContain('old records were deleted')
    expect((await store.turns.list(everything)).map((row) => row.key)).toEqual(['day 31', 'day 25'])
    expect((await store.turns.list({ ...everything, account: 'main' })).length).toBe(2)
    await store.close()
    const db = new Sqlite(options.file, { readonly: true })
    expect(db.prepare('select count(*) from failovers').pluck().get()).toBe(2)
    expect(db.prepare('select id from owners order by id').pluck().all()).toEqual(['kept', 'new'])
    db.close()
  })

  it('asked for twice at once is done once', async () => {
    const clock = new VirtualClock()
    const store = await openStore(storeOptions({ clock, retentionMs: dayMs }))
    await store.sweep()
    await Promise.all(Array.from({ length: 3 }, (_, n) => store.ledger.open(opened({ id: firstIdAt(clock.now() - 2 * dayMs + n) as TurnId }))))
    const both = await Promise.all([store.sweep(), store.sweep()])
    expect(both).toEqual([
      { turns: 3, owners: 0, days: 0 },
      { turns: 3, owners: 0, days: 0 },
    ])
    await allSettled()
    await store.close()
  })

  it('is told by the id: the lowest that a turn of that moment can have', () => {
    expect(firstIdAt(0x0123456789ab)).toBe('01234567-89ab-7000-8000-000000000000')
    expect(firstIdAt(-1)).toBe('00000000-0000-7000-8000-000000000000')
  })
})
