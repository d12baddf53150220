import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Clock } from '../lib/clock.ts'

interface Pulse {
  readonly ws: WebSocket
  readonly wire: Socket
  readonly clock: Clock
  readonly pingMs: number
  isBusy(): boolean
  /** Upstream gives no sign of life. */
  lost(detail: string): void
}

/** written: the connection has taken the ping. */
type Ping = 'none' | 'writing' | 'written'

/** Pings an upstream, and notices when it is gone. Whatever comes counts as an answer. */
export class Heartbeat {
  readonly #pulse: Pulse
  #ping: Ping = 'none'
  #bytesHeard: number
  /** Whether we ourselves took nothing for a part of the interval: then silence proves nothing. */
  #ears: 'open' | 'shut' = 'open'
  #stop: () => void

  constructor(pulse: Pulse) {
    this.#pulse = pulse
    this.#bytesHeard = pulse.wire.bytesRead
    this.#stop = pulse.clock.after(pulse.pingMs, () => this.#beat())
  }

  stop(): void {
    this.#stop()
  }

  /** The WebSocket was paused, or reads again. */
  flowed(): void {
    this.#ears = 'shut'
  }

  #beat(): void {
    const { ws, wire, clock, pingMs } = this.#pulse
    const heard = wire.bytesRead !== this.#bytesHeard
    this.#bytesHeard = wire.bytesRead
    if (!heard && this.#ears === 'open' && this.#isOverdue()) return this.#pulse.lost(`the upstream did not answer a ping within ${pingMs} ms`)
    this.#ears = ws.isPaused ? 'shut' : 'open'
    this.#stop = clock.after(pingMs, () => this.#beat())
    if (this.#ping === 'writing') return
    this.#ping = 'writing'
    ws.ping('', true, () => (this.#ping = 'written'))
  }

  /** A ping that stands behind a long question has not been asked yet; a turn has its own limits for that. */
  #isOverdue(): boolean {
    return this.#ping === 'written' || (this.#ping === 'writing' && !this.#pulse.isBusy())
  }
}
