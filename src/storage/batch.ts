import type { TurnOpened, TurnSettled } from '../core/record.ts'
import type { LedgerStuck } from '../ports/ledger.ts'
import type { AccountMemory } from '../ports/stores.ts'
import type { BatchMessage } from './messages.ts'
import { failoverRows, openRow, settleRow } from './rows.ts'

/** What is written in one transaction, on its way to the writer. */
export class Batch {
  readonly bornAtMs: number
  readonly opens = new Map<string, TurnOpened>()
  readonly settles: TurnSettled[] = []
  readonly memories = new Map<string, AccountMemory>()
  readonly committed: Promise<void>
  resolve: () => void = () => {}
  reject: (error: LedgerStuck) => void = () => {}
  /** `spooled`: on disk, though not in the store. `given up`: those who wait were told that it takes too long; it is written all the same. */
  state: 'waiting' | 'spooled' | 'given up' | 'written' = 'waiting'

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

/** Records of a message, as `Batch.records` counts them. */
export function recordsOf({ opens, settles, memories }: BatchMessage): number {
  return opens.length + settles.length + memories.length
}
