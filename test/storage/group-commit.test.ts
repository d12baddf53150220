import { beforeEach, describe, expect, it } from 'vitest'
import type { AccountMemory } from '../../src/ports/stores.ts'
import { fresh } from '../../src/core/health.ts'
import { LedgerStuck } from '../../src/ports/ledger.ts'
import { batchRecordsMax, GroupCommit, queueRecordsMax } from '../../src/storage/group-commit.ts'
import type { BatchMessage } from '../../src/storage/messages.ts'
import { settled as allSettled, VirtualClock } from '../support/virtual-clock.ts'
import { spoolMs } from '../../src/storage/write-side.ts'
import { FakeSpool } from './fake-spool.ts'
import { account, attempt, listening, opened, settled } from './samples.ts'

const commitMs = 1000

describe('the queue before the writer', () => {
  let clock: VirtualClock
  let posted: BatchMessage[]
  let ledger: GroupCommit
  let spool: FakeSpool
  let said: string[]

  beforeEach(() => {
    const { log, sentences } = listening()
    said = sentences
    spool = new FakeSpool()
    clock = new VirtualClock()
    posted = []
    ledger = new GroupCommit({ clock, log, commitMs, spoolMs, spool, post: (batch) => posted.push(batch) })
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

  // Case G2.
  describe('while the store does not answer', () => {
    /** The writer has one batch, and does not say that it is on disk. */
    const underWay = async (): Promise<{ readonly first: Promise<void> }> => {
      const first = ledger.open(opened())
      await allSettled()
      expect(posted.length).toBe(1)
      return { first }
    }

    it('waits for it, and then for the spool: who waits is told when the record is there', async () => {
      const { first } = await underWay()
      const second = ledger.open(opened())
      await clock.advance(commitMs - 1)
      expect([await outcome(first), await outcome(second), spool.held.length, ledger.isInTime()]).toEqual(['waiting', 'waiting', 0, true])
      await clock.advance(1)
      expect([await outcome(first), await outcome(second), spool.held.length, ledger.isInTime()]).toEqual(['committed', 'committed', 2, false])
      expect([ledger.commits(), ledger.lag()]).toEqual([true, 2])
      expect(said).toEqual([])
    })

    it('puts what comes then into the spool at once, many together', async () => {
      await underWay()
      await clock.advance(commitMs)
      const turn = opened()
      const open = ledger.open(turn)
      void ledger.open(opened())
      expect(await outcome(open)).toBe('committed')
      expect(await outcome(ledger.settle(settled(turn)))).toBe('committed')
      expect(spool.held.map((batch) => [batch.opens.length, batch.settles.length])).toEqual([
        [1, 0],
        [2, 0],
        [0, 1],
      ])
    })

    it('writes what the spool has into the store when that answers again, in the order in which it came, before anything else', async () => {
      const turns = [opened(), opened(), opened()]
      void ledger.open(turns[0] ?? opened())
      await allSettled()
      await clock.advance(commitMs)
      void ledger.open(turns[1] ?? opened())
      await allSettled()
      ledger.acknowledge(1)
      const after = ledger.open(turns[2] ?? opened())
      await allSettled()
      ledger.acknowledge(2)
      await allSettled()
      ledger.acknowledge(3)
      await allSettled()
      expect(await outcome(after)).toBe('waiting')
      ledger.acknowledge(4)
      expect(await outcome(after)).toBe('committed')
      expect(posted.map((batch) => batch.opens.map((row) => row[0]))).toEqual([0, 0, 1, 2].map((n) => [turns[n]?.id]))
      expect([spool.isEmpty, spool.fillings, ledger.isInTime(), ledger.lag()]).toEqual([true, 1, true, 0])
    })

    it('waits for the store again once it has answered, and puts what is overdue by then behind what the spool has', async () => {
      await underWay()
      await clock.advance(commitMs)
      void ledger.open(opened())
      await allSettled()
      ledger.acknowledge(1)
      await allSettled()
      const later = ledger.open(opened())
      await clock.advance(commitMs - 1)
      expect([await outcome(later), spool.held.length]).toEqual(['waiting', 2])
      await clock.advance(1)
      expect([await outcome(later), spool.held.length]).toEqual(['committed', 3])
      for (let n = 2; n <= 4; n++) {
        ledger.acknowledge(n)
        await allSettled()
      }
      expect([spool.isEmpty, ledger.lag(), posted.length]).toEqual([true, 0, 4])
    })

    it('lets no new turn in when the spool has no room for its end, and ends those that run', async () => {
      const turn = opened()
      void ledger.open(turn)
      await allSettled()
      await clock.advance(commitMs)
      expect(ledger.commits()).toBe(true)
      spool.hasRoom = false
      expect(ledger.commits()).toBe(false)
      expect(await outcome(ledger.settle(settled(turn)))).toBe('committed')
      ledger.acknowledge(1)
      expect(ledger.commits()).toBe(true)
    })

    for (const says of ['full', 'unwritable'] as const) {
      it(`tells those who wait that their turns are not on record when the spool is ${says}, and writes them all the same, once`, async () => {
        spool.says = says
        const turn = opened()
        const open = ledger.open(turn)
        await allSettled()
        const waiting = ledger.open(opened())
        await clock.advance(commitMs)
        expect([await outcome(open), await outcome(waiting), ledger.commits(), ledger.isInTime()]).toEqual(['stuck', 'stuck', false, false])
        const settle = ledger.settle(settled(turn))
        await clock.advance(commitMs)
        expect([await outcome(settle), ledger.lag()]).toEqual(['stuck', 3])
        ledger.acknowledge(1)
        ledger.acknowledge(2)
        ledger.acknowledge(3)
        expect(posted.map((batch) => [batch.opens.length, batch.settles.length])).toEqual([
          [1, 0],
          [1, 0],
          [0, 1],
        ])
        expect([ledger.commits(), ledger.isInTime(), ledger.lag()]).toEqual([true, true, 0])
        expect(said).toEqual(['records of turns are on no disk'])
      })
    }

    it('takes what was given up into the spool after all when that can be written again, in order', async () => {
      spool.says = 'unwritable'
      const { first } = await underWay()
      await clock.advance(commitMs)
      expect([await outcome(first), ledger.commits()]).toEqual(['stuck', false])
      spool.says = 'synced'
      expect(await outcome(ledger.open(opened()))).toBe('committed')
      expect([ledger.commits(), spool.held.length]).toEqual([true, 2])
    })

    it(`waits for a spool that does not answer for ${spoolMs} ms, and no longer`, async () => {
      spool.says = 'hangs'
      const { first: open } = await underWay()
      await clock.advance(commitMs + spoolMs - 1)
      expect(await outcome(open)).toBe('waiting')
      await clock.advance(1)
      expect([await outcome(open), ledger.commits()]).toEqual(['stuck', false])
      spool.letGo('synced')
      await allSettled()
      expect(ledger.commits()).toBe(true)
    })

    it('serves turns all the same where the operator wants that, and counts those for which there is no room at all', async () => {
      ledger.onFailure('serve')
      spool.says = 'full'
      const { first: open } = await underWay()
      await clock.advance(commitMs)
      expect([await outcome(open), ledger.commits(), ledger.isInTime()]).toEqual(['committed', true, false])
      for (let i = ledger.lag(); i < queueRecordsMax; i++) void ledger.open(opened())
      expect([await outcome(ledger.open(opened())), ledger.lag()]).toEqual(['committed', queueRecordsMax])
      ledger.acknowledge(1)
      expect(said).toEqual(['records of turns are on no disk', 'turns were served that are not on the books'])
    })

    it('puts what is under way into the spool when the writer ends, and gives it to the next writer', async () => {
      const { first: open } = await underWay()
      ledger.writerLost()
      expect([await outcome(open), ledger.isInTime(), spool.held.length]).toEqual(['committed', false, 1])
      ledger.writerBack()
      expect(posted.map((batch) => batch.n)).toEqual([1, 1])
      ledger.acknowledge(1)
      await allSettled()
      expect([ledger.isInTime(), posted.map((batch) => batch.n)]).toEqual([true, [1, 1, 2]])
    })

    it('goes on at once with a new writer when nothing was under way', async () => {
      ledger.writerLost()
      expect(await outcome(ledger.open(opened()))).toBe('committed')
      ledger.writerBack()
      await allSettled()
      ledger.acknowledge(1)
      await allSettled()
      expect([spool.isEmpty, ledger.isInTime(), ledger.lag()]).toEqual([true, true, 0])
    })

    it('leaves in the spool what a closing store does not take, and says how much it could leave nowhere', async () => {
      await underWay()
      void ledger.open(opened())
      void ledger.close()
      expect([await ledger.abandon(), spool.held.length, clock.pending]).toEqual([0, 2, 0])
      spool = new FakeSpool()
      spool.says = 'full'
      const other = new GroupCommit({ clock, log: listening().log, commitMs, spoolMs, spool, post: () => {} })
      const open = other.open(opened())
      void other.close()
      expect([await other.abandon(), await outcome(open)]).toEqual([1, 'stuck'])
    })
  })
})
