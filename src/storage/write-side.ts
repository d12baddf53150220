import type { Clock } from '../lib/clock.ts'
import { LedgerStuck } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { AccountMemory } from '../ports/stores.ts'
import { GroupCommit } from './group-commit.ts'
import { KeptWorker } from './kept-worker.ts'
import type { AuditMessage, EntityMessage, FromWriter, Swept, SweepMessage, ToWriter, WriterStart } from './messages.ts'
import { noSpool, Spool, type SpoolPlace } from './spool.ts'
import { StoreError } from './store-error.ts'

/** Entity writes under way at once; the operator makes them one by one. */
export const entityWritesMax = 100

export interface SideOptions {
  readonly file: string
  readonly worker: URL
  readonly clock: Clock
  readonly log: Log
}

export interface WriteSideOptions extends SideOptions {
  readonly spool?: SpoolPlace
  readonly commitMs: number
  /** `spoolMs` unless told. */
  readonly spoolMs?: number
}

/** How long a record waits for the spool, beyond its wait for the store. Unit: milliseconds. */
export const spoolMs = 4000

/** How long a change of the operator waits for the store, and how long the store may take to be closed. Unit: milliseconds. */
export const graceMs = 5000

const nothingSwept: Swept = { turns: 0, owners: 0, days: 0 }

interface EntityWrite {
  readonly resolve: (version: number | null) => void
  readonly reject: (error: Error) => void
}

/** The main thread's end of the writer. */
export class WriteSide {
  readonly commit: GroupCommit
  readonly #worker: KeptWorker<ToWriter, FromWriter>
  readonly #clock: Clock
  readonly #spool: Spool | null
  readonly #log: Log
  readonly #entities = new Map<number, EntityWrite>()
  readonly #opened = Promise.withResolvers<void>()
  #sweeping: PromiseWithResolvers<Swept> | null = null
  #entityNumber = 0
  #state: 'starting' | 'running' | 'lost' | 'closing' = 'starting'
  #troubled = false

  constructor(options: WriteSideOptions) {
    this.#clock = options.clock
    this.#log = options.log
    this.#spool = options.spool === undefined ? null : new Spool(options.spool, options.log)
    this.commit = new GroupCommit({
      clock: options.clock,
      log: options.log,
      commitMs: options.commitMs,
      spoolMs: options.spoolMs ?? spoolMs,
      spool: this.#spool ?? noSpool,
      post: (batch) => {
        this.#worker.hold()
        this.#worker.post(batch)
      },
    })
    this.#worker = new KeptWorker<ToWriter, FromWriter>({
      name: 'writer',
      file: options.worker,
      clock: options.clock,
      log: options.log,
      begin: (begins): WriterStart => ({ file: options.file, spool: options.spool?.file ?? null, begins }),
      received: (message) => this.#received(message),
      lost: (why) => this.#lost(why),
    })
  }

  /** Resolves when the file is open; rejects with a StoreError when it cannot be. */
  opened(): Promise<void> {
    return this.#opened.promise
  }

  isRunning(): boolean {
    return this.#state === 'running'
  }

  writeEntity(name: string, json: string | null, version: number): Promise<number | null> {
    return this.#change((n) => ({ kind: 'entity', n, name, json, version }))
  }

  async writeAudit(entry: Pick<AuditMessage, 'row' | 'keptFrom'>): Promise<void> {
    await this.#change((n) => ({ kind: 'audit', n, ...entry }))
  }

  #change(message: (n: number) => EntityMessage | AuditMessage): Promise<number | null> {
    if (this.#state !== 'running') return Promise.reject(new StoreError('down', 'The store does not take writes at the moment.'))
    if (this.#entities.size >= entityWritesMax) return Promise.reject(new StoreError('busy', 'Too many changes wait for the store.'))
    this.#entityNumber += 1
    const n = this.#entityNumber
    return new Promise((resolve, reject) => {
      const stop = this.#clock.after(graceMs, () => this.#entity(n)?.reject(new LedgerStuck(`The store did not commit within ${graceMs} ms.`)))
      this.#entities.set(n, {
        resolve: (written) => {
          stop()
          resolve(written)
        },
        reject: (error) => {
          stop()
          reject(error)
        },
      })
      this.#worker.hold()
      this.#worker.post(message(n))
    })
  }

  /** One sweep at a time: asked again, it answers with the one under way. */
  sweep(message: SweepMessage): Promise<Swept> {
    if (this.#state !== 'running') return Promise.resolve(nothingSwept)
    if (this.#sweeping === null) {
      this.#sweeping = Promise.withResolvers<Swept>()
      this.#worker.post(message)
    }
    return this.#sweeping.promise
  }

  keep(memory: AccountMemory): Promise<void> {
    return this.commit.keep(memory)
  }

  /** Writes what was taken, for at most `graceMs` and not at all while the store does not answer; leaves the rest in the spool, and ends the thread. */
  async close(): Promise<void> {
    const running = this.#state === 'running'
    this.#state = 'closing'
    const answers = running && this.commit.isInTime()
    const written = this.commit.close()
    if (answers) {
      const late = Promise.withResolvers<void>()
      const stop = this.#clock.after(graceMs, late.resolve)
      await Promise.race([written, late.promise])
      stop()
    }
    const lost = await this.commit.abandon()
    if (lost > 0) this.#log.error({ records: lost }, 'the store was closed with records that it could not write')
    this.#failAll('the store was closed')
    await this.#worker.end({ kind: 'close' }, graceMs)
    await this.#spool?.close()
  }

  #received(message: FromWriter): void {
    if (typeof message === 'number') {
      this.#worked()
      this.commit.acknowledge(message)
      this.#rest()
      return
    }
    switch (message.kind) {
      case 'ready':
        this.#ready(message.recovered)
        return
      case 'refused':
        this.#state = 'closing'
        this.#opened.reject(new StoreError(message.code, message.message))
        return
      case 'rejected':
        this.#log.error({ why: message.why }, 'the store cannot take a record')
        this.#worked()
        this.commit.reject(message.n, message.why)
        break
      case 'entity':
        this.#worked()
        this.#entity(message.n)?.resolve(message.version)
        break
      case 'audited':
        this.#worked()
        this.#entity(message.n)?.resolve(null)
        break
      case 'entity-failed':
        this.#entity(message.n)?.reject(new StoreError('failed', `The store cannot take the change: ${message.why}`))
        break
      case 'swept':
        if (message.why !== null) this.#log.warn({ why: message.why }, 'old records could not be deleted')
        this.#sweeping?.resolve({ turns: message.turns, owners: message.owners, days: message.days })
        this.#sweeping = null
        return
      case 'counted':
        this.#log.info({}, 'turns of before there were sums are in the sums now')
        return
      case 'trouble':
        this.#troubled = true
        this.#log.warn({ why: message.why }, 'the store does not commit; trying again')
        return
    }
    this.#rest()
  }

  #ready(recovered: number): void {
    const restarted = this.#state === 'lost'
    if (recovered > 0) this.#log.info({ records: recovered }, 'what an earlier process left in the spool is in the store now')
    if (!restarted) void this.#spool?.allocate()
    this.#state = this.#state === 'closing' ? 'closing' : 'running'
    this.#opened.resolve()
    if (restarted) this.commit.writerBack()
    this.#rest()
  }

  #worked(): void {
    this.#worker.proven()
    if (!this.#troubled) return
    this.#troubled = false
    this.#log.info({}, 'the store commits again')
  }

  /** Lets the process end when nothing is under way. */
  #rest(): void {
    if (this.#entities.size === 0 && this.commit.lag() === 0) this.#worker.release()
  }

  #lost(why: string): void {
    this.#opened.reject(new StoreError('cannot-open', `The store's writer ended: ${why}.`))
    if (this.#state !== 'closing') this.#state = 'lost'
    this.commit.writerLost()
    this.#failAll(why)
  }

  #failAll(why: string): void {
    for (const n of this.#entities.keys()) this.#entity(n)?.reject(new StoreError('down', `The change may not be stored: ${why}.`))
    this.#sweeping?.resolve(nothingSwept)
    this.#sweeping = null
  }

  /** Each write is answered once. */
  #entity(n: number): EntityWrite | null {
    const write = this.#entities.get(n) ?? null
    this.#entities.delete(n)
    return write
  }
}
