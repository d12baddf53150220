import type { BatchMessage } from '../../src/storage/messages.ts'
import type { BatchSpool, Spooled } from '../../src/storage/spool.ts'

/** A spool in memory that does as it is told. */
export class FakeSpool implements BatchSpool {
  readonly held: BatchMessage[] = []
  /** What becomes of the next batches. `hangs`: it neither takes them nor says so, until `letGo`. */
  says: Spooled | 'hangs' = 'synced'
  hasRoom = true
  /** How often it was begun anew. */
  fillings = 0
  #taken = 0
  #hanging: (() => void)[] = []

  get isEmpty(): boolean {
    return this.held.length === 0
  }

  async append(batch: BatchMessage): Promise<Spooled> {
    if (this.says === 'hangs') await new Promise<void>((resolve) => this.#hanging.push(resolve))
    if (this.says !== 'synced') return this.says === 'hangs' ? 'unwritable' : this.says
    this.held.push(batch)
    return 'synced'
  }

  async next(): Promise<BatchMessage | null> {
    const batch = this.held[this.#taken]
    if (batch !== undefined) {
      this.#taken += 1
      return batch
    }
    this.held.length = 0
    this.#taken = 0
    this.fillings += 1
    return null
  }

  letGo(says: Spooled): void {
    this.says = says
    for (const resolve of this.#hanging.splice(0)) resolve()
  }
}
