import type { ClientModel, KeyId, PoolId } from '../core/ids.ts'

/** Who is asking: the key that we issued, and what it may do. */
export interface Caller {
  readonly key: KeyId
  /** Tried in order. */
  readonly pools: readonly PoolId[]
  /** Client models that the key may name; empty means every model. */
  readonly models: readonly ClientModel[]
  readonly limits: {
    /** Turns at once; null: no limit. */
    readonly concurrency: number | null
    readonly requestsPerMinute: number | null
    /** WebSocket sessions open at once; null: no limit. */
    readonly sessions: number | null
  }
}
