import type { Account } from '../core/account.ts'
import type { AccountId, ClientModel } from '../core/ids.ts'
import { upstreamModel } from '../core/model.ts'
import { refusal, type Refusal } from '../core/refusal.ts'
import { newSession, opening, step, type Effect, type Event, type Session, type Ticket, type Timer, type TurnEnd } from '../core/session.ts'
import type { FrameText, SessionSockets, Stray } from '../ports/sockets.ts'
import { Cancelled } from '../turn/cancel.ts'
import type { FrameReader, HeldFrame } from './frame-reader.ts'
import { LaneTurn, type LaneParts } from './lane-turn.ts'
import type { SessionClient, SessionDoor } from './session-door.ts'
import type { SessionTranscript } from './transcripts.ts'

const binaryRefused = refusal('invalid_body', 'Binary frames are not understood here: a frame is one JSON object, as text.')
const notForwarded = refusal('invalid_body', 'Frames of this type are not known here, and the upstream of this session takes none but "response.create".', {
  param: 'type',
})

/** Carries out what the reducer decides: everything here is sockets, timers and bytes, and nothing is judged. */
export class WsSession {
  readonly #door: SessionDoor
  readonly #client: SessionClient
  readonly #reader: FrameReader
  readonly #transcript: SessionTranscript
  readonly #sockets: SessionSockets
  readonly #closed: () => void
  readonly #frames = new Map<Ticket, HeldFrame>()
  readonly #timers = new Map<Timer, () => void>()
  readonly #running = new Map<string, LaneTurn>()
  /** The last turn of each lane, for what its upstream begins by itself. */
  readonly #last = new Map<string, LaneTurn>()
  readonly #strays = new Map<string, Stray[]>()
  /** Lanes whose turn is over while something may follow it by itself, and what frees each. */
  readonly #reserved = new Map<string, () => void>()
  #cancelled: Cancelled | null = null
  #state: Session = newSession
  #update: { readonly held: HeldFrame; readonly model: ClientModel | null } | null = null
  #tickets = 0
  #left = false

  /** @param closed called once, when nothing of the session is left. */
  constructor(door: SessionDoor, client: SessionClient, closed: () => void) {
    this.#door = door
    this.#client = client
    this.#closed = closed
    this.#reader = door.reader
    this.#transcript = door.transcripts.open(door.settings().bounds.transcriptBytes)
    this.#sockets = door.sockets.session({ stray: (stray) => this.#stray(stray), loose: (frame) => this.#loose(frame) })
  }

  open(): void {
    this.#client.socket.listen({
      frame: (bytes) => this.#receive(bytes),
      binary: () => this.#step({ kind: 'frame', frame: { kind: 'refused', refusal: binaryRefused, lane: null, close: 1003 } }),
      gone: () => this.#step({ kind: 'client-gone' }),
      stuck: () => this.#step({ kind: 'client-stuck' }),
    })
    this.#perform(opening)
  }

  drain(): void {
    this.#step({ kind: 'drain' })
  }

  destroy(): void {
    this.#client.socket.terminate()
    this.#step({ kind: 'client-gone' })
  }

  #receive(bytes: Buffer): void {
    const ticket = this.#tickets++
    const { incoming, held } = this.#reader.read(bytes, ticket)
    if (held !== null) this.#frames.set(ticket, held)
    if (this.#client.caller() === null) {
      this.#drop(ticket)
      this.#step({ kind: 'key-revoked', lane: incoming.kind === 'create' ? incoming.lane : null })
    } else this.#step({ kind: 'frame', frame: incoming })
  }

  #step(event: Event): void {
    const [next, effects] = step(this.#state, event)
    this.#state = next
    this.#perform(effects)
    if (next.phase === 'closed') this.#leave()
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) this.#do(effect)
  }

  #do(effect: Effect): void {
    switch (effect.kind) {
      case 'start':
        return this.#start(effect.lane, effect.model, effect.ticket)
      case 'forward':
        return this.#forward(effect.ticket)
      case 'keep-update':
        return this.#keepUpdate(effect.ticket)
      case 'drop':
        return this.#drop(effect.ticket)
      case 'tell':
        return this.#tell(effect.refusal, effect.lane)
      case 'release':
        return this.#sockets.release(effect.account)
      case 'cancel':
        return this.#cancel(new Cancelled(effect.by))
      case 'arm':
        return this.#arm(effect.timer)
      case 'disarm':
        return this.#disarm(effect.timer)
      case 'close':
        return this.#client.socket.close(effect.code, effect.reason)
    }
  }

  #start(lane: string, model: ClientModel, ticket: Ticket): void {
    const held = this.#take(ticket)
    const caller = this.#client.caller()
    const read = held === null ? null : this.#reader.question(held, this.#client.headers, model)
    if (held === null || caller === null || read?.kind !== 'turn') {
      held?.letGo()
      if (read?.kind === 'refused') this.#tell(read.refusal, lane)
      // In a later step: this one is still being carried out.
      queueMicrotask(() => {
        if (caller === null) this.#step({ kind: 'key-revoked', lane })
        this.#step({ kind: 'turn-over', lane, end: { kind: 'told' } })
      })
      return
    }
    this.#run(new LaneTurn(this.#parts(lane), { kind: 'asked', caller, turn: read.turn, held }))
  }

  #parts(lane: string): LaneParts {
    return {
      lane,
      door: this.#door,
      client: this.#client,
      sockets: this.#sockets,
      transcript: this.#transcript,
      pin: () => this.#state.pin,
      preamble: (account) => this.#updateFor(account),
      failed: (account, failure) => this.#step({ kind: 'attempt-failed', account, failure }),
      served: (account) => this.#step({ kind: 'served', account }),
    }
  }

  /** Whatever runs, and whatever an upstream may yet begin by itself. */
  #cancel(reason: Cancelled): void {
    this.#cancelled = reason
    for (const turn of this.#running.values()) turn.cancel(reason)
    for (const free of this.#reserved.values()) queueMicrotask(free)
  }

  #run(turn: LaneTurn): void {
    this.#running.set(turn.lane, turn)
    this.#last.set(turn.lane, turn)
    this.#reserved.delete(turn.lane)
    this.#transcript.isIdle = false
    if (this.#cancelled !== null) turn.cancel(this.#cancelled)
    void turn.run().then((end) => this.#over(turn, end))
  }

  /** A lane whose answer was steered is free only when its successor is over: what waits builds on that one. */
  #over(turn: LaneTurn, end: TurnEnd): void {
    const { lane, served } = turn
    this.#running.delete(lane)
    this.#transcript.isIdle = this.#running.size === 0
    if (this.#goOnByItself(lane)) return
    const free = (): void => {
      if (this.#reserved.get(lane) !== free) return
      this.#reserved.delete(lane)
      this.#step({ kind: 'turn-over', lane, end })
    }
    this.#reserved.set(lane, free)
    if (served?.over === 'websocket' && this.#cancelled === null) this.#sockets.whenFree(served.lease.account.id, lane, free)
    else free()
    this.#leave()
  }

  /** A response that its upstream began by itself waits for the one before it on its lane. */
  #stray(stray: Stray): void {
    // What answers no question of the client, and follows none of its answers, is not its own.
    if (this.#state.phase === 'closed' || !this.#last.has(stray.lane)) return stray.body.cancel()
    const waiting = this.#strays.get(stray.lane) ?? []
    this.#strays.set(stray.lane, [...waiting, stray])
    if (this.#running.has(stray.lane)) return
    this.#step({ kind: 'stray-began', lane: stray.lane })
    if (!this.#goOnByItself(stray.lane)) this.#step({ kind: 'turn-over', lane: stray.lane, end: { kind: 'told' } })
  }

  #goOnByItself(lane: string): boolean {
    const [stray, ...later] = this.#strays.get(lane) ?? []
    if (stray === undefined) return false
    if (later.length === 0) this.#strays.delete(lane)
    else this.#strays.set(lane, later)
    const before = this.#last.get(lane)
    const caller = this.#client.caller()
    const { served } = before ?? {}
    // Of a client that has gone nobody waits for more.
    const isOver = this.#state.phase === 'closed'
    if (isOver || before === undefined || served === undefined || served === null || caller === null) {
      stray.body.cancel()
      return false
    }
    this.#run(new LaneTurn(this.#parts(lane), { kind: 'adopted', caller, before, body: stray.body }))
    return true
  }

  #forward(ticket: Ticket): void {
    const held = this.#take(ticket)
    if (held === null) return
    const { frame, text } = held
    const of = frame.kind === 'steer' ? [...this.#running.values()].find((turn) => turn.responding?.response === frame.previous) : undefined
    const account = of === undefined ? (frame.kind === 'steer' ? null : this.#state.pin) : overWebSocket(of)
    const forwarded = account !== null && this.#sockets.forward(account, text)
    if (forwarded) of?.steered(this.#reader.items(held))
    else if (frame.kind === 'steer') this.#client.socket.say([this.#reader.steerFailed(held)])
    else this.#tell(notForwarded, null)
    held.letGo()
  }

  #loose(frame: Buffer): void {
    const steer = this.#reader.steerAnswer(frame)
    if (steer !== null) for (const turn of this.#last.values()) if (turn.responding?.response === steer.response) turn.steerAnswered(steer.answer)
    this.#client.socket.say([frame])
  }

  #keepUpdate(ticket: Ticket): void {
    const held = this.#take(ticket)
    if (held === null || held.frame.kind !== 'update') return
    this.#update?.held.letGo()
    this.#update = { held, model: held.frame.model }
    const { pin } = this.#state
    const account = pin === null ? null : this.#door.account(pin)
    const text = account === null ? null : this.#updateFor(account)
    if (account !== null && text !== null) this.#sockets.forward(account.id, text)
  }

  /** An account hears its own name of the model, or, where it has none, nothing. */
  #updateFor(account: Account): FrameText | null {
    if (this.#update === null) return null
    const { held, model } = this.#update
    const name = model === null ? null : upstreamModel(account.mapping, model)
    if (model !== null && name === null) return null
    return this.#reader.update(held, name === null || (name as string) === model ? null : name)
  }

  #tell(no: Refusal, lane: string | null): void {
    this.#client.socket.say([this.#reader.refusal(no, lane, this.#client.requestId)])
  }

  #arm(timer: Timer): void {
    this.#disarm(timer)
    const { times } = this.#door.settings()
    const ms = { 'first-frame': times.firstFrameMs, idle: times.sessionIdleMs, grace: times.drainMs }[timer]
    this.#timers.set(
      timer,
      this.#door.clock.after(ms, () => this.#step({ kind: 'rang', timer })),
    )
  }

  #disarm(timer: Timer): void {
    this.#timers.get(timer)?.()
    this.#timers.delete(timer)
  }

  #take(ticket: Ticket): HeldFrame | null {
    const held = this.#frames.get(ticket) ?? null
    this.#frames.delete(ticket)
    return held
  }

  #drop(ticket: Ticket): void {
    this.#take(ticket)?.letGo()
  }

  /** When the last turn is over: one that was read on for its usage outlives its client. */
  #leave(): void {
    if (this.#left || this.#state.phase !== 'closed' || this.#running.size > 0) return
    this.#left = true
    for (const held of this.#frames.values()) held.letGo()
    for (const strays of this.#strays.values()) for (const stray of strays) stray.body.cancel()
    this.#update?.held.letGo()
    this.#sockets.close()
    this.#transcript.close()
    this.#closed()
  }
}

function overWebSocket(turn: LaneTurn): AccountId | null {
  const { responding } = turn
  return responding?.over === 'websocket' ? responding.lease.account.id : null
}
