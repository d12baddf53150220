import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { Connection, type Cue } from '../../../src/simulator/connection.ts'
import { closeOf, type Close } from '../../../src/simulator/deed.ts'
import { errorEvent } from '../../../src/simulator/error-event.ts'
import { refused } from '../../../src/simulator/error.ts'
import { ReceivedLog, type Note, type Outcome } from '../../../src/simulator/received.ts'
import type { SocketStep } from '../../../src/simulator/socket-script.ts'
import type { SocketTurn } from '../../../src/simulator/socket-turn.ts'
import type { Agreed } from '../../../src/upstream/socket.ts'
import type { Chance } from '../chance.ts'
import type { Seat } from '../landscape.ts'
import { parsed, type JsonObject, type UpstreamCall } from '../story.ts'
import type { Timeline } from '../timeline.ts'
import { secretOf, type TellingMemory } from '../upstreams.ts'

/** Who is told of what happens on one line. */
export interface LineWatch {
  /** The service has read the question of this call. `model`: the one that it takes it to be for. */
  asked(call: UpstreamCall, model: unknown): void
  /** The service knows what the model has before it, and which ids the answer names. */
  resolved(call: UpstreamCall): void
  /** The service begins an answer by itself. */
  successor(lane: string): UpstreamCall
}

export interface LineParts {
  readonly timeline: Timeline
  readonly chance: Chance
  readonly memory: TellingMemory
  readonly seat: Seat
  readonly connectionMs: number
  readonly watch: LineWatch
}

/** What the gateway's own WebSocket would be: the part of it that is used. */
class GatewayEnd extends EventEmitter {
  readonly OPEN = 1
  readyState = 1
  isPaused = false
  bufferedAmount = 0
  readonly #line: ServiceLine

  constructor(line: ServiceLine) {
    super()
    this.#line = line
  }

  sent(frame: Buffer): void {
    if (this.readyState === 1) this.#line.take(frame)
  }

  close(code = 1005): void {
    if (this.readyState < 2) this.#line.closedByGateway(code)
  }

  terminate(): void {
    if (this.readyState < 3) this.#line.closedByGateway(1006)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.#line.goOn()
  }

  ping(_: string, __: boolean, then: () => void): void {
    wireOf(this).bytesRead++
    then()
  }
}

/** The connection below it. */
class Wire extends EventEmitter {
  bytesRead = 0
  writable = true
  readonly #end: GatewayEnd

  constructor(end: GatewayEnd) {
    super()
    this.#end = end
  }

  cork(): void {}

  uncork(): void {}

  /** One masked frame each time. */
  write(frame: Buffer): void {
    this.#end.sent(unmasked(frame))
  }
}

/** The text of a client's frame. */
function unmasked(frame: Buffer): Buffer {
  const short = (frame[1] ?? 0) & 0x7f
  const at = short < 126 ? 2 : short === 126 ? 4 : 10
  const mask = frame.subarray(at, at + 4)
  const text = Buffer.from(frame.subarray(at + 4))
  for (const [nth, byte] of text.entries()) text[nth] = byte ^ (mask[nth % 4] ?? 0)
  return text
}

const wires = new WeakMap<GatewayEnd, Wire>()

function wireOf(end: GatewayEnd): Wire {
  const known = wires.get(end)
  if (known !== undefined) return known
  const wire = new Wire(end)
  wires.set(end, wire)
  return wire
}

interface Said {
  readonly frame: Buffer
  readonly call: UpstreamCall | null
}

type Coming = { readonly kind: 'frame'; readonly frame: Buffer } | { readonly kind: 'close'; readonly close: Close }

/** A log that hears what became of a question, and keeps nothing. */
class TellingLog extends ReceivedLog {
  readonly #told: (note: Note) => (outcome: Outcome) => void

  constructor(told: (note: Note) => (outcome: Outcome) => void) {
    super({ entriesMax: 0, bodyKeptMax: 0, dialoguesKeptMax: 0 })
    this.#told = told
  }

  override add(note: Note): (outcome: Outcome) => void {
    return this.#told(note)
  }
}

/** One WebSocket to a simulated service, both ends of it: the service as it sees its connection, and the wire between, in virtual time. */
export class ServiceLine {
  /** The call whose frame is being said. */
  saying: UpstreamCall | null = null
  readonly #parts: LineParts
  readonly #end: GatewayEnd
  readonly #connection: Connection
  readonly #forgetAge: () => void
  /** Frames on their way to the service, and to the gateway. */
  #going: Said[] = []
  #coming: Coming[] = []
  #isGoing = false
  #isComing = false
  #isOver = false
  #hearing: UpstreamCall | null = null
  /** What the connection takes the session's model to be. */
  #model: unknown = null
  /** Calls that the service has taken and not begun, by lane. */
  readonly #taken = new Map<string, UpstreamCall[]>()
  readonly #turns = new Map<SocketTurn, { readonly call: UpstreamCall; disarm: () => void; waited: boolean }>()

  constructor(parts: LineParts) {
    this.#parts = parts
    this.#end = new GatewayEnd(this)
    const log = new TellingLog((note) => this.#noted(note))
    this.#connection = new Connection({ key: secretOf(parts.seat), number: 1, path: '/v1/responses', headers: {}, memory: parts.memory, log })
    this.#forgetAge = parts.timeline.after(parts.connectionMs, () => this.#aged())
  }

  /** The gateway's end, as it is when the service has just agreed. */
  agreed(headers: Agreed['headers']): Agreed {
    return { ws: this.#end as unknown as WebSocket, wire: wireOf(this.#end) as unknown as Socket, headers }
  }

  take(frame: Buffer): void {
    this.#going.push({ frame, call: this.saying })
    if (this.#isGoing) return
    this.#isGoing = true
    const { timeline, chance } = this.#parts
    timeline.after(chance.is(0.8) ? 1 : chance.below(40), () => {
      this.#isGoing = false
      const going = this.#going
      this.#going = []
      for (const said of going) if (!this.#isOver) this.#hear(said)
    })
  }

  goOn(): void {
    if (this.#coming.length === 0 || this.#isComing || this.#end.readyState === 3) return
    this.#isComing = true
    const { timeline, chance } = this.#parts
    timeline.after(chance.is(0.8) ? 0 : chance.below(30), () => {
      this.#isComing = false
      this.#deliver()
    })
  }

  /** The gateway has closed it, or broken it off: the service hears nothing of it any more. */
  closedByGateway(code: number): void {
    this.#stop()
    this.#coming = []
    this.#end.readyState = 2
    this.#parts.timeline.after(this.#parts.chance.below(5), () => this.#gone(code))
  }

  #gone(code: number, reason = ''): void {
    if (this.#end.readyState === 3) return
    this.#end.readyState = 3
    this.#coming = []
    this.#end.emit('close', code, Buffer.from(reason))
  }

  #deliver(): void {
    const { chance } = this.#parts
    const all = chance.is(0.6)
    let left = all ? Infinity : chance.between(1, 4)
    while (left-- > 0 && !this.#end.isPaused && this.#end.readyState === 1) {
      const next = this.#coming.shift()
      if (next === undefined) return
      if (next.kind === 'close') return this.#gone(next.close.code, next.close.reason)
      wireOf(this.#end).bytesRead += next.frame.length
      this.#end.emit('message', next.frame, false)
    }
    if (!this.#end.isPaused) this.goOn()
  }

  #hear({ frame, call }: Said): void {
    const { memory, timeline, watch, chance } = this.#parts
    const fields = parsed(frame.toString('utf8')) ?? {}
    if (fields['type'] === 'session.update') {
      const { session } = fields
      const model = typeof session === 'object' && session !== null ? (session as JsonObject)['model'] : undefined
      if (model !== undefined) this.#model = model
      if (chance.is(0.3)) this.#send(Buffer.from('{"type":"session.updated"}'))
      return
    }
    if (fields['type'] !== 'response.create' && fields['type'] !== 'response.steer') {
      if (chance.is(0.5)) this.#send(Buffer.from(JSON.stringify({ type: 'acknowledged', of: fields['type'] ?? null })))
      return
    }
    memory.issued = []
    let heard = frame
    if (fields['type'] === 'response.create') {
      this.#model = fields['model'] ?? this.#model
      if (fields['model'] === undefined && this.#model !== null) heard = Buffer.from(JSON.stringify({ ...fields, model: this.#model }))
      const lane = typeof fields['stream_id'] === 'string' ? fields['stream_id'] : ''
      if (call !== null) {
        this.#expect(lane, call)
        watch.asked(call, this.#model)
      }
    }
    this.#hearing = call
    this.#carry(this.#connection.hear(heard, 'text', timeline.now()))
    this.#hearing = null
  }

  #noted(note: Note): (outcome: Outcome) => void {
    const call = note.kind === 'successor' ? this.#parts.watch.successor(note.lane ?? '') : this.#hearing
    if (note.kind === 'successor' && call !== null) this.#expect(`${note.lane ?? ''} by itself`, call)
    return ({ faults, dialogue }) => {
      if (call === null) return
      call.faults = faults
      call.dialogue = dialogue
      call.ids = [...call.ids, ...this.#parts.memory.issued]
      this.#parts.watch.resolved(call)
    }
  }

  #expect(lane: string, call: UpstreamCall): void {
    this.#taken.set(lane, [...(this.#taken.get(lane) ?? []), call])
  }

  #carry(cues: readonly Cue[]): void {
    for (const cue of cues) {
      if (this.#isOver) return
      switch (cue.kind) {
        case 'say':
          this.#send(Buffer.from(cue.text))
          break
        case 'perform':
          this.#begin(cue.turn)
          break
        case 'hurry':
          this.#hurry(cue.turn)
          break
        case 'close':
          this.#close(cue.close)
          break
      }
    }
  }

  #begin(turn: SocketTurn): void {
    const { lane, by } = turn.create
    const call = this.#taken.get(by === 'client' ? lane : `${lane} by itself`)?.shift()
    if (call === undefined) throw new Error('the simulated service begins what nobody asked for')
    this.#turns.set(turn, { call, disarm: () => {}, waited: false })
    this.#run(turn)
  }

  #hurry(turn: SocketTurn): void {
    this.#turns.get(turn)?.disarm()
    this.#run(turn)
  }

  /** Takes the steps that are due, up to one that waits. */
  #run(turn: SocketTurn): void {
    const run = this.#turns.get(turn)
    if (run === undefined) return
    for (let { step } = turn; !this.#isOver; { step } = turn) {
      if (step === null) return this.#ended(turn)
      const waitMs = 'waitMs' in step && !run.waited ? step.waitMs : 0
      if (waitMs > 0) {
        run.disarm = this.#parts.timeline.after(waitMs, () => {
          run.waited = true
          this.#run(turn)
        })
        return
      }
      if (step.kind === 'hang') return
      run.waited = false
      turn.advance()
      this.#step(step, run.call, turn.create.lane)
    }
  }

  #step(step: Exclude<SocketStep, { kind: 'hang' }>, call: UpstreamCall, lane: string): void {
    switch (step.kind) {
      case 'say': {
        // What cannot be read names no lane, and on a named one would be another's.
        if (lane !== '' && !step.text.endsWith('}')) return
        const frame = Buffer.from(step.text)
        call.frames.push(frame)
        return this.#send(frame)
      }
      case 'bytes':
        return
      case 'close':
        return this.#close(step.close)
      case 'cut':
      case 'reset':
        return this.#close({ code: 1006, reason: '' })
    }
  }

  #ended(turn: SocketTurn): void {
    const { memory, timeline } = this.#parts
    this.#turns.delete(turn)
    memory.issued = []
    this.#carry(this.#connection.ended(turn, timeline.now()))
  }

  #send(frame: Buffer): void {
    if (this.#isOver) return
    this.#coming.push({ kind: 'frame', frame })
    if (!this.#end.isPaused) this.goOn()
  }

  #close(close: Close): void {
    if (this.#isOver) return
    this.#stop()
    this.#coming.push({ kind: 'close', close })
    if (!this.#end.isPaused) this.goOn()
  }

  #aged(): void {
    const { text } = refused(400, 'The connection has reached its longest time; open another.', { code: 'websocket_connection_limit_reached' })
    this.#send(Buffer.from(errorEvent({ status: 400, headers: {}, text, statusAs: 'status' }).text))
    this.#close(closeOf(1001, 'connection limit reached'))
  }

  #stop(): void {
    this.#isOver = true
    this.#forgetAge()
    for (const { disarm } of this.#turns.values()) disarm()
    this.#turns.clear()
  }
}
