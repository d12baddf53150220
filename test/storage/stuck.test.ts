import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { LedgerStuck } from '../../src/ports/ledger.ts'
import { openStore } from '../../src/storage/store.ts'
import { everything, listening, opened, settled, storeOptions } from './samples.ts'

describe('a store whose file another program locks while it runs', () => {
  it('tells the turns within the time set, refuses more, and writes each record once when the lock is gone', async () => {
    const { log, sentences } = listening()
    const options = storeOptions({ commitMs: 400, log })
    const store = await openStore(options)
    const running = opened()
    await store.ledger.open(running)

    const other = new Sqlite(options.file)
    other.exec('begin exclusive')
    const beganMs = Date.now()
    const refused = [store.ledger.open(opened()), store.ledger.settle(settled(running)), store.entities.write('rules', '[]', 0)]
    for (const outcome of await Promise.allSettled(refused)) expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(LedgerStuck) })
    expect(Date.now() - beganMs).toBeLessThan(2000)
    expect([store.ledger.commits(), store.ready(), store.ledger.lag()]).toEqual([false, false, 2])
    expect(sentences).toEqual(['the store does not commit; trying again'])
    const late = store.ledger.settle(settled(opened()))
    expect(await store.turns.find(running.id)).toMatchObject({ status: 'open' })

    other.exec('rollback')
    other.close()
    await late.catch(() => {})
    await store.ledger.open(opened()).catch(() => {})
    await store.sweep()
    expect([store.ledger.commits(), store.ready(), store.ledger.lag()]).toEqual([true, true, 0])
    expect(sentences.slice(1)).toEqual(['the store commits again'])
    expect((await store.turns.list(everything)).map((row) => row.status).toSorted()).toEqual(['open', 'open', 'settled', 'settled'])
    expect(await store.entities.read('rules')).toEqual({ json: '[]', version: 1 })
    await store.close()
  })

  it('is closed within the time set all the same, and says that records are lost', async () => {
    const { log, sentences } = listening()
    const options = storeOptions({ commitMs: 300, log })
    const store = await openStore(options)
    const other = new Sqlite(options.file)
    other.exec('begin exclusive')
    const open = store.ledger.open(opened())
    await Promise.all([store.close(), expect(open).rejects.toThrow(LedgerStuck)])
    expect(sentences).toContain('the store was closed with records that it could not write')
    other.close()
  })
})
