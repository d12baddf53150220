import type { LookupFunction } from 'node:net'
import type { Account } from '../core/account.ts'
import type { AccountId, ResponseId } from '../core/ids.ts'
import type { Clock } from '../lib/clock.ts'
import type { FrameCall, FrameText, SessionSockets, SocketListener, Sockets } from '../ports/sockets.ts'
import type { Sent } from '../ports/transport.ts'
import { systemNames } from './guard.ts'
import { Opening } from './opening.ts'
import { unsent, UpstreamSocket, type Agreed } from './socket.ts'

export interface WebSocketSettings {
  readonly clock: Clock
  /** How names become addresses; the system's way unless given. What it answers is guarded all the same. */
  readonly names?: LookupFunction
  /** The age at which a socket takes no more turns. OpenAI ends each after 60 min (protocols.md 2.6). Unit: milliseconds. */
  readonly renewMs?: number
  /** How often an upstream is pinged, and how long it has to give a sign of life. Unit: milliseconds. */
  readonly pingMs?: number
}

export interface WebSockets extends Sockets {
  /** WebSockets that are open, of all sessions. */
  connections(): number
  /** For an account that is gone or was changed: its sockets close as soon as no turn runs on them. */
  forget(account: AccountId): void
  /** Breaks every session's sockets off. */
  close(): void
}

const renewMs = 55 * 60_000
const pingMs = 25_000
/** Sockets of one session, those included that only wait for their last turn to end. */
const socketsMax = 32

/** What the sessions of one gateway share. */
interface Shared {
  readonly clock: Clock
  readonly names: LookupFunction
  readonly renewMs: number
  readonly pingMs: number
  readonly sockets: Set<UpstreamSocket>
}

/** Upstream WebSockets for sessions. */
export function websocketSockets(settings: WebSocketSettings): WebSockets {
  const sockets = new Set<UpstreamSocket>()
  const sessions = new Set<AccountSockets>()
  const shared: Shared = { names: systemNames, renewMs, pingMs, ...settings, sockets }
  return {
    session(listener) {
      const session = new AccountSockets(shared, listener, () => sessions.delete(session))
      sessions.add(session)
      return session
    },
    connections: () => sockets.size,
    forget(account) {
      for (const session of sessions) session.release(account)
    },
    close() {
      for (const session of sessions) session.close()
    },
  }
}

/** The sockets of one session. */
class AccountSockets implements SessionSockets {
  readonly #shared: Shared
  readonly #listener: SocketListener
  readonly #closed: () => void
  /** Those that take turns. */
  readonly #current = new Map<AccountId, UpstreamSocket>()
  /** Those that were replaced, until they are gone. */
  readonly #aside = new Set<UpstreamSocket>()
  readonly #openings = new Map<AccountId, Opening>()
  #state: 'open' | 'closed' = 'open'

  constructor(shared: Shared, listener: SocketListener, closed: () => void) {
    this.#shared = shared
    this.#listener = listener
    this.#closed = closed
  }

  async send(call: FrameCall): Promise<Sent> {
    call.signal.throwIfAborted()
    if (this.#state === 'closed') return unsent('reset', 'the session is over')
    const { account, continues } = call
    if (continues !== null) return this.#goOn(call, continues)
    const socket = this.#usable(account.id)
    if (socket === null) return this.#open(call)
    if (isSameUpstream(socket.account, account)) return socket.say(call)
    this.#setAside(socket)
    return this.#open(call)
  }

  holder(response: ResponseId): AccountId | null {
    for (const account of this.#current.keys()) {
      if (this.#usable(account)?.knows(response) === true) return account
    }
    return null
  }

  learn(account: AccountId, lane: string, response: ResponseId): void {
    this.#current.get(account)?.learn(lane, response)
  }

  forget(account: AccountId, response: ResponseId): void {
    this.#current.get(account)?.forget(response)
  }

  forward(account: AccountId, frame: FrameText): boolean {
    return this.#current.get(account)?.forward(frame) === true
  }

  release(account: AccountId): void {
    const socket = this.#current.get(account)
    if (socket !== undefined) this.#setAside(socket)
  }

  whenFree(account: AccountId, lane: string, then: () => void): void {
    // The turn may have run on a socket that was set aside since.
    const sockets = [this.#current.get(account), ...this.#aside].filter((socket) => socket?.account.id === account)
    let taken = sockets.length + 1
    const free = () => {
      if (--taken === 0) then()
    }
    for (const socket of sockets) socket?.whenFree(lane, free)
    free()
  }

  close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    for (const opening of this.#openings.values()) opening.stop('the session is over')
    for (const socket of [...this.#current.values(), ...this.#aside]) socket.destroy('the session is over')
    this.#closed()
  }

  /** The account's socket, where it takes another turn. */
  #usable(account: AccountId): UpstreamSocket | null {
    const socket = this.#current.get(account)
    if (socket === undefined) return null
    const ageMs = this.#shared.clock.now() - socket.openedAtMs
    if (socket.isOpen && ageMs < this.#shared.renewMs) return socket
    this.#setAside(socket)
    return null
  }

  /** Understood on one socket only: that one may be a little too old, and may lead where the account no longer does. */
  #goOn(call: FrameCall, continued: ResponseId): Sent {
    const socket = this.#current.get(call.account.id)
    if (socket?.knows(continued) !== true) return unsent('reset', 'the WebSocket that knew what the turn continues is gone')
    const sent = socket.say(call)
    if (!isSameUpstream(socket.account, call.account)) this.#setAside(socket)
    return sent
  }

  #setAside(socket: UpstreamSocket): void {
    this.#current.delete(socket.account.id)
    this.#aside.add(socket)
    socket.retire()
  }

  #open(call: FrameCall): Promise<Sent> {
    const { id } = call.account
    const known = this.#openings.get(id)
    if (known !== undefined) return known.join(call)
    if (!this.#makeRoom()) return Promise.resolve(unsent('refused', `the session has ${socketsMax} WebSockets already`))
    const opening = new Opening({
      clock: this.#shared.clock,
      names: this.#shared.names,
      opened: (agreed, first) => this.#opened(agreed, first),
      over: () => this.#openings.delete(id),
    })
    this.#openings.set(id, opening)
    return opening.join(call)
  }

  #opened(agreed: Agreed, { account, credential, frameBytesMax }: FrameCall): UpstreamSocket {
    const { clock, pingMs, sockets } = this.#shared
    const gone = (socket: UpstreamSocket) => this.#gone(socket)
    const socket = new UpstreamSocket({ account, credential, frameBytesMax, clock, pingMs, listener: this.#listener, gone }, agreed)
    this.#current.set(account.id, socket)
    sockets.add(socket)
    return socket
  }

  #gone(socket: UpstreamSocket): void {
    this.#shared.sockets.delete(socket)
    this.#aside.delete(socket)
    if (this.#current.get(socket.account.id) === socket) this.#current.delete(socket.account.id)
  }

  /** An idle socket gives way: its account is asked less often than the others. */
  #makeRoom(): boolean {
    if (this.#current.size + this.#aside.size + this.#openings.size < socketsMax) return true
    for (const socket of this.#current.values()) {
      if (!socket.isIdle) continue
      this.#setAside(socket)
      return true
    }
    return false
  }
}

/** Whether a socket that was opened for one leads where the other's turns have to go, as the same account. */
function isSameUpstream(one: Account, other: Account): boolean {
  return (
    one === other ||
    (one.baseUrl === other.baseUrl &&
      one.proxy === other.proxy &&
      one.allowPrivate === other.allowPrivate &&
      one.upstream === other.upstream &&
      one.generation === other.generation)
  )
}
