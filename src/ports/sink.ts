export type HeaderList = readonly (readonly [name: string, value: string])[]

/** Where an answer goes: one client, by HTTP or by WebSocket. The turn alone decides what is written and when it ends. */
export interface Sink {
  /** Status line and headers, once, before any byte. */
  head(status: number, headers: HeaderList): void
  /** Writes bytes as they stand, joined into one write. False: the client takes no more for now; wait for `drained`. */
  write(chunks: readonly Buffer[]): boolean
  /** Calls back once when the client takes bytes again. */
  drained(then: () => void): void
  /** Ends the answer cleanly; the last bytes have been handed over when it resolves. */
  end(): Promise<void>
  /** Hands over what was written and then breaks the connection off, so that no client can take the answer for whole. */
  cut(): void
}
