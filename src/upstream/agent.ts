import { Agent, type ClientRequestArgs } from 'node:http'
import type { LookupFunction } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../lib/clock.ts'
import { dial, type Destination, type Resumption } from './dial.ts'
import { DialFailed } from './guard.ts'

/** What a request tells its agent besides what node knows. */
export interface DialWish {
  /** How long a new connection may take, TLS and proxy included. */
  readonly connectMs: number
  /** `fresh`: no kept connection, and this one is not kept either. */
  readonly connection: 'kept' | 'fresh'
}

/** How an agent is told apart from another, and what bounds it. */
export interface AgentSettings {
  readonly destination: Destination
  readonly socketsMax: number
  readonly freeMax: number
  readonly idleMs: number
  readonly names: LookupFunction
  readonly clock: Clock
}

const tcpKeepAliveMs = 60_000

/** The kept connections of one account to its upstream. The one used last is taken first, so that the others may idle out. */
export class UpstreamAgent extends Agent {
  readonly #settings: AgentSettings
  readonly #resumption: Resumption = { session: null }
  readonly #dials = new Set<AbortController>()
  #retired = false

  constructor(settings: AgentSettings) {
    super({
      keepAlive: true,
      keepAliveMsecs: tcpKeepAliveMs,
      scheduling: 'lifo',
      maxSockets: settings.socketsMax,
      maxFreeSockets: settings.freeMax,
      timeout: settings.idleMs,
    })
    this.#settings = settings
    // node refuses a request whose protocol is not its agent's; the types know the option only for the request.
    Object.assign(this, { protocol: this.scheme })
  }

  get scheme(): 'http:' | 'https:' {
    return this.#settings.destination.security === 'tls' ? 'https:' : 'http:'
  }

  get retired(): boolean {
    return this.#retired
  }

  /** Connections that are open, and how many of them nobody uses. */
  counts(): { readonly open: number; readonly idle: number } {
    const count = (lists: NodeJS.ReadOnlyDict<unknown[]>) => Object.values(lists).reduce((sum, list) => sum + (list?.length ?? 0), 0)
    const idle = count(this.freeSockets)
    return { open: idle + count(this.sockets), idle }
  }

  /** Closes what is idle now and each other connection when its request is over. */
  retire(): void {
    this.#retired = true
    for (const sockets of Object.values(this.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
  }

  /** Breaks everything off, connections in the making too. */
  override destroy(): void {
    this.#retired = true
    for (const stop of this.#dials) stop.abort(new DialFailed('reset', 'the gateway is closing its connections'))
    super.destroy()
  }

  override createConnection(options: ClientRequestArgs, callback?: (error: Error | null, stream: Duplex) => void): undefined {
    const stop = new AbortController()
    const { connectMs = 0 } = options as ClientRequestArgs & Partial<DialWish>
    const late = () => stop.abort(new DialFailed('connect-timeout', `no connection within ${connectMs} ms`))
    const cancel = this.#settings.clock.after(connectMs, late)
    this.#dials.add(stop)
    const told = callback as ((error: Error | null, stream?: Duplex) => void) | undefined
    dial(this.#settings.destination, this.#settings.names, this.#resumption, stop.signal)
      .finally(() => {
        cancel()
        this.#dials.delete(stop)
      })
      .then(
        (socket) => told?.(null, socket),
        (error: Error) => told?.(error),
      )
    return undefined
  }

  /** All connections of an agent lead to one place; the name only parts the kept ones from those for a single use. */
  override getName(options?: ClientRequestArgs & Partial<DialWish>): string {
    return options?.connection ?? 'kept'
  }

  override keepSocketAlive(socket: Duplex): boolean {
    if (this.#retired) return false
    // Its answer says whether the server lets the connection idle for long enough; the types do not know of it.
    return (super.keepSocketAlive(socket) as unknown) !== false
  }
}
