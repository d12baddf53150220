import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocketServer } from 'ws'
import type { KeyId } from '../core/ids.ts'
import { refusal, type Refusal } from '../core/refusal.ts'
import type { Caller } from '../ports/caller.ts'
import type { Route } from '../ports/routes.ts'
import { ClientSocket, pingMs } from './client-socket.ts'
import type { Refuser } from './refuse.ts'
import type { SessionDoor } from './session-door.ts'
import { WsSession } from './ws-session.ts'

/** One upgrade that may become a session: its key was known a moment ago. */
export interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Socket
  readonly caller: Caller
  readonly requestId: string
  /** Who is asking, as the keys stand when it is called; null: the key is gone. */
  callerNow(): Caller | null
}

/** Where sessions are opened, for whoever comes there without an upgrade: 426 sends Codex to HTTP, where a 404 would end it. */
export function sessionRoute(refuser: Refuser): Route {
  const no = refusal('websocket_required', 'This address opens WebSocket sessions; ask with "POST" here for an answer over HTTP.')
  return { method: 'GET', path: '/v1/responses', guard: 'key', handle: (visit) => Promise.resolve(refuser.refuse(visit, no, [['upgrade', 'websocket']])) }
}

/** The sessions of all clients. */
export class Sessions {
  readonly #door: SessionDoor
  readonly #open = new Set<WsSession>()
  /** How many of them each key has. */
  readonly #byKey = new Map<KeyId, number>()
  #protocol: WebSocketServer | null = null
  #whenEmpty: (() => void) | null = null

  constructor(door: SessionDoor) {
    this.#door = door
  }

  get size(): number {
    return this.#open.size
  }

  /** Null: the session is open. */
  accept(upgrade: Upgrade): Refusal | null {
    const { caller } = upgrade
    const { sessions } = caller.limits
    const open = this.#byKey.get(caller.key) ?? 0
    if (sessions !== null && open >= sessions) {
      return refusal('rate_limit_exceeded', `This key has ${open} sessions open, and ${sessions} are allowed at once.`, { retryAfterMs: 1000 })
    }
    const { request, socket } = upgrade
    this.#speaking().handleUpgrade(request, socket, Buffer.alloc(0), (ws) =>
      this.#begin(upgrade, new ClientSocket(ws, socket, this.#door.clock, this.#times())),
    )
    return null
  }

  /** Sessions end as soon as nothing runs in them. */
  drain(): void {
    for (const session of this.#open) session.drain()
  }

  /** Calls back when no session is open, at once where that is so. One waiter at a time: the latest. */
  empty(then: () => void): void {
    this.#whenEmpty = then
    if (this.#open.size === 0) then()
  }

  destroyAll(): void {
    for (const session of this.#open) session.destroy()
  }

  #begin({ request, requestId, caller, ...upgrade }: Upgrade, socket: ClientSocket): void {
    const session = new WsSession(this.#door, { socket, headers: request.headers, requestId, caller: () => upgrade.callerNow() }, () => {
      this.#open.delete(session)
      this.#count(caller.key, -1)
      if (this.#open.size === 0) this.#whenEmpty?.()
    })
    this.#open.add(session)
    this.#count(caller.key, 1)
    session.open()
  }

  #count(key: KeyId, by: 1 | -1): void {
    const count = (this.#byKey.get(key) ?? 0) + by
    if (count === 0) this.#byKey.delete(key)
    else this.#byKey.set(key, count)
  }

  /** One for each bound that the settings give to frames. */
  #speaking(): WebSocketServer {
    const { frameBytes } = this.#door.settings().bounds
    if (this.#protocol === null || this.#protocol.options.maxPayload !== frameBytes) {
      this.#protocol = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: frameBytes, clientTracking: false })
    }
    return this.#protocol
  }

  #times(): ConstructorParameters<typeof ClientSocket>[3] {
    return { clientWriteMs: this.#door.settings().times.clientWriteMs, pingMs, lingerMs: this.#door.lingerMs }
  }
}
