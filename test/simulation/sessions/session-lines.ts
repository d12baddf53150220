import type { Account } from '../../../src/core/account.ts'
import type { Unreachable } from '../../../src/core/failure.ts'
import type { AccountId, ResponseId } from '../../../src/core/ids.ts'
import type { Headers } from '../../../src/lib/headers.ts'
import type { FrameCall, FrameText, SessionSockets, SocketListener } from '../../../src/ports/sockets.ts'
import type { AnswerBody, AnswerReader, Sent } from '../../../src/ports/transport.ts'
import { greet } from '../../../src/simulator/handshake.ts'
import { passedHeaders } from '../../../src/upstream/headers.ts'
import { UpstreamSocket } from '../../../src/upstream/socket.ts'
import type { Chance } from '../chance.ts'
import type { Seat } from '../landscape.ts'
import { PlayedBody } from '../played-body.ts'
import type { UpstreamCall } from '../story.ts'
import type { Timeline } from '../timeline.ts'
import { secretOf, type Upstreams } from '../upstreams.ts'
import { ServiceLine, type LineWatch } from './service-line.ts'

/** Who is told of what goes over one session's upstream sockets. */
export interface LinesWatch extends LineWatch {
  /** A turn is about to be said; nothing of it is on its way. */
  sending(call: FrameCall): UpstreamCall
  /** It is about to be said on this very socket, which is the nth of its session. */
  saying(call: UpstreamCall, line: number): void
  /** A frame that begins no turn is passed on. */
  forwarding(account: AccountId, text: string): void
  given(call: UpstreamCall, frame: Buffer): void
  /** The gateway has heard the end of it, however it ended. */
  over(call: UpstreamCall, how: UpstreamCall['ended']): void
  /** The upstream is done with it. */
  closed(call: UpstreamCall): void
}

export interface LinesParts {
  readonly timeline: Timeline
  readonly chance: Chance
  readonly upstreams: Upstreams
  readonly watch: LinesWatch
  readonly listener: SocketListener
  /** The age at which a socket takes no more turns. */
  readonly renewMs: number
  seat(account: Account): Seat
}

interface Line {
  readonly nth: number
  readonly service: ServiceLine
  readonly socket: UpstreamSocket
}

interface Waiting {
  readonly call: FrameCall
  readonly sent: UpstreamCall
  readonly answer: (sent: Sent) => void
  readonly stop: () => void
}

const pingMs = 600_000

/** The upstream sockets of one session: real sockets and lanes over simulated wires, at most one in use per account. */
export class SessionLines implements SessionSockets {
  readonly #parts: LinesParts
  readonly #current = new Map<AccountId, Line>()
  readonly #aside = new Set<Line>()
  readonly #openings = new Map<AccountId, Set<Waiting>>()
  #lines = 0
  #isClosed = false

  constructor(parts: LinesParts) {
    this.#parts = parts
  }

  async send(call: FrameCall): Promise<Sent> {
    const { watch } = this.#parts
    call.signal.throwIfAborted()
    const sent = watch.sending(call)
    try {
      const answered = await this.#send(call, sent)
      if (answered.kind === 'answer') return { ...answered, body: new WatchedBody(answered.body, sent, watch) }
      watch.over(sent, answered.signal.kind === 'unreachable' && answered.signal.handedOver ? 'reset' : 'unsent')
      watch.closed(sent)
      return answered
    } catch (error) {
      watch.over(sent, 'called off')
      watch.closed(sent)
      throw error
    }
  }

  holder(response: ResponseId): AccountId | null {
    for (const account of this.#current.keys()) {
      if (this.#usable(account)?.socket.knows(response) === true) return account
    }
    return null
  }

  learn(account: AccountId, lane: string, response: ResponseId): void {
    this.#current.get(account)?.socket.learn(lane, response)
  }

  forget(account: AccountId, response: ResponseId): void {
    this.#current.get(account)?.socket.forget(response)
  }

  forward(account: AccountId, frame: FrameText): boolean {
    const line = this.#current.get(account)
    if (line === undefined || !line.socket.isOpen) return false
    this.#parts.watch.forwarding(account, Buffer.concat(frame.pieces).toString('utf8'))
    return line.socket.forward(frame)
  }

  whenFree(account: AccountId, lane: string, then: () => void): void {
    const lines = [this.#current.get(account), ...this.#aside].filter((line) => line?.socket.account.id === account)
    let taken = lines.length + 1
    const free = () => {
      if (--taken === 0) then()
    }
    for (const line of lines) line?.socket.whenFree(lane, free)
    free()
  }

  release(account: AccountId): void {
    const line = this.#current.get(account)
    if (line !== undefined) this.#setAside(line)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const account of this.#openings.keys()) this.#answerAll(account, () => unsent('reset'))
    for (const line of [...this.#current.values(), ...this.#aside]) line.socket.destroy('the session is over')
  }

  async #send(call: FrameCall, sent: UpstreamCall): Promise<Sent> {
    if (this.#isClosed) return unsent('reset')
    const { account, continues } = call
    if (continues !== null) return this.#goOn(call, continues, sent)
    const line = this.#usable(account.id)
    if (line === null) return this.#open(call, sent)
    if (isSameUpstream(line.socket.account, account)) return this.#say(line, call, sent)
    this.#setAside(line)
    return this.#open(call, sent)
  }

  #goOn(call: FrameCall, continued: ResponseId, sent: UpstreamCall): Sent {
    const line = this.#current.get(call.account.id)
    if (line === undefined || !line.socket.isOpen || !line.socket.knows(continued)) return unsent('reset')
    const said = this.#say(line, call, sent)
    if (!isSameUpstream(line.socket.account, call.account)) this.#setAside(line)
    return said
  }

  #say(line: Line, call: FrameCall, sent: UpstreamCall): Sent {
    this.#parts.watch.saying(sent, line.nth)
    line.service.saying = sent
    const said = line.socket.say(call)
    line.service.saying = null
    return said
  }

  #usable(account: AccountId): Line | null {
    const line = this.#current.get(account)
    if (line === undefined) return null
    if (line.socket.isOpen && this.#parts.timeline.now() - line.socket.openedAtMs < this.#parts.renewMs) return line
    this.#setAside(line)
    return null
  }

  #setAside(line: Line): void {
    this.#current.delete(line.socket.account.id)
    this.#aside.add(line)
    line.socket.retire()
  }

  #open(call: FrameCall, sent: UpstreamCall): Promise<Sent> {
    return new Promise((resolve, reject) => {
      const { id } = call.account
      const late = this.#parts.timeline.after(call.handshakeMs, () => this.#leave(id, waiting, () => resolve(unsent('connect-timeout'))))
      const abort = () => this.#leave(id, waiting, () => reject(call.signal.reason as Error))
      call.signal.addEventListener('abort', abort, { once: true })
      const stop = () => {
        late()
        call.signal.removeEventListener('abort', abort)
      }
      const waiting: Waiting = { call, sent, answer: resolve, stop }
      const known = this.#openings.get(id)
      if (known !== undefined) return void known.add(waiting)
      this.#openings.set(id, new Set([waiting]))
      this.#shake(call)
    })
  }

  #leave(account: AccountId, waiting: Waiting, tell: () => void): void {
    const all = this.#openings.get(account)
    if (all?.delete(waiting) !== true) return
    waiting.stop()
    if (all.size === 0) this.#openings.delete(account)
    tell()
  }

  #answerAll(account: AccountId, answer: (waiting: Waiting) => Sent): void {
    const all = this.#openings.get(account) ?? []
    this.#openings.delete(account)
    for (const waiting of all) {
      waiting.stop()
      waiting.answer(answer(waiting))
    }
  }

  /** A handshake, as the account's service answers it. */
  #shake(call: FrameCall): void {
    const { timeline, chance, upstreams } = this.#parts
    const { account } = call
    const seat = this.#parts.seat(account)
    const all = this.#openings.get(account.id)
    const soon = (ms: number, then: () => void): void => void timeline.after(ms, () => (this.#openings.get(account.id) === all ? then() : undefined))
    const trouble = upstreams.trouble(seat)
    if (trouble !== null) {
      if (trouble.why === 'lost') return
      const why = trouble.why === 'connect-timeout' ? 'connect-timeout' : trouble.why
      return soon(trouble.why === 'connect-timeout' ? call.connectMs : 1, () => this.#answerAll(account.id, () => unsent(why)))
    }
    soon(chance.is(0.8) ? 2 : chance.below(60), () => {
      const asked = {
        method: 'GET',
        path: '/v1/responses',
        headers: { authorization: `Bearer ${secretOf(seat)}` },
        body: Buffer.alloc(0),
        nowMs: timeline.now(),
      }
      const memory = upstreams.memoryOf(seat)
      const greeting = greet(asked, memory)
      if (greeting.kind === 'accept')
        return soon(greeting.afterMs, () => this.#agreed(call, seat, { headers: greeting.headers, connectionMs: greeting.connectionMs }))
      const { head, steps, headAfterMs } = greeting.scripted
      if (head !== null) return soon(headAfterMs, () => this.#refused(call, head.status, head.headers, new PlayedBody(timeline, chance, steps, unwatched)))
      if (steps[0]?.kind !== 'hang') this.#answerAll(account.id, () => unsent('reset'))
    })
  }

  #agreed(first: FrameCall, seat: Seat, { headers, connectionMs }: { readonly headers: Headers; readonly connectionMs: number }): void {
    const { timeline, chance, upstreams, watch, listener } = this.#parts
    const { account, credential, frameBytesMax } = first
    const service = new ServiceLine({ timeline, chance, memory: upstreams.memoryOf(seat), seat, connectionMs, watch })
    const gone = () => {
      this.#aside.delete(line)
      if (this.#current.get(account.id) === line) this.#current.delete(account.id)
    }
    const socket = new UpstreamSocket({ account, credential, frameBytesMax, clock: timeline, pingMs, listener, gone }, service.agreed(headers))
    const line: Line = { nth: ++this.#lines, service, socket }
    this.#current.set(account.id, line)
    this.#answerAll(account.id, ({ call, sent }) => this.#say(line, call, sent))
  }

  /** The answer is for one turn; another that waited asks for itself. */
  #refused(first: FrameCall, status: number, headers: Headers, body: PlayedBody): void {
    const { id } = first.account
    const [waiting, next] = this.#openings.get(id) ?? []
    if (waiting === undefined) return body.cancel()
    this.#openings.get(id)?.delete(waiting)
    waiting.stop()
    waiting.sent.status = status
    waiting.call.signal.addEventListener('abort', () => body.tear('the call was called off'), { once: true })
    waiting.answer({ kind: 'answer', status, headers, pass: passedHeaders(headers), body })
    if (next === undefined) this.#openings.delete(id)
    else this.#shake(next.call)
  }
}

const unwatched = { given() {}, over() {}, closed() {} }

function unsent(why: Unreachable): Sent {
  return { kind: 'signal', signal: { kind: 'unreachable', why, handedOver: false, detail: `simulated: ${why}` } }
}

function isSameUpstream(one: Account, other: Account): boolean {
  return (
    one === other ||
    (one.baseUrl === other.baseUrl && one.proxy === other.proxy && one.allowPrivate === other.allowPrivate && one.generation === other.generation)
  )
}

/** An answer on its way from a socket to the turn, looked at. */
class WatchedBody implements AnswerBody {
  readonly closed: Promise<void>
  readonly #inner: AnswerBody
  readonly #sent: UpstreamCall
  readonly #watch: LinesWatch

  constructor(inner: AnswerBody, sent: UpstreamCall, watch: LinesWatch) {
    this.#inner = inner
    this.#sent = sent
    this.#watch = watch
    sent.state = 'answering'
    sent.status ??= 200
    this.closed = inner.closed
    void inner.closed.then(() => watch.closed(sent))
  }

  read(reader: AnswerReader): void {
    const watch = this.#watch
    const sent = this.#sent
    this.#inner.read({
      chunk: (bytes) => {
        watch.given(sent, bytes)
        reader.chunk(bytes)
      },
      end: () => {
        watch.over(sent, 'whole')
        reader.end()
      },
      broken: (detail) => {
        watch.over(sent, 'broken')
        reader.broken(detail)
      },
    })
  }

  pause(): void {
    this.#inner.pause()
  }

  resume(): void {
    this.#inner.resume()
  }

  cancel(): void {
    this.#watch.over(this.#sent, 'broken')
    this.#inner.cancel()
  }
}
