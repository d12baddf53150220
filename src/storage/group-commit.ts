import { LedgerStuck } from '../ports/ledger.ts'
import type { Ledger } from '../ports/ledger.ts'
import type { TurnOpened, TurnSettled } from '../core/record.ts'
import type { Clock } from '../lib/clock.ts'
import type { AccountMemory } from '../ports/stores.ts'
import type { BatchMessage } from './messages.ts'
import { failoverRows, openRow, settleRow } from './rows.ts'

/** Records of one transaction. */
export const batchRecordsMax = 512
/** Records that wait at most; beyond it an open is refused at once. Settles of turns already running may take as much again. */
export const queueRecordsMax = 20_000
/** What is written in one transaction, on its way to the writer. */
class Batch {
  readonly bornAtMs: number
  readonly opens = new Map<string, TurnOpened>()
  readonly settles: TurnSettled[] = []
  readonly memories = new Map<string, AccountMemory>()
  readonly committed: Promise<void>
  resolve: () => void = () => {}
  reject: (error: LedgerStuck) => void = () => {}
  /** Whether those who wait were told that it takes too long. It is written all the same. */
  isGivenUp = false

  constructor(bornAtMs: number) {
    this.bornAtMs = bornAtMs
    this.committed = new Promise<void>((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    // An open that fails before its turn waits for it is no unhandled rejection.
    this.committed.catch(() => {})
  }

  get records(): number {
    return this.opens.size + this.settles.length + this.memories.size
  }

  message(n: number, nowMs: number): BatchMessage {
    return {
      kind: 'batch',
      n,
      opens: Array.from(this.opens.values(), openRow),
      settles: this.settles.map(settleRow),
      owners: this.settles.flatMap(({ owned, opened }) => (owned === null ? [] : owned.ids.map((id) => [id, owned.account, opened.key, nowMs]))),
      failovers: this.settles.flatMap(failoverRows),
      memories: Array.from(this.memories.values(), ({ account, generation, enabled, condition, pairs }) => [
        account,
        generation,
        enabled ? 1 : 0,
        JSON.stringify({ condition, pairs }),
        nowMs,
      ]),
    }
  }
}

export interface GroupCommitOptions {
  readonly clock: Clock
  readonly commitMs: number
  /** Hands a batch to the writer. */
  readonly post: (batch: BatchMessage) => void
}

/**
 * The ledger's queue before the writer. One batch is under way at a time; what comes meanwhile is the next one, so that many turns
 * share one commit and a lone turn waits for nobody.
 */
export class GroupCommit implements Ledger {
  readonly #clock: Clock
  readonly #commitMs: number
  readonly #post: (batch: BatchMessage) => void
  readonly #waiting: Batch[] = []
  #underWay: { readonly batch: Batch; readonly message: BatchMessage } | null = null
  #number = 0
  #commits = 0
  #stuck = false
  #closed = false
  #scheduled = false
  #stopWatch: (() => void) | null = null
  #onEmpty: (() => void) | null = null

  constructor(options: GroupCommitOptions) {
    this.#clock = options.clock
    this.#commitMs = options.commitMs
    this.#post = options.post
  }

  open(turn: TurnOpened): Promise<void> {
    const batch = this.#take(queueRecordsMax)
    if (batch === null) return this.#refuse()
    batch.opens.set(turn.id, turn)
    this.#added()
    return batch.committed
  }

  settle(turn: TurnSettled): Promise<void> {
    for (const waiting of this.#waiting) {
      if (waiting.isGivenUp || !waiting.opens.delete(turn.opened.id)) continue
      waiting.settles.push(turn)
      return waiting.committed
    }
    const batch = this.#take(2 * queueRecordsMax)
    if (batch === null) return this.#refuse()
    batch.settles.push(turn)
    this.#added()
    return batch.committed
  }

  /** The newest memory of an account replaces one that still waits. */
  keep(memory: AccountMemory): Promise<void> {
    for (const waiting of this.#waiting) {
      if (waiting.isGivenUp || !waiting.memories.has(memory.account)) continue
      waiting.memories.set(memory.account, memory)
      return waiting.committed
    }
    const batch = this.#take(2 * queueRecordsMax)
    if (batch === null) return this.#refuse()
    batch.memories.set(memory.account, memory)
    this.#added()
    return batch.committed
  }

  commits(): boolean {
    return !this.#stuck && !this.#closed
  }

  lag(): number {
    let records = this.#underWay === null ? 0 : this.#underWay.batch.records
    for (const waiting of this.#waiting) records += waiting.records
    return records
  }

  /** How many transactions have been committed. */
  commitCount(): number {
    return this.#commits
  }

  /** The writer has batch `n` on disk. */
  acknowledge(n: number): void {
    const batch = this.#finish(n)
    if (batch === null) return
    this.#commits += 1
    this.#stuck = false
    batch.resolve()
    this.#send()
  }

  /** The writer will never have all of batch `n`. */
  reject(n: number, why: string): void {
    const batch = this.#finish(n)
    if (batch === null) return
    this.#stuck = false
    batch.reject(new LedgerStuck(`The store cannot take a record: ${why}`))
    this.#send()
  }

  /** The writer is gone; who waits for the batch that it had is told so. */
  writerLost(): void {
    this.#stuck = true
    if (this.#underWay !== null) this.#giveUp(this.#underWay.batch, 'the writer of the store ended')
  }

  /** A new writer has begun: it gets the batch that the old one did not acknowledge. */
  writerBack(): void {
    if (this.#underWay !== null) this.#post(this.#underWay.message)
    else this.#stuck = false
    this.#send()
  }

  /** Takes nothing more; resolves when all that was taken is on disk. */
  close(): Promise<void> {
    this.#closed = true
    return new Promise((resolve) => {
      this.#onEmpty = resolve
      this.#send()
    })
  }

  /** Stops waiting: everyone who still waits is told so. Returns the number of records that are not on disk. */
  abandon(): number {
    for (const batch of this.#all()) this.#giveUp(batch, 'the store was closed')
    this.#stopWatch?.()
    this.#stopWatch = null
    return this.lag()
  }

  /** The batch that is being filled; null where `records` of them wait already. */
  #take(records: number): Batch | null {
    if (this.#closed || this.lag() >= records) return null
    const last = this.#waiting.at(-1)
    if (last !== undefined && !last.isGivenUp && last.records < batchRecordsMax) return last
    const batch = new Batch(this.#clock.now())
    this.#waiting.push(batch)
    this.#watch()
    return batch
  }

  #refuse(): Promise<never> {
    const refused = Promise.reject(new LedgerStuck(this.#closed ? 'The store is closed.' : `The store is behind by ${this.lag()} records.`))
    refused.catch(() => {})
    return refused
  }

  #added(): void {
    if (this.#underWay !== null || this.#scheduled) return
    // After what the sockets bring in this turn of the event loop, so that it goes together.
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#send()
    })
  }

  #send(): void {
    if (this.#underWay !== null) return
    const batch = this.#waiting.shift()
    if (batch === undefined) {
      this.#checkEmpty()
      return
    }
    this.#number += 1
    this.#underWay = { batch, message: batch.message(this.#number, this.#clock.now()) }
    this.#post(this.#underWay.message)
  }

  #finish(n: number): Batch | null {
    if (this.#underWay === null || this.#underWay.message.n !== n) return null
    const { batch } = this.#underWay
    this.#underWay = null
    return batch
  }

  #checkEmpty(): void {
    if (this.#onEmpty === null) return
    this.#stopWatch?.()
    this.#stopWatch = null
    this.#onEmpty()
  }

  /** One timer for all: it rings when the oldest batch is overdue, and not at all for a batch that is done. */
  #watch(): void {
    if (this.#stopWatch !== null) return
    const oldest = this.#all().find((batch) => !batch.isGivenUp)
    if (oldest === undefined) return
    this.#stopWatch = this.#clock.after(oldest.bornAtMs + this.#commitMs - this.#clock.now(), () => {
      this.#stopWatch = null
      const dueMs = this.#clock.now() - this.#commitMs
      for (const batch of this.#all()) if (batch.bornAtMs <= dueMs) this.#giveUp(batch, `the store did not commit within ${this.#commitMs} ms`)
      this.#watch()
    })
  }

  #giveUp(batch: Batch, why: string): void {
    if (batch.isGivenUp) return
    batch.isGivenUp = true
    this.#stuck = true
    batch.reject(new LedgerStuck(`The turn is not on record: ${why}.`))
  }

  #all(): readonly Batch[] {
    return this.#underWay === null ? this.#waiting : [this.#underWay.batch, ...this.#waiting]
  }
}
