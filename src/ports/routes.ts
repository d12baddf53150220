import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from './caller.ts'

/** Who may use a route: a key that we issued, the operator, someone who reads metrics, anyone. */
export type Guard = 'key' | 'admin' | 'metrics' | 'open'

/** What a matched route is given. `caller` is there exactly where the guard is `key`. */
export interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  /** The parts of the path that the pattern names. */
  readonly params: Readonly<Record<string, string>>
  readonly requestId: string
  readonly caller: Caller | null
}

/** One row of the table of routes; authorisation tests are made from the rows. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Segments, `:name` for a part that varies; a last segment `*` takes the rest. */
  readonly path: string
  readonly guard: Guard
  handle(visit: Visit): Promise<void>
}
