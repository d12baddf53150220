import type { LookupFunction, Socket } from 'node:net'
import type { Clock } from '../lib/clock.ts'
import { Connection, type Home, type Keeping } from './connection.ts'
import { dial, type Destination, type Resumption } from './dial.ts'
import { DialFailed } from './guard.ts'

/** Who wants a connection that is not there yet. One of the two is called, once; who has left before may still hear of the failure. */
export interface Waiter {
  readonly keeping: Keeping
  given(connection: Connection): void
  failed(error: Error): void
}

/** Where connections lead, and what bounds them. */
export interface AccountConnectionsSettings {
  readonly destination: Destination
  readonly openMax: number
  readonly idleMax: number
  readonly idleMs: number
  readonly names: LookupFunction
  readonly clock: Clock
}

/** A server that announces how long it keeps a connection may close it this much earlier for all we know. */
const announcedMarginMs = 1000

/** The connections of one account to its upstream. The one used last is taken first, so that the others may idle out. */
export class AccountConnections implements Home {
  readonly #settings: AccountConnectionsSettings
  readonly #resumption: Resumption = { session: null }
  readonly #open = new Set<Connection>()
  /** The one used last stands last. */
  readonly #idle: Connection[] = []
  readonly #dials = new Map<Waiter, AbortController>()
  readonly #queue: Waiter[] = []
  /** Takes back the timer of the next sweep; null where nothing idles. */
  #stopSweep: (() => void) | null = null
  #isRetired = false

  constructor(settings: AccountConnectionsSettings) {
    this.#settings = settings
  }

  get retired(): boolean {
    return this.#isRetired
  }

  /** Connections that are open, and how many of them nobody uses. */
  counts(): { readonly open: number; readonly idle: number } {
    return { open: this.#open.size, idle: this.#idle.length }
  }

  /** A kept connection, if there is one. */
  take(): Connection | null {
    const nowMs = this.#settings.clock.now()
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.keptUntilMs > nowMs) return connection
      connection.destroy()
    }
    return null
  }

  /** Has a connection made, or waits for one where the account has as many as it may. */
  wait(waiter: Waiter): void {
    if (this.#open.size + this.#dials.size < this.#settings.openMax) return void this.#dial(waiter)
    this.#queue.push(waiter)
  }

  /** Gives up waiting. */
  leave(waiter: Waiter): void {
    const place = this.#queue.indexOf(waiter)
    if (place !== -1) this.#queue.splice(place, 1)
    this.#dials.get(waiter)?.abort()
  }

  /** Closes what is idle now and each other connection when its request is over. */
  retire(): void {
    this.#isRetired = true
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }

  /** Breaks everything off, connections in the making too. */
  destroy(): void {
    this.#isRetired = true
    const closing = new DialFailed('reset', 'the gateway is closing its connections')
    for (const waiter of this.#queue.splice(0)) waiter.failed(closing)
    for (const stop of this.#dials.values()) stop.abort(closing)
    for (const connection of this.#open) connection.fail(closing)
  }

  kept(connection: Connection): void {
    const { idleMs, idleMax, clock } = this.#settings
    const next = this.#queue[0]
    const keptMs = Math.min(idleMs, (connection.announcedMs ?? Infinity) - announcedMarginMs)
    if (this.#isRetired || keptMs <= 0 || next?.keeping === 'fresh') return connection.destroy()
    if (next !== undefined) {
      this.#queue.shift()
      return next.given(connection)
    }
    if (this.#idle.length >= idleMax) return connection.destroy()
    connection.keptUntilMs = clock.now() + keptMs
    this.#idle.push(connection)
    this.#stopSweep ??= clock.after(idleMs, this.#sweep)
  }

  gone(connection: Connection): void {
    this.#open.delete(connection)
    const place = this.#idle.indexOf(connection)
    if (place !== -1) this.#idle.splice(place, 1)
    if (this.#open.size === 0) {
      this.#stopSweep?.()
      this.#stopSweep = null
    }
    this.#serve()
  }

  /** One timer for all that idle, however often they are used. */
  readonly #sweep = (): void => {
    this.#stopSweep = null
    const { clock } = this.#settings
    const nowMs = clock.now()
    for (const connection of this.#idle.filter(({ keptUntilMs }) => keptUntilMs <= nowMs)) connection.destroy()
    const [oldest] = this.#idle
    if (oldest !== undefined) this.#stopSweep ??= clock.after(oldest.keptUntilMs - nowMs, this.#sweep)
  }

  /** A place has come free. */
  #serve(): void {
    if (this.#open.size + this.#dials.size >= this.#settings.openMax) return
    const waiter = this.#queue.shift()
    if (waiter !== undefined) void this.#dial(waiter)
  }

  async #dial(waiter: Waiter): Promise<void> {
    const { destination, names } = this.#settings
    const stop = new AbortController()
    this.#dials.set(waiter, stop)
    let socket: Socket
    try {
      socket = await dial(destination, names, this.#resumption, stop.signal)
    } catch (error) {
      this.#dials.delete(waiter)
      waiter.failed(error as Error)
      return this.#serve()
    }
    this.#dials.delete(waiter)
    if (stop.signal.aborted) {
      socket.destroy()
      return waiter.failed(stop.signal.reason as Error)
    }
    const connection = new Connection(socket, this)
    this.#open.add(connection)
    waiter.given(connection)
  }
}
