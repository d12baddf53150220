import type { LookupFunction } from 'node:net'
import type { AccountId } from '../core/ids.ts'
import type { Clock } from '../lib/clock.ts'
import type { Transport } from '../ports/transport.ts'
import { Connections } from './connections.ts'
import { Exchange } from './exchange.ts'
import { systemNames } from './guard.ts'

export interface HttpTransport extends Transport {
  /** Connections that are open, and how many of them are kept for later. */
  connections(): { readonly open: number; readonly idle: number }
  /** For an account that a reload removed: its connections close as soon as nobody uses them. */
  forget(account: AccountId): void
  /** Breaks off whatever still runs. */
  close(): void
}

export interface HttpTransportSettings {
  readonly clock: Clock
  /** How names become addresses; the system's way unless given. What it answers is guarded all the same. */
  readonly names?: LookupFunction
}

/** Upstreams over HTTP/1.1, with kept connections. */
export function httpTransport(settings: HttpTransportSettings): HttpTransport {
  const connections = new Connections(settings.names ?? systemNames, settings.clock)
  return {
    send: (call) =>
      new Promise((resolve, reject) => {
        // A `Cancelled`, by the port's promise.
        if (call.signal.aborted) reject(call.signal.reason as Error)
        else new Exchange({ connections, clock: settings.clock, resolve, reject }, call).start()
      }),
    connections: () => connections.counts(),
    forget: (account) => connections.forget(account),
    close: () => connections.close(),
  }
}
