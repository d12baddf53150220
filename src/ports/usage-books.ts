import type { Charge } from '../core/charge.ts'
import type { Usage } from '../core/usage.ts'

/** What turns are summed up by. */
export type UsageBy = 'key' | 'account' | 'model' | 'day'

export interface UsageQuery {
  readonly by: UsageBy
  /** Turns that began at this moment or later, to the hour; null: from the first on. */
  readonly fromMs: number | null
  /** Turns that began before this moment, to the hour; null: to the last. */
  readonly toMs: number | null
}

/** What some turns came to. */
export interface UsageRow {
  /** The name of a key, account or model, or a day such as 2026-11-21. Null: turns that reached no account. */
  readonly name: string | null
  readonly turns: number
  /** Of the turns whose usage is known; null: of none. */
  readonly usage: Usage | null
  /** Each of the turns of which it is known; null: of none. */
  readonly charge: Charge
  /** Turns that used, or may have used, what is not in the sums: their usage or their charge is unknown. */
  readonly unknownTurns: number
}

/** Sums over all turns that are over. */
export interface UsageBooks {
  /** Days in their order; else those with the most turns first. At most `usageRowsMax` rows. */
  sum(query: UsageQuery): Promise<readonly UsageRow[]>
}

export const usageRowsMax = 10_000
