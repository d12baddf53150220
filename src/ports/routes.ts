import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TurnId } from '../core/ids.ts'
import type { Caller } from './caller.ts'

/** Who may use a route: a key that we issued, the operator, someone who reads metrics (or the operator), anyone. */
export type Guard = 'key' | 'admin' | 'metrics' | 'open'

/** What a matched route is given. */
export interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  /** The parts of the path that the pattern names, decoded; the rest that a last `*` took stands under `*`. */
  readonly params: Readonly<Record<string, string>>
  /** Stands on every answer as `x-request-id`: set on the response already, except where the route begins a turn. */
  readonly requestId: string
  /** There exactly where the guard is `key`. */
  readonly caller: Caller | null
  /** The same as the keys stand when it is called, which may be long after the head was read; null: the key is gone, or has expired. */
  callerNow(): Caller | null
  /** There exactly where the route begins a turn: the id that the turn has from here on. */
  readonly turn: TurnId | null
}

/** One row of the table of routes; authorisation tests are made from the rows. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Segments, `:name` for a part that varies; a last segment `*` takes the rest. Paths below `/v1` are served without `/v1` too. GET serves HEAD too. */
  readonly path: string
  readonly guard: Guard
  /** Every answer of this route, refusals before the turn included, carries `x-turnout-turn`. */
  readonly begins?: 'turn'
  /** Answers completely. What it throws is a Bug: answered 500, logged with its stack, and the process lives. */
  handle(visit: Visit): Promise<void>
}
