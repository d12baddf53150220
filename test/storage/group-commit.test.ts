import { beforeEach, describe, expect, it } from 'vitest'
import type { AccountMemory } from '../../src/ports/stores.ts'
import { fresh } from '../../src/core/health.ts'
import { LedgerStuck } from '../../src/ports/ledger.ts'
import { batchRecordsMax, GroupCommit, queueRecordsMax } from '../../src/storage/group-commit.ts'
import type { BatchMessage } from '../../src/storage/messages.ts'
import { settled as allSettled, VirtualClock } from '../support/virtual-clock.ts'
import { account, attempt, opened, settled } from './samples.ts'

const commitMs = 5000

describe('the queue before the writer', () => {
  let clock: VirtualClock
  let posted: BatchMessage[]
  let ledger: GroupCommit

  beforeEach(() => {
    clock = new VirtualClock()
    posted = []
    ledger = new GroupCommit({ clock, commitMs, post: (batch) => posted.push(batch) })
  })

  const outcome = async (promise: Promise<void>): Promise<string> => {
    let state = 'waiting'
    promise.then(
      () => (state = 'committed'),
      (error: unknown) => (state = error instanceof LedgerStuck ? 'stuck' : 'wrong'),
    )
    await allSettled()
    return state
  }

  it('hands over what came in one turn of the event loop together', async () => {
    void ledger.open(opened())
    void ledger.open(opened())
    expect(posted).toEqual([])
    await allSettled()
    expect(posted.map((batch) => batch.opens.length)).toEqual([2])
  })

  it('gathers what comes during a commit for the next one', async () => {
    const first = ledger.open(opened())
    await allSettled()
    const later = [ledger.open(opened()), ledger.open(opened()), ledger.open(opened())]
    await allSettled()
    expect(posted.length).toBe(1)
    ledger.acknowledge(1)
    expect(posted.map((batch) => batch.opens.length)).toEqual([1, 3])
    expect(await outcome(first)).toBe('committed')
    expect(await outcome(Promise.all(later).then(() => {}))).toBe('waiting')
    ledger.acknowledge(2)
    expect(await outcome(Promise.all(later).then(() => {}))).toBe('committed')
    expect(ledger.commitCount()).toBe(2)
  })

  it('makes one record of a settle whose open still waits', async () => {
    const turn = opened()
    const promises = [ledger.open(turn), ledger.settle(settled(turn))]
    expect(ledger.lag()).toBe(1)
    await allSettled()
    expect(posted[0]?.opens.length).toBe(0)
    expect(posted[0]?.settles.length).toBe(1)
    ledger.acknowledge(1)
    expect(await Promise.all(promises.map(outcome))).toEqual(['committed', 'committed'])
  })

  it('sends a settle after its open when the open is already under way', async () => {
    const turn = opened()
    void ledger.open(turn)
    await allSettled()
    const promise = ledger.settle(settled(turn))
    expect(ledger.lag()).toBe(2)
    ledger.acknowledge(1)
    expect(await outcome(promise)).toBe('waiting')
    ledger.acknowledge(2)
    expect(await outcome(promise)).toBe('committed')
    expect(ledger.lag()).toBe(0)
  })

  it('names the owner of each id that a stored answer gave, and each account tried before the last once', async () => {
    const turn = opened()
    void ledger.settle(
      settled(turn, { attempts: [attempt('a'), attempt('b'), attempt('a'), attempt('c')], owned: { ids: ['resp_1', 'msg_1'], account: account('c') } }),
    )
    await allSettled()
    expect(posted[0]?.owners).toEqual([
      ['resp_1', 'c', 'laptop', clock.now()],
      ['msg_1', 'c', 'laptop', clock.now()],
    ])
    expect(posted[0]?.failovers).toEqual([
      ['a', turn.id],
      ['b', turn.id],
    ])
  })

  it('keeps only the newest memory of an account that still waits', async () => {
    const memory = (generation: string): AccountMemory => ({ account: account('main'), generation, enabled: true, condition: fresh, pairs: [] })
    void ledger.keep(memory('1'))
    void ledger.keep(memory('2'))
    await allSettled()
    expect(posted[0]?.memories.map((row) => row[1])).toEqual(['2'])
  })

  it(`puts at most ${batchRecordsMax} records into one transaction`, async () => {
    for (let i = 0; i < batchRecordsMax + 1; i++) void ledger.open(opened())
    await allSettled()
    ledger.acknowledge(1)
    expect(posted.map((batch) => batch.opens.length)).toEqual([batchRecordsMax, 1])
  })

  it('tells all who wait when a commit is overdue, and commits no more turns until the writer answers', async () => {
    const underWay = ledger.open(opened())
    await allSettled()
    const waiting = ledger.open(opened())
    await clock.advance(commitMs - 1)
    expect(ledger.commits()).toBe(true)
    expect(await outcome(underWay)).toBe('waiting')
    await clock.advance(1)
    expect([await outcome(underWay), await outcome(waiting)]).toEqual(['stuck', 'stuck'])
    expect(ledger.commits()).toBe(false)
    expect(ledger.lag()).toBe(2)
    ledger.acknowledge(1)
    expect(ledger.commits()).toBe(true)
    ledger.acknowledge(2)
    expect(posted.length).toBe(2)
    expect(ledger.lag()).toBe(0)
  })

  it('does not put a settle among records that were given up', async () => {
    void ledger.open(opened())
    await allSettled()
    const turn = opened()
    void ledger.open(turn)
    await clock.advance(commitMs)
    const settle = ledger.settle(settled(turn))
    expect(await outcome(settle)).toBe('waiting')
    ledger.acknowledge(1)
    ledger.acknowledge(2)
    ledger.acknowledge(3)
    expect(await outcome(settle)).toBe('committed')
    expect(posted.map((batch) => [batch.opens.length, batch.settles.length])).toEqual([
      [1, 0],
      [1, 0],
      [0, 1],
    ])
  })

  it('leaves no timer running once nothing waits', async () => {
    void ledger.open(opened())
    await allSettled()
    ledger.acknowledge(1)
    await clock.advance(commitMs)
    expect(clock.pending).toBe(0)
    expect(ledger.commits()).toBe(true)
  })

  it(`refuses an open at once behind ${queueRecordsMax} records, and still takes the settles of running turns`, async () => {
    const running = opened()
    for (let i = 0; i < queueRecordsMax; i++) void ledger.open(opened())
    const settle = ledger.settle(settled(running))
    expect(await outcome(ledger.open(opened()))).toBe('stuck')
    expect(await outcome(settle)).toBe('waiting')
    for (let i = ledger.lag(); i < 2 * queueRecordsMax; i++) void ledger.settle(settled(running))
    expect(await outcome(ledger.settle(settled(running)))).toBe('stuck')
    expect(ledger.lag()).toBe(2 * queueRecordsMax)
  })

  it('gives a new writer the batch that the old one left', async () => {
    const promise = ledger.open(opened())
    await allSettled()
    ledger.writerLost()
    expect(await outcome(promise)).toBe('stuck')
    expect(ledger.commits()).toBe(false)
    ledger.writerBack()
    expect(posted.map((batch) => batch.n)).toEqual([1, 1])
    expect(ledger.commits()).toBe(false)
    ledger.acknowledge(1)
    expect(ledger.commits()).toBe(true)
  })

  it('tells only those whose records cannot be written, and goes on', async () => {
    const bad = ledger.open(opened())
    await allSettled()
    const good = ledger.open(opened())
    ledger.reject(1, 'NOT NULL constraint failed')
    ledger.acknowledge(2)
    expect([await outcome(bad), await outcome(good)]).toEqual(['stuck', 'committed'])
    expect(ledger.commits()).toBe(true)
  })

  it('once closed, writes what it has and takes nothing more', async () => {
    void ledger.open(opened())
    await allSettled()
    void ledger.open(opened())
    const closed = ledger.close()
    expect(await outcome(ledger.open(opened()))).toBe('stuck')
    ledger.acknowledge(1)
    expect(await outcome(closed)).toBe('waiting')
    ledger.acknowledge(2)
    expect(await outcome(closed)).toBe('committed')
    expect(clock.pending).toBe(0)
  })
})
