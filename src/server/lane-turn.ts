import type { Account } from '../core/account.ts'
import type { FailureKind } from '../core/failure.ts'
import type { AccountId, ResponseId, TurnId } from '../core/ids.ts'
import { refusal } from '../core/refusal.ts'
import type { TurnEnd } from '../core/session.ts'
import { together, type Items } from '../core/transcript.ts'
import type { Turn } from '../core/turn.ts'
import type { FrameDialect } from '../dialect/dialect.ts'
import type { Caller } from '../ports/caller.ts'
import type { FrameText, SessionSockets } from '../ports/sockets.ts'
import type { AnswerBody } from '../ports/transport.ts'
import type { Cancelled } from '../turn/cancel.ts'
import type { Adopted, Running, Served, SessionTurn } from '../turn/session-turn.ts'
import { FrameSink } from './frame-sink.ts'
import type { HeldFrame } from './frame-reader.ts'
import type { SessionClient, SessionDoor } from './session-door.ts'
import type { SessionTranscript } from './transcripts.ts'

/** What one turn has of its session. */
export interface LaneParts {
  readonly lane: string
  readonly door: SessionDoor
  readonly client: SessionClient
  readonly sockets: SessionSockets
  readonly transcript: SessionTranscript
  pin(): AccountId | null
  preamble(account: Account): FrameText | null
  failed(account: AccountId, failure: FailureKind): void
  served(account: AccountId): void
}

/** What the turn puts on the books: what the client asked, or what an upstream began by itself after the turn before. */
export type LaneQuestion =
  | { readonly kind: 'asked'; readonly caller: Caller; readonly turn: Turn; readonly held: HeldFrame }
  | { readonly kind: 'adopted'; readonly caller: Caller; readonly before: LaneTurn; readonly body: AnswerBody }

const internal = refusal('internal_error', 'Something went wrong inside the gateway; its log says what.')

/** One turn in a lane of a session: what the pipeline asks of the session while it runs, and how it ended. */
export class LaneTurn implements SessionTurn {
  readonly lane: string
  readonly previous: ResponseId | null
  readonly isWarmUp: boolean
  readonly turnState: string | null
  readonly namesModel: boolean
  readonly frames: FrameDialect
  readonly sockets: SessionSockets
  readonly transcript: SessionTranscript
  readonly adopted: Adopted | null
  readonly #parts: LaneParts
  readonly #question: LaneQuestion
  readonly #controller: AbortController
  readonly turn: Turn
  readonly id: TurnId
  #end: TurnEnd = { kind: 'told' }
  #own: Items | null | undefined
  #responding: Running | null = null
  #served: Served | null = null
  /** What the client has said into the answer: accepted by its upstream, and not yet. */
  #steer: readonly Items[] = []
  #steers: readonly (Items | null)[] = []

  constructor(parts: LaneParts, question: LaneQuestion) {
    const { lane, sockets, transcript, door } = parts
    this.lane = lane
    this.frames = door.dialect.frames
    this.sockets = sockets
    this.transcript = transcript
    this.#parts = parts
    this.#question = question
    this.#controller = door.open.begin()
    this.id = door.newId()
    if (question.kind === 'asked') {
      const { frame } = question.held
      const asked = frame.kind === 'create' ? frame : null
      this.turn = question.turn
      this.previous = asked?.previous ?? null
      this.isWarmUp = asked?.isWarmUp ?? false
      this.turnState = asked?.turnState ?? null
      this.namesModel = asked?.model !== null
      this.adopted = null
      return
    }
    const { before, body } = question
    this.turn = { ...before.turn, references: [], sealed: [] }
    this.previous = before.served?.response ?? null
    this.isWarmUp = false
    this.turnState = null
    this.namesModel = true
    this.adopted = before.served === null ? null : { lease: before.served.lease, body }
    this.#own = together(before.#steer)
  }

  /** The answer that is on its way, from its first output on. */
  get responding(): Running | null {
    return this.#responding
  }

  get served(): Served | null {
    return this.#served
  }

  cancel(reason: Cancelled): void {
    this.#controller.abort(reason)
  }

  /** Runs to its end, whatever it is. Never rejects. */
  async run(): Promise<TurnEnd> {
    const { door, client, lane } = this.#parts
    const { caller } = this.#question
    const held = this.#question.kind === 'asked' ? this.#question.held : door.reader.nothing()
    const sink = new FrameSink(client.socket, (error) => door.reader.errorFrame(error, lane))
    const ask = {
      id: this.id,
      caller,
      dialect: door.dialect,
      turn: this.turn,
      body: held.body,
      headers: client.headers,
      search: '',
      receivedAtMs: door.clock.now(),
      requestId: client.requestId,
      session: this,
    }
    try {
      await door.run(ask, sink, this.#controller.signal)
    } catch (bug) {
      door.log.error({ err: bug, request: client.requestId, turn: this.id }, 'a bug: the turn ends with internal_error, the process goes on')
      client.socket.say([door.reader.refusal(internal, lane, client.requestId)])
    } finally {
      // Where it was not even read, its socket would wait for a reader for ever.
      this.adopted?.body.cancel()
      held.letGo()
      door.open.end(this.#controller)
    }
    return this.#end
  }

  pin(): AccountId | null {
    return this.#parts.pin()
  }

  preamble(account: Account): FrameText | null {
    return this.#parts.preamble(account)
  }

  own(): Items | null {
    if (this.#own === undefined && this.#question.kind === 'asked') this.#own = this.#parts.door.reader.items(this.#question.held)
    return this.#own ?? null
  }

  committed(answer: Running): void {
    this.#responding = answer
    // The question's bytes are about to go, and what follows may build on it.
    this.own()
  }

  steered(items: Items | null): void {
    this.#steers = [...this.#steers, items]
  }

  /** The upstream has said what becomes of the first steer that it has not answered yet: only an accepted one is a part of the dialogue. */
  steerAnswered(answer: 'accepted' | 'refused'): void {
    const [first = null, ...later] = this.#steers
    this.#steers = later
    if (answer === 'accepted' && first !== null) this.#steer = [...this.#steer, first]
  }

  answered(answer: Served): void {
    this.#served = answer
    this.#end = { kind: 'answered' }
    const { lease, response, output, stored } = answer
    const input = this.own()
    if (response !== null && output !== null && input !== null) {
      this.transcript.add({ id: response, parent: this.previous, input, output, owner: lease.account.id, stored })
    }
    this.#own = null
    this.#parts.served(lease.account.id)
  }

  failed(account: AccountId, failure: FailureKind): void {
    this.#parts.failed(account, failure)
  }

  blocked(message: string): void {
    this.#end = { kind: 'blocked', message }
  }

  unserved(status: number): void {
    this.#end = { kind: 'unserved', status }
  }
}
