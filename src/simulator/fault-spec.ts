/** A fault as tests, the configuration and the control endpoint ask for it. What is left out has the default of the deed. */
export interface FaultSpec {
  /** One of `faultNames`, in either spelling. */
  readonly fault: string
  /** Requests that go well before the fault begins. */
  readonly after?: number
  /** How many times it strikes; left out: for ever. */
  readonly times?: number
  /** How long it lasts, counted from its first strike; left out: for ever. */
  readonly forMs?: number
  /** Strikes with this probability, by the simulator's dice. */
  readonly chance?: number
  /** Strikes turns only, or listings and stored answers as well. Credential and 403 faults strike every request unless told otherwise. */
  readonly on?: 'turns' | 'every-request'
  /** Strikes turns, or the handshakes of WebSocket connections and nothing else. */
  readonly at?: 'turn' | 'handshake'
  /** Strikes only requests that name one of these models. */
  readonly models?: readonly string[]
  /** `status`: what is answered. A body that is an object goes out as JSON, a text as it is. */
  readonly status?: number
  readonly body?: unknown
  /** Laid over the headers of the answer: `status` and the named refusals, `headers`. */
  readonly headers?: { readonly [name: string]: string | readonly string[] }
  /** `quota`, `quota-403` of Messages: until the reset; null leaves the reset out. */
  readonly resetsInSeconds?: number | null
  /** `rate`, `overload`: the hint; null leaves it out. */
  readonly retryAfterSeconds?: number | null
  /** The code of the error; null leaves it out. On Messages it is `details.error_code`, and a `quota` without one is that of a subscription. */
  readonly code?: string | null
  readonly message?: string
  /** `slow`: how long; `drip`: between two chunks. */
  readonly ms?: number
  /** How many events go out before the fault; at most all but the terminal one. Over WebSocket a frame is an event. */
  readonly events?: number
  /** Where the fault stands, by a place that every dialect has: before the head (`slow` only; others: before the events), any event, any output, or what tells the end. `events` goes before it. */
  readonly before?: 'head' | 'events' | 'output' | 'end'
  /** `error-event`: the two spellings that the Responses API has of it. */
  readonly shape?: 'nested' | 'flat'
  /** How an error event over WebSocket tells its status: by this member at its top, or not at all. */
  readonly statusAs?: 'status' | 'status_code' | 'none'
  /** `close`: the code; 1005: none is told; 1006: the connection breaks instead. Error events and `failed` over WebSocket: the connection is closed behind them. */
  readonly closeCode?: number
  /** The reason that goes with the close code. */
  readonly reason?: string
  readonly megabytes?: number
  /** `unknown-event`: the types to be sent. */
  readonly types?: readonly string[]
  /** `redirect`: where to. */
  readonly location?: string
  /** `drip`: the size of a chunk. */
  readonly chunkBytes?: number
}
