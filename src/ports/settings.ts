import type { Rule } from '../core/policy.ts'
import type { PriceTable } from '../core/price.ts'
import type { Translate } from '../core/way.ts'

/** What the operator set, as one turn sees it: a snapshot, taken at admit. Times in milliseconds, sizes in bytes. */
export interface Settings {
  readonly rules: readonly Rule[]
  readonly prices: PriceTable
  readonly translate: Translate
  readonly failover: { readonly accountsPerTurn: number; readonly patienceMs: number; readonly budgetPercent: number }
  readonly times: {
    readonly connectMs: number
    readonly handshakeMs: number
    readonly firstEventMs: number
    readonly betweenEventsMs: number
    readonly answerMs: number
    readonly lastAttemptMs: number
    readonly holdHeadMs: number
    readonly keepAliveMs: number
    readonly clientWriteMs: number
    readonly slotWaitMs: number
    readonly drainMs: number
    readonly firstFrameMs: number
    readonly sessionIdleMs: number
  }
  readonly bounds: {
    readonly bodyBytes: number
    readonly answerBytes: number
    readonly bodiesBytes: number
    readonly frameBytes: number
    readonly transcriptBytes: number
    readonly transcriptsBytes: number
    readonly waiting: number
    readonly waitingPerKey: number
  }
}
