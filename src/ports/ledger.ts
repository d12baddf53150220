import type { TurnOpened, TurnSettled } from '../core/record.ts'

/** Where what happened is kept. Both promises resolve when the record is on disk; they reject with `LedgerStuck` when it does not get there in time. */
export interface Ledger {
  /** Queued at once, so that it is almost always committed before anyone waits for it. */
  open(turn: TurnOpened): Promise<void>
  settle(turn: TurnSettled): Promise<void>
  /** False while a commit is overdue: new turns are refused until the store commits again. */
  commits(): boolean
  /** Records handed over and not yet on disk. */
  lag(): number
}

/** The store did not commit in time. */
export class LedgerStuck extends Error {
  override readonly name = 'LedgerStuck'
}
