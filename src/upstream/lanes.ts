import type { AccountId } from '../core/ids.ts'
import type { Clock } from '../lib/clock.ts'
import type { SocketListener } from '../ports/sockets.ts'
import { createdId, errorCode, frameLane, frameType, isPlainOutput, isTerminal, steerOf, type Steer, inLane } from './frame.ts'
import { LaneBody } from './lane-body.ts'

/** What lanes need of their socket, and what it hears of them. */
export interface LaneParts {
  readonly account: AccountId
  readonly clock: Clock
  readonly listener: SocketListener
  readonly frameBytesMax: number
  /** Whether a reader holds the socket up may have changed. */
  held(): void
  /** A lane came free. */
  freed(): void
  /** A turn was given up; the protocol has no way to say so but to close. */
  abandoned(): void
  /** The socket is to take no more turns. */
  retire(): void
}

/**
 * running: its turn's frames go to a reader. awaiting: its answer was steered and has ended, and upstream is about to begin the successor by itself.
 * abandoned: its turn goes on upstream, and nobody reads it.
 */
type LaneState = 'running' | 'awaiting' | 'abandoned'

/** A lane that is taken. */
interface Lane {
  readonly name: string
  state: LaneState
  /** The answer that runs, or ran last. */
  body: LaneBody
  /** The steered answer before it: upstream is done with that one when this one has ended. */
  steered: LaneBody | null
  response: string | null
  /** Ids of steers that were accepted and have not come to anything yet. */
  readonly steers: Set<string>
  /** Stops whatever waits for this turn: its signal's listener, a timer. */
  stop: () => void
  readonly whenFree: (() => void)[]
}

/** A session has 33 lanes at most, and 16 turns at once. */
const lanesMax = 64
const steersMax = 64
/** How long a steered answer waits for its successor. Unit: milliseconds. */
export const successorMs = 10_000
/** How long an abandoned turn keeps its lease while others hold its socket open. Unit: milliseconds. */
export const abandonedMs = 10_000
const connectionCodes: ReadonlySet<string> = new Set(['websocket_connection_limit_reached'])

/** The turns on one socket, and whose each frame is. */
export class Lanes {
  readonly #parts: LaneParts
  readonly #lanes = new Map<string, Lane>()
  /** The body of the turn that was heard last, and its lane. One that is over takes nothing; another that has its lane takes its place. */
  #heard: LaneBody | null = null
  #heardName = ''
  /** Lanes whose turn has ended on this socket, with the answer that ended last. */
  readonly #served = new Map<string, string | null>()
  /** Whether a named lane was ever used; until then every frame is the default lane's. */
  #lanesUsed: 'default' | 'named' = 'default'
  /** Whether upstream may be about to answer a frame that was passed on. */
  #owesAnswer = false
  /** Whether responses that nobody asked for are wanted. */
  #strays: 'wanted' | 'dropped' = 'wanted'

  constructor(parts: LaneParts) {
    this.#parts = parts
  }

  /** Turns that somebody reads or waits for. */
  get busy(): number {
    let busy = 0
    for (const lane of this.#lanes.values()) if (lane.state !== 'abandoned') busy++
    return busy
  }

  get hasAbandoned(): boolean {
    return this.busy < this.#lanes.size
  }

  get holds(): boolean {
    for (const lane of this.#lanes.values()) if (lane.state === 'running' && lane.body.holds) return true
    return false
  }

  /** Whether a turn has ended on this lane. */
  hasServed(lane: string): boolean {
    return this.#served.has(lane)
  }

  /** Why a turn cannot begin on this lane; null: it can. */
  refusal(lane: string): string | null {
    if (this.#lanes.has(lane)) return 'an earlier turn still runs on this lane'
    return this.#lanes.size < lanesMax ? null : 'too many turns run on this WebSocket'
  }

  /** A turn begins, whose frame is said in this tick. */
  begin(name: string, signal: AbortSignal): LaneBody {
    const lane = this.#take(name)
    const { body } = lane
    const abort = () => body.breakOff('the call was called off')
    signal.addEventListener('abort', abort, { once: true })
    lane.stop = () => signal.removeEventListener('abort', abort)
    if (name !== '') this.#lanesUsed = 'named'
    this.#owesAnswer = false
    return body
  }

  /** A frame that begins no turn was passed on. */
  forwarded(): void {
    this.#owesAnswer = true
  }

  /** No response but the successors of steered ones is wanted any more. */
  dropStrays(): void {
    this.#strays = 'dropped'
  }

  /** Calls back once when nobody reads or waits for a response on the lane: at once, where that is so. */
  whenFree(name: string, then: () => void): void {
    const lane = this.#lanes.get(name)
    if (lane === undefined || lane.state === 'abandoned') then()
    else lane.whenFree.push(then)
  }

  /** A text frame of upstream's. */
  push(frame: Buffer): void {
    const name = this.#lanesUsed === 'named' ? frameLane(frame) : ''
    if (isPlainOutput(frame)) return this.#output(name, frame)
    const type = frameType(frame)
    if (type?.startsWith('response.steer.') === true) return this.#steer(type, name, frame)
    if (type === 'error' && name === '') return this.#error(frame)
    const lane = this.#lanes.get(name)
    if (lane === undefined || lane.state === 'awaiting') this.#unasked(type, name, frame)
    else this.#pass(lane, type, frame)
  }

  /** Most frames are these, and of the lane that was heard last. Where nobody reads them, they are for nobody. */
  #output(name: string, frame: Buffer): void {
    if (this.#heard === null || this.#heardName !== name) {
      const lane = this.#lanes.get(name)
      if (lane?.state !== 'running') return
      this.#heard = lane.body
      this.#heardName = name
    }
    if (!this.#heard.push(frame)) this.#heard.breakOff('more came than was read')
  }

  /** The socket is gone. */
  fail(detail: string): void {
    for (const lane of this.#lanes.values()) {
      lane.body.fail(detail)
      this.#free(lane)
    }
  }

  #take(name: string): Lane {
    const body = new LaneBody({ held: () => this.#parts.held(), abandoned: () => this.#abandon(name, body) }, this.#parts.frameBytesMax)
    const lane: Lane = { name, state: 'running', body, steered: null, response: null, steers: new Set(), stop: () => {}, whenFree: [] }
    this.#lanes.set(name, lane)
    this.#heard = null
    return lane
  }

  #pass(lane: Lane, type: string | null, frame: Buffer): void {
    if (this.#isSaidAgain(lane, type, frame)) return
    if (lane.state === 'running') {
      if (type === 'response.created') lane.response = createdId(frame)
      if (!lane.body.push(frame)) lane.body.breakOff('more came than was read')
    }
    if (!isTerminal(type)) return
    this.#remember(lane)
    lane.body.finish()
    // Its reader may have broken off over this very frame.
    if (this.#lanes.get(lane.name) === lane) this.#ended(lane)
  }

  /** Whether the answer before ends a second time: it has nothing to do with the turn that runs now. */
  #isSaidAgain({ name, response }: Lane, type: string | null, frame: Buffer): boolean {
    const before = this.#served.get(name) ?? null
    if (before === null || before === response || type === 'error' || !isTerminal(type)) return false
    return createdId(frame) === before
  }

  /** Upstream may name any number of lanes; of those long unused nothing more can be learnt. */
  #remember({ name, response }: Lane): void {
    this.#served.delete(name)
    this.#served.set(name, response)
    const [oldest] = this.#served.keys()
    if (this.#served.size > lanesMax && oldest !== undefined) this.#served.delete(oldest)
  }

  #ended(lane: Lane): void {
    lane.stop()
    lane.steered?.release()
    lane.steered = null
    if (lane.state === 'abandoned' || lane.steers.size === 0) return this.#free(lane)
    lane.state = 'awaiting'
    lane.stop = this.#parts.clock.after(successorMs, () => this.#free(lane))
  }

  #free(lane: Lane): void {
    lane.stop()
    this.#lanes.delete(lane.name)
    this.#heard = null
    lane.steered?.release()
    lane.body.release()
    this.#parts.freed()
    for (const free of lane.whenFree.splice(0)) free()
  }

  #abandon(name: string, body: LaneBody): void {
    const lane = this.#lanes.get(name)
    if (lane?.body !== body || lane.state !== 'running') return
    lane.stop()
    lane.state = 'abandoned'
    lane.stop = this.#parts.clock.after(abandonedMs, () => {
      lane.steered?.release()
      body.release()
    })
    this.#parts.abandoned()
    for (const free of lane.whenFree.splice(0)) free()
  }

  /**
   * A frame of a lane on which no turn runs. A response that begins is a stray. Of the rest only what may answer a frame that was passed on is for the
   * client: it would take anything else, an `error` above all, for a part of its next answer.
   */
  #unasked(type: string | null, name: string, frame: Buffer): void {
    if (type === 'response.created') return this.#stray(name, frame)
    const isAnswer = this.#owesAnswer && type !== null && type !== 'error' && !type.startsWith('response.') && !type.startsWith('codex.')
    if (isAnswer && this.#strays === 'wanted') this.#parts.listener.loose(frame)
  }

  #stray(name: string, frame: Buffer): void {
    const before = this.#lanes.get(name)
    if (before === undefined && (this.#strays === 'dropped' || this.#lanes.size >= lanesMax)) return
    before?.stop()
    const lane = this.#take(name)
    lane.steered = before?.body ?? null
    lane.whenFree.push(...(before?.whenFree ?? []))
    this.#parts.listener.stray({ account: this.#parts.account, lane: name, body: lane.body })
    this.#pass(lane, 'response.created', frame)
  }

  /**
   * An `error` that names no lane. The end of the connection concerns every turn. Any other belongs to the one turn that runs, or to the default lane's,
   * whose events name none; where only named lanes run, it can be about none of them alone, so all hear it. Between turns it is for nobody: the socket is
   * not used again.
   */
  #error(frame: Buffer): void {
    const running = [...this.#lanes.values()].filter((lane) => lane.state !== 'awaiting')
    const isOfConnection = connectionCodes.has(errorCode(frame) ?? '')
    if (isOfConnection || running.length === 0) this.#parts.retire()
    const unnamed = running.filter((lane) => lane.name === '')
    const concerned = isOfConnection || running.length === 1 || unnamed.length === 0 ? running : unnamed
    for (const lane of concerned) this.#pass(lane, 'error', inLane(frame, lane.name))
  }

  /** Always for the client, who has to see what became of its steer. */
  #steer(type: string, name: string, frame: Buffer): void {
    const steer = steerOf(frame)
    const lane = this.#steeredLane(steer, name)
    this.#parts.listener.loose(frame)
    if (lane === null) return
    if (type === 'response.steer.accepted') {
      if (lane.state === 'running' && lane.steers.size < steersMax) lane.steers.add(steer.id ?? '')
      return
    }
    // Failed, or pending on what the client has to say first: no successor comes by itself.
    if (steer.id === null && lane.state === 'awaiting') lane.steers.clear()
    else lane.steers.delete(steer.id ?? '')
    if (lane.state === 'awaiting' && lane.steers.size === 0) this.#free(lane)
  }

  #steeredLane(steer: Steer, name: string): Lane | null {
    if (name !== '' || this.#lanesUsed === 'default') return this.#lanes.get(name) ?? null
    const lanes = [...this.#lanes.values()]
    const named = lanes.find((lane) => steer.response !== null && lane.response === steer.response)
    return named ?? this.#lanes.get('') ?? (lanes.length === 1 ? (lanes[0] ?? null) : null)
  }
}
