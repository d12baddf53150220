import type { TurnOpened, TurnSettled } from '../core/record.ts'
import type { Clock } from '../lib/clock.ts'
import { LedgerStuck } from '../ports/ledger.ts'
import type { Ledger } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { AccountMemory } from '../ports/stores.ts'
import { Batch, recordsOf } from './batch.ts'
import { Deadlines, type Overdue } from './deadlines.ts'
import type { BatchMessage } from './messages.ts'
import { Shortfall, stuck, type OnFailure } from './shortfall.ts'
import type { BatchSpool, Spooled } from './spool.ts'

/** Records of one transaction. */
export const batchRecordsMax = 512
/** Records that wait in memory at most; beyond it an open is refused at once. Settles of turns already running may take as much again. */
export const queueRecordsMax = 20_000

export interface GroupCommitOptions {
  readonly clock: Clock
  readonly log: Log
  /** How long a record waits for the store before it goes to the spool. */
  readonly commitMs: number
  /** How long it then waits for the spool. */
  readonly spoolMs: number
  readonly spool: BatchSpool
  /** Hands a batch to the writer. */
  readonly post: (batch: BatchMessage) => void
}

/** What the writer has: a batch of those who wait, or one (null) that was drawn from the spool. */
interface UnderWay {
  readonly batch: Batch | null
  readonly message: BatchMessage
}

/**
 * The ledger's queue before the writer. One batch is under way at a time; what comes meanwhile is the next one, so that many turns
 * share one commit and a lone turn waits for nobody. While the store does not answer, batches go to the spool, whence they follow in their
 * order when it does: what is in the spool always came before what is in memory.
 */
export class GroupCommit implements Ledger {
  readonly #options: GroupCommitOptions
  readonly #deadlines: Deadlines
  readonly #shortfall: Shortfall
  readonly #waiting: Batch[] = []
  #underWay: UnderWay | null = null
  #spooling: { readonly batch: Batch; readonly done: Promise<void> } | null = null
  #isDrawing = false
  #number = 0
  #commits = 0
  #recordsSpooled = 0
  /** The store is overdue. */
  #stuck = false
  #closed = false
  #scheduled = false
  #onEmpty: (() => void) | null = null

  constructor(options: GroupCommitOptions) {
    this.#options = options
    this.#shortfall = new Shortfall(options.log)
    this.#deadlines = new Deadlines({ ...options, batches: () => this.#all(), ring: (overdue) => this.#overdue(overdue) })
  }

  onFailure(next: OnFailure): void {
    this.#shortfall.set(next)
  }

  open(turn: TurnOpened): Promise<void> {
    const batch = this.#take(queueRecordsMax)
    batch?.opens.set(turn.id, turn)
    return this.#inTime(batch)
  }

  settle(turn: TurnSettled): Promise<void> {
    const waiting = this.#waiting.find(({ state, opens }) => state === 'waiting' && opens.delete(turn.opened.id))
    const batch = waiting ?? this.#take(2 * queueRecordsMax)
    batch?.settles.push(turn)
    return this.#inTime(batch)
  }

  /** The newest memory of an account replaces one that still waits. */
  keep(memory: AccountMemory): Promise<void> {
    const waiting = this.#waiting.find(({ state, memories }) => state === 'waiting' && memories.has(memory.account))
    const batch = waiting ?? this.#take(2 * queueRecordsMax)
    batch?.memories.set(memory.account, memory)
    return this.#inTime(batch)
  }

  commits(): boolean {
    if (this.#closed) return false
    return this.#shortfall.serves || (!this.#shortfall.isOpen && (!this.#stuck || this.#options.spool.hasRoom))
  }

  /** Whether the store itself, rather than the spool, takes what comes. */
  isInTime(): boolean {
    return !this.#stuck && !this.#closed
  }

  lag(): number {
    return this.#held() + this.#recordsSpooled
  }

  /** How many transactions have been committed. */
  commitCount(): number {
    return this.#commits
  }

  /** The writer has batch `n` on disk. */
  acknowledge(n: number): void {
    if (this.#finish(n, (batch) => batch.resolve())) this.#commits += 1
  }

  /** The writer will never have all of batch `n`. */
  reject(n: number, why: string): void {
    this.#finish(n, (batch) => batch.reject(new LedgerStuck(`The store cannot take a record: ${why}`)))
  }

  /** The writer is gone: until there is another, records go to the spool. */
  writerLost(): void {
    this.#stuck = true
    void this.#spool()
  }

  /** A new writer has begun: it gets the batch that the old one did not acknowledge. */
  writerBack(): void {
    if (this.#underWay !== null) this.#options.post(this.#underWay.message)
    else this.#stuck = false
    this.#send()
  }

  /** Takes nothing more; resolves when all that was taken is in the store. */
  close(): Promise<void> {
    this.#closed = true
    return new Promise((resolve) => {
      this.#onEmpty = resolve
      this.#send()
    })
  }

  /** Stops waiting for the store: what it has not taken goes to the spool. Returns the number of records that are on no disk. */
  async abandon(): Promise<number> {
    this.#stuck = true
    const stop = this.#options.clock.after(this.#options.spoolMs, () => this.#giveUpAll('the store was closed'))
    await Promise.race([this.#spool(), Promise.allSettled(this.#all().map((batch) => batch.committed))])
    stop()
    this.#giveUpAll('the store was closed')
    this.#deadlines.stop()
    return this.#all().reduce((sum, batch) => (batch.state === 'spooled' ? sum : sum + batch.records), 0)
  }

  /** The batch that is being filled; null where `records` of them wait already. */
  #take(records: number): Batch | null {
    if (this.#closed || this.#held() >= records) return null
    const last = this.#waiting.at(-1)
    if (last !== undefined && last.state === 'waiting' && last.records < batchRecordsMax) return last
    const batch = new Batch(this.#options.clock.now())
    this.#waiting.push(batch)
    this.#deadlines.watch(batch)
    return batch
  }

  /** When it is on disk. @param batch null: there is no room for one more record. */
  #inTime(batch: Batch | null): Promise<void> {
    if (batch === null) return this.#closed ? stuck('The store is closed.') : this.#shortfall.refuse(`The store is behind by ${this.#held()} records.`)
    this.#added()
    return batch.committed
  }

  #added(): void {
    if (this.#scheduled || (this.#underWay !== null && !this.#stuck)) return
    // After what the sockets bring in this turn of the event loop, so that it goes together.
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (this.#stuck) void this.#spool()
      else this.#send()
    })
  }

  #send(): void {
    if (this.#underWay !== null || this.#isDrawing) return
    if (!this.#options.spool.isEmpty) return void this.#draw()
    const batch = this.#waiting.shift()
    if (batch === undefined) return this.#checkEmpty()
    this.#begin(batch, batch.message(0, this.#options.clock.now()))
  }

  #begin(batch: Batch | null, message: BatchMessage): void {
    this.#number += 1
    this.#underWay = { batch, message: { ...message, n: this.#number } }
    this.#options.post(this.#underWay.message)
  }

  /** What the spool has comes first. */
  async #draw(): Promise<void> {
    this.#isDrawing = true
    const message = await this.#options.spool.next()
    this.#isDrawing = false
    if (message !== null) return this.#begin(null, message)
    this.#recordsSpooled = 0
    this.#send()
  }

  /** False where batch `n` is not what the writer has. */
  #finish(n: number, tell: (batch: Batch) => void): boolean {
    if (this.#underWay === null || this.#underWay.message.n !== n) return false
    const { batch, message } = this.#underWay
    this.#underWay = null
    this.#stuck = false
    this.#shortfall.close()
    if (batch === null) this.#recordsSpooled = Math.max(0, this.#recordsSpooled - recordsOf(message))
    else {
      batch.state = 'written'
      tell(batch)
    }
    this.#send()
    return true
  }

  #checkEmpty(): void {
    if (this.#onEmpty === null || this.#spooling !== null) return
    this.#deadlines.stop()
    this.#onEmpty()
  }

  #overdue(batches: Overdue): void {
    for (const batch of batches.hopeless)
      this.#giveUp(batch, `neither the store nor the spool took it within ${this.#options.commitMs + this.#options.spoolMs} ms`)
    if (batches.late === 0) return
    this.#stuck = true
    void this.#spool()
  }

  /** Puts what waits into the spool, the oldest first, for as long as the store is overdue and the spool takes it. */
  #spool(): Promise<void> {
    if (this.#spooling !== null) return this.#spooling.done
    const batch = this.#oldest()
    if (batch === null) return Promise.resolve()
    const { clock, spool } = this.#options
    const message = this.#underWay?.batch === batch ? this.#underWay.message : batch.message(0, clock.now())
    const done = spool.append(message).then((said) => this.#spooled(batch, said))
    this.#spooling = { batch, done }
    return done
  }

  async #spooled(batch: Batch, said: Spooled): Promise<void> {
    this.#spooling = null
    if (said === 'synced') {
      if (batch.state !== 'written') batch.state = 'spooled'
      batch.resolve()
      this.#recordsSpooled += batch.records
      this.#shortfall.close()
    } else {
      if (this.#underWay?.batch !== batch && batch.state !== 'written') this.#waiting.unshift(batch)
      const dueMs = this.#options.clock.now() - this.#options.commitMs
      for (const late of this.#all()) if (late.bornAtMs <= dueMs) this.#giveUp(late, said === 'full' ? 'the spool is full' : 'the spool cannot be written')
    }
    if (this.#underWay === null) this.#send()
    if (this.#stuck && said === 'synced') await this.#spool()
  }

  /** What goes to the spool next, taken from those who wait; null: nothing has to. */
  #oldest(): Batch | null {
    if (!this.#stuck) return null
    const underWay = this.#underWay?.batch ?? null
    return underWay !== null && underWay.state !== 'spooled' ? underWay : (this.#waiting.shift() ?? null)
  }

  #giveUpAll(why: string): void {
    for (const batch of this.#all()) this.#giveUp(batch, why)
  }

  #giveUp(batch: Batch, why: string): void {
    this.#shortfall.giveUp(batch, why)
    if (batch.state === 'given up') this.#stuck = true
  }

  /** Records in memory. */
  #held(): number {
    const underWay = this.#underWay?.batch ?? null
    let records = underWay === null || underWay.state === 'spooled' ? 0 : underWay.records
    if (this.#spooling !== null && this.#spooling.batch !== underWay) records += this.#spooling.batch.records
    for (const waiting of this.#waiting) records += waiting.records
    return records
  }

  /** What is in memory, the oldest first. */
  #all(): readonly Batch[] {
    const underWay = this.#underWay?.batch ?? null
    const spooling = this.#spooling === null || this.#spooling.batch === underWay ? [] : [this.#spooling.batch]
    return [...(underWay === null ? [] : [underWay]), ...spooling, ...this.#waiting]
  }
}
