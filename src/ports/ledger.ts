import type { TurnOpened, TurnSettled } from '../core/record.ts'

/** Where what happened is kept. Both promises resolve when the record is on disk, in the store or in its spool; they reject with `LedgerStuck` when it does not get there in time. */
export interface Ledger {
  /** Queued at once, so that it is almost always committed before anyone waits for it. */
  open(turn: TurnOpened): Promise<void>
  settle(turn: TurnSettled): Promise<void>
  /** False while new turns could not be put on the books: they are refused until they can be. */
  commits(): boolean
  /** Records handed over and not yet in the store. */
  lag(): number
}

/** Neither the store nor its spool took the record in time. */
export class LedgerStuck extends Error {
  override readonly name = 'LedgerStuck'
}
