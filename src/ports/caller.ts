import type { ClientModel, KeyId, PoolId } from '../core/ids.ts'
import type { KeyLimits } from '../core/key.ts'

/** Who is asking: the key that we issued, and what it may do. */
export interface Caller {
  readonly key: KeyId
  /** Tried in order. */
  readonly pools: readonly PoolId[]
  /** Client models that the key may name; empty means every model. */
  readonly models: readonly ClientModel[]
  readonly limits: KeyLimits
}
