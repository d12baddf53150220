import type { Clock } from '../lib/clock.ts'
import { LedgerStuck } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { AccountMemory } from '../ports/stores.ts'
import { GroupCommit } from './group-commit.ts'
import { KeptWorker } from './kept-worker.ts'
import type { FromWriter, Swept, SweepMessage, ToWriter, WriterStart } from './messages.ts'
import { StoreError } from './store-error.ts'

/** Entity writes under way at once; the operator makes them one by one. */
export const entityWritesMax = 100

export interface SideOptions {
  readonly file: string
  readonly worker: URL
  readonly clock: Clock
  readonly commitMs: number
  readonly log: Log
}

interface EntityWrite {
  readonly resolve: (version: number | null) => void
  readonly reject: (error: Error) => void
}

/** The main thread's end of the writer. */
export class WriteSide {
  readonly commit: GroupCommit
  readonly #worker: KeptWorker<ToWriter, FromWriter>
  readonly #clock: Clock
  readonly #commitMs: number
  readonly #log: Log
  readonly #entities = new Map<number, EntityWrite>()
  readonly #opened = Promise.withResolvers<void>()
  #sweeping: PromiseWithResolvers<Swept> | null = null
  #entityNumber = 0
  #state: 'starting' | 'running' | 'lost' | 'closing' = 'starting'
  #troubled = false

  constructor(options: SideOptions) {
    this.#clock = options.clock
    this.#commitMs = options.commitMs
    this.#log = options.log
    this.commit = new GroupCommit({
      clock: options.clock,
      commitMs: options.commitMs,
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
      begin: (begins): WriterStart => ({ file: options.file, begins }),
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
    if (this.#state !== 'running') return Promise.reject(new StoreError('down', 'The store does not take writes at the moment.'))
    if (this.#entities.size >= entityWritesMax) return Promise.reject(new StoreError('busy', 'Too many changes wait for the store.'))
    this.#entityNumber += 1
    const n = this.#entityNumber
    return new Promise((resolve, reject) => {
      const stop = this.#clock.after(this.#commitMs, () => this.#entity(n)?.reject(new LedgerStuck(`The store did not commit within ${this.#commitMs} ms.`)))
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
      this.#worker.post({ kind: 'entity', n, name, json, version })
    })
  }

  /** One sweep at a time: asked again, it answers with the one under way. */
  sweep(message: SweepMessage): Promise<Swept> {
    if (this.#state !== 'running') return Promise.resolve({ turns: 0, owners: 0 })
    if (this.#sweeping === null) {
      this.#sweeping = Promise.withResolvers<Swept>()
      this.#worker.post(message)
    }
    return this.#sweeping.promise
  }

  keep(memory: AccountMemory): Promise<void> {
    return this.commit.keep(memory)
  }

  /** Writes what was taken, for at most `commitMs`, then ends the thread. */
  async close(): Promise<void> {
    const running = this.#state === 'running'
    this.#state = 'closing'
    if (running) {
      const late = Promise.withResolvers<void>()
      const stop = this.#clock.after(this.#commitMs, late.resolve)
      await Promise.race([this.commit.close(), late.promise])
      stop()
    }
    const lost = this.commit.abandon()
    if (lost > 0) this.#log.error({ records: lost }, 'the store was closed with records that it could not write')
    this.#failAll('the store was closed')
    await this.#worker.end({ kind: 'close' }, this.#commitMs)
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
        this.#ready()
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
      case 'entity-failed':
        this.#entity(message.n)?.reject(new StoreError('failed', `The store cannot take the change: ${message.why}`))
        break
      case 'swept':
        if (message.why !== null) this.#log.warn({ why: message.why }, 'old records could not be deleted')
        this.#sweeping?.resolve({ turns: message.turns, owners: message.owners })
        this.#sweeping = null
        return
      case 'trouble':
        this.#troubled = true
        this.#log.warn({ why: message.why }, 'the store does not commit; trying again')
        return
    }
    this.#rest()
  }

  #ready(): void {
    const restarted = this.#state === 'lost'
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
    this.#sweeping?.resolve({ turns: 0, owners: 0 })
    this.#sweeping = null
  }

  /** Each write is answered once. */
  #entity(n: number): EntityWrite | null {
    const write = this.#entities.get(n) ?? null
    this.#entities.delete(n)
    return write
  }
}
