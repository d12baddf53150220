import type { TurnId } from '../core/ids.ts'
import type { Turn } from '../core/turn.ts'
import type { Dialect } from '../dialect/dialect.ts'
import type { Body } from '../lib/body.ts'
import type { Clock, Dice } from '../lib/clock.ts'
import type { Headers } from '../lib/headers.ts'
import type { Kept } from '../lib/kept.ts'
import type { Caller } from '../ports/caller.ts'
import type { Ledger } from '../ports/ledger.ts'
import type { Limits } from '../ports/limits.ts'
import type { Log } from '../ports/log.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { Origins } from '../ports/origins.ts'
import type { Accounts } from '../ports/pool.ts'
import type { Settings } from '../ports/settings.ts'
import type { Owners } from '../ports/stores.ts'
import type { Tracer } from '../ports/tracer.ts'
import type { Transport } from '../ports/transport.ts'
import type { SessionTurn } from './session-turn.ts'

/** All that a turn needs from outside itself. */
export interface World {
  readonly clock: Clock
  readonly dice: Dice
  readonly accounts: Accounts
  readonly transport: Transport
  readonly ledger: Ledger
  readonly limits: Limits
  readonly owners: Owners
  readonly origins: Origins
  readonly metrics: Metrics
  /** Null, or left out: nobody follows turns. */
  readonly tracer?: Tracer | null
  readonly log: Log
  /** The operator's settings as they are now; a turn takes them once, at admit. */
  settings(): Settings
}

/** One question, read and identified: what `runTurn` starts from. */
export interface Ask {
  readonly id: TurnId
  readonly caller: Caller
  readonly dialect: Dialect
  readonly turn: Turn
  /** Let go at the commit point: an answer may run for an hour, and nothing is sent from it any more. */
  readonly body: Kept<Body>
  readonly headers: Headers
  /** What of the address's query an upstream of the same dialect hears, with its question mark; empty: nothing. */
  readonly search: string
  /** When the request had been read, in epoch milliseconds. */
  readonly receivedAtMs: number
  readonly requestId: string
  /** What the turn has of the session that it belongs to; null: an HTTP request. */
  readonly session: SessionTurn | null
}
