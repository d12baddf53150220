import fs from 'node:fs'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { LedgerStuck } from '../../src/ports/ledger.ts'
import type { TurnRow } from '../../src/ports/stores.ts'
import { LeftSpool } from '../../src/storage/spool-recovery.ts'
import { openStore } from '../../src/storage/store.ts'
import type { Store, StoreOptions } from '../../src/storage/store.ts'
import { graceMs } from '../../src/storage/write-side.ts'
import { eventually } from '../support/client.ts'
import { everything, listening, opened, settled, storeOptions } from './samples.ts'

/** However slow the disk of a busy machine is: what is tested here is not its speed. */
const patient = { spoolMs: 60_000 }

/** Another program that holds the file. The answer lets it go. */
function lock({ file }: StoreOptions): () => void {
  const other = new Sqlite(file)
  other.exec('begin exclusive')
  return () => {
    other.exec('rollback')
    other.close()
  }
}

const inStore = (store: Store): Promise<number> =>
  eventually(
    () => store.ledger.lag(),
    (lag: number) => lag === 0,
  )
const statuses = async (store: Store): Promise<readonly TurnRow['status'][]> => (await store.turns.list(everything)).map((row) => row.status).toSorted()

// Case G2.
describe('a store whose file another program locks while it runs', () => {
  it('keeps records in the spool, and has each of them once when the lock is gone', async () => {
    const { log, sentences } = listening()
    const options = storeOptions({ ...patient, commitMs: 300, log })
    const store = await openStore(options)
    const running = opened()
    await store.ledger.open(running)

    const unlock = lock(options)
    // The lock is held all the while.
    await Promise.all([store.ledger.open(opened()), store.ledger.settle(settled(running))])
    expect([store.ledger.commits(), store.ready(), store.ledger.lag()]).toEqual([true, false, 2])
    await store.ledger.settle(settled(opened()))
    expect(sentences).toEqual(['the store does not commit; trying again'])
    expect(await store.turns.find(running.id)).toMatchObject({ status: 'open' })
    expect(new LeftSpool(options.spool?.file ?? '').isEmpty()).toBe(false)

    unlock()
    await inStore(store)
    expect([store.ledger.commits(), store.ready()]).toEqual([true, true])
    expect(sentences.slice(1)).toEqual(['the store commits again'])
    expect(await statuses(store)).toEqual(['open', 'settled', 'settled'])
    expect(await store.usage.sum({ by: 'key', fromMs: null, toMs: null })).toMatchObject([{ name: 'laptop', turns: 2 }])
    await store.close()
    expect(new LeftSpool(options.spool?.file ?? '').isEmpty()).toBe(true)
  })

  it('is closed within the time set all the same, and the next start finds its records in the spool', async () => {
    const options = storeOptions({ ...patient, commitMs: 300 })
    const store = await openStore(options)
    const left = opened()
    const done = opened()
    await store.ledger.open(done)
    const unlock = lock(options)
    await Promise.all([store.ledger.open(left), store.ledger.settle(settled(done))])
    await store.close()
    unlock()

    const { log, sentences } = listening()
    const next = await openStore({ ...options, log })
    expect(sentences).toEqual(['what an earlier process left in the spool is in the store now'])
    expect(await next.turns.find(left.id)).toMatchObject({ status: 'interrupted' })
    expect(await next.turns.find(done.id)).toMatchObject({ status: 'settled', usage: settled(done).usage })
    await next.close()
    const third = await openStore({ ...options, log })
    expect([await statuses(third), sentences.length]).toEqual([['interrupted', 'settled'], 1])
    await third.close()
  })

  it('has a record once that the spool gives twice, as it does when a start is killed before the spool is cleared', async () => {
    const options = storeOptions({ ...patient, commitMs: 200 })
    const spool = options.spool?.file ?? ''
    const store = await openStore(options)
    const unlock = lock(options)
    await Promise.all([store.ledger.open(opened()), ...Array.from({ length: 20 }, () => store.ledger.settle(settled(opened())))])
    await store.close()
    unlock()
    const left = fs.readFileSync(spool)
    for (let start = 0; start < 3; start++) {
      fs.writeFileSync(spool, left)
      const next = await openStore(options)
      expect(await statuses(next)).toEqual(['interrupted', ...Array<string>(20).fill('settled')])
      expect(await next.usage.sum({ by: 'key', fromMs: null, toMs: null })).toMatchObject([{ turns: 21, unknownTurns: 1, usage: { inputTokens: 20 * 1200 } }])
      await next.close()
    }
  })

  it('tells turns that they are not on record when the spool is full, lets no more in, and writes all of them when the lock is gone', async () => {
    const { log, sentences } = listening()
    const options = storeOptions({ commitMs: 200, log })
    const store = await openStore({ ...options, spool: { file: options.spool?.file ?? '', bytes: 20_000 } })
    const unlock = lock(options)
    let turns = 0
    const full = async (): Promise<unknown> => {
      for (;;) {
        turns += 1
        try {
          await store.ledger.settle(settled(opened()))
        } catch (error) {
          return error
        }
      }
    }
    expect(await full()).toBeInstanceOf(LedgerStuck)
    expect([store.ledger.commits(), sentences.at(-1)]).toEqual([false, 'records of turns are on no disk'])
    unlock()
    await inStore(store)
    expect(store.ledger.commits()).toBe(true)
    expect((await statuses(store)).length).toBe(turns)
    await store.close()
  })
})

it(`changes of the operator wait for the store for ${graceMs} ms, and are told then`, async () => {
  const options = storeOptions()
  const store = await openStore(options)
  const unlock = lock(options)
  await expect(store.entities.write('rules', '[]', 0)).rejects.toThrow(LedgerStuck)
  unlock()
  expect(
    await eventually(
      () => store.entities.read('rules'),
      (stored) => stored !== null,
    ),
  ).toEqual({ json: '[]', version: 1 })
  await store.close()
})
