import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { KnownOwners } from '../../src/storage/known-owners.ts'
import { answerMs, questionsMax, ReadSide } from '../../src/storage/read-side.ts'
import { firstIdAt } from '../../src/storage/retention.ts'
import { prepareStatements } from '../../src/storage/statements.ts'
import { openStore } from '../../src/storage/store.ts'
import { entityWritesMax } from '../../src/storage/write-side.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { account, listening, opened, storeOptions } from './samples.ts'

describe('the store is bounded', () => {
  it(`in questions under way: at most ${questionsMax}, each for ${answerMs} ms, and a thread that does not end is ended`, async () => {
    const clock = new VirtualClock()
    const read = new ReadSide({ file: 'unused', worker: new URL('silent-reader.ts', import.meta.url), clock, log: listening().log })
    await read.open()
    const asked = Array.from({ length: questionsMax }, () => read.ask({ kind: 'memories' }))
    await expect(read.ask({ kind: 'memories' })).rejects.toThrow('Too many questions')
    const all = Promise.allSettled(asked)
    await clock.advance(answerMs)
    expect(new Set((await all).map((one) => (one.status === 'rejected' ? String(one.reason) : one.status)))).toEqual(
      new Set([`StoreError: The store did not answer within ${answerMs} ms.`]),
    )
    const closed = read.close()
    await clock.advance(answerMs)
    await closed
    expect(clock.pending).toBe(0)
  })

  it(`in changes under way: at most ${entityWritesMax}`, async () => {
    const store = await openStore(storeOptions())
    const writes = Array.from({ length: entityWritesMax }, (_, i) => store.entities.write(`entity ${i}`, '1', 0))
    await expect(store.entities.write('one more', '1', 0)).rejects.toThrow('Too many changes')
    expect(new Set(await Promise.all(writes))).toEqual(new Set([1]))
    expect(await store.entities.write('one more', '1', 0)).toBe(1)
    await store.close()
  })

  it('in owners known without a look into the store: one that was pushed out is looked up', async () => {
    const looked: string[] = []
    const owner = { account: account('main'), key: opened().key }
    const owners = new KnownOwners((id) => {
      looked.push(id)
      return Promise.resolve(owner)
    }, 2)
    for (const id of ['a', 'b', 'c']) owners.learn(id, owner)
    for (const id of ['b', 'c', 'a', 'a']) expect(await owners.find(id)).toEqual(owner)
    expect(looked).toEqual(['a'])
  })

  it('in rows that one transaction of a sweep deletes: at most 500 of each', async () => {
    const options = storeOptions()
    const store = await openStore(options)
    await Promise.all(Array.from({ length: 501 }, () => store.ledger.open(opened())))
    await store.close()
    const db = new Sqlite(options.file)
    const statements = prepareStatements(db)
    const sweep = { kind: 'sweep', turnsBefore: firstIdAt(2 ** 47), ownersBeforeMs: 0, daysBeforeMs: 0 } as const
    expect([statements.sweepStep(sweep), statements.sweepStep(sweep), statements.sweepStep(sweep)].map((swept) => swept.turns)).toEqual([500, 1, 0])
    db.close()
  })
})
