import { LedgerStuck } from '../ports/ledger.ts'
import type { Log } from '../ports/log.ts'
import type { Batch } from './batch.ts'

/** What becomes of turns whose record is on disk in time neither in the store nor in the spool: they are told so, or they go on. */
export type OnFailure = 'refuse' | 'serve'

/** From the first record that is on no disk in time to the next one that is. */
export class Shortfall {
  readonly #log: Log
  #onFailure: OnFailure = 'refuse'
  #isOpen = false
  /** Records that were let go of, since turns are served that are not on the books. */
  #lost = 0

  constructor(log: Log) {
    this.#log = log
  }

  set(onFailure: OnFailure): void {
    this.#onFailure = onFailure
  }

  /** Whether turns are served all the same. */
  get serves(): boolean {
    return this.#onFailure === 'serve'
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Tells those who wait for this batch; it is written all the same, as soon as it can be. */
  giveUp(batch: Batch, why: string): void {
    if (batch.state !== 'waiting') return
    batch.state = 'given up'
    if (!this.#isOpen) this.#log.error({ why, on_failure: this.#onFailure }, 'records of turns are on no disk')
    this.#isOpen = true
    if (this.serves) batch.resolve()
    else batch.reject(new LedgerStuck(`The turn is not on record: ${why}.`))
  }

  /** A record for which there is no room at all. */
  refuse(why: string): Promise<void> {
    if (this.serves) {
      this.#lost += 1
      return Promise.resolve()
    }
    return stuck(why)
  }

  /** Records are on disk again. */
  close(): void {
    this.#isOpen = false
    if (this.#lost > 0) this.#log.error({ records: this.#lost }, 'turns were served that are not on the books')
    this.#lost = 0
  }
}

/** A rejection that nobody needs to hear. */
export function stuck(why: string): Promise<never> {
  const refused = Promise.reject(new LedgerStuck(why))
  refused.catch(() => {})
  return refused
}
