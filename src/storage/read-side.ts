import type { Clock } from '../lib/clock.ts'
import { KeptWorker } from './kept-worker.ts'
import type { Answers, FromReader, Question, ToReader } from './messages.ts'
import { StoreError } from './store-error.ts'
import type { SideOptions } from './write-side.ts'

/** Questions under way at once. */
export const questionsMax = 1000
/** How long an answer may take. */
export const answerMs = 10_000

interface Asked {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** The main thread's end of the reader. */
export class ReadSide {
  readonly #worker: KeptWorker<ToReader, FromReader>
  readonly #clock: Clock
  readonly #file: string
  readonly #asked = new Map<number, Asked>()
  readonly #opened = Promise.withResolvers<void>()
  #number = 0
  #state: 'starting' | 'running' | 'lost' | 'closing' = 'starting'

  /** The thread loads what it needs at once; it opens the file when `open` says that the writer has made it. */
  constructor(options: SideOptions) {
    this.#clock = options.clock
    this.#file = options.file
    this.#opened.promise.catch(() => {})
    this.#worker = new KeptWorker<ToReader, FromReader>({
      name: 'reader',
      file: options.worker,
      clock: options.clock,
      log: options.log,
      begin: (begins) => {
        if (begins === 'again') queueMicrotask(() => this.#worker.post({ kind: 'open', file: this.#file }))
        return null
      },
      received: (message) => this.#received(message),
      lost: (why) => this.#lost(why),
    })
  }

  open(): Promise<void> {
    this.#worker.post({ kind: 'open', file: this.#file })
    return this.#opened.promise
  }

  isRunning(): boolean {
    return this.#state === 'running'
  }

  /** Rejects with a StoreError when the reader is down, has too much to do, or does not answer in time. */
  ask<Kind extends Question['kind']>(question: Extract<Question, { readonly kind: Kind }>): Promise<Answers[Kind]> {
    if (this.#state !== 'running') return Promise.reject(new StoreError('down', 'The store cannot be read at the moment.'))
    if (this.#asked.size >= questionsMax) return Promise.reject(new StoreError('busy', 'Too many questions wait for the store.'))
    this.#number += 1
    const n = this.#number
    return new Promise<unknown>((resolve, reject) => {
      const stop = this.#clock.after(answerMs, () => this.#take(n)?.reject(new StoreError('busy', `The store did not answer within ${answerMs} ms.`)))
      this.#asked.set(n, {
        resolve: (value) => {
          stop()
          resolve(value)
        },
        reject: (error) => {
          stop()
          reject(error)
        },
      })
      this.#worker.hold()
      this.#worker.post({ kind: 'ask', n, question })
    }) as Promise<Answers[Kind]>
  }

  async close(): Promise<void> {
    this.#state = 'closing'
    this.#failAll('the store was closed')
    await this.#worker.end({ kind: 'close' }, answerMs)
  }

  #received(message: FromReader): void {
    switch (message.kind) {
      case 'ready':
        if (this.#state !== 'closing') this.#state = 'running'
        this.#opened.resolve()
        break
      case 'answer':
        this.#worker.proven()
        this.#take(message.n)?.resolve(message.value)
        break
      case 'failed':
        this.#take(message.n)?.reject(new StoreError('failed', `The store could not be read: ${message.why}`))
    }
    if (this.#asked.size === 0) this.#worker.release()
  }

  #lost(why: string): void {
    this.#opened.reject(new StoreError('cannot-open', `The store's reader ended: ${why}.`))
    if (this.#state !== 'closing') this.#state = 'lost'
    this.#failAll(why)
  }

  #failAll(why: string): void {
    for (const n of this.#asked.keys()) this.#take(n)?.reject(new StoreError('down', `The store could not be read: ${why}.`))
  }

  #take(n: number): Asked | null {
    const asked = this.#asked.get(n) ?? null
    this.#asked.delete(n)
    return asked
  }
}
