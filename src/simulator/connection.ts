import type { Headers } from '../lib/headers.ts'
import { binaryFrame, readFrame, type ClientFrame } from './client-frame.ts'
import type { Close } from './deed.ts'
import { refused, type JsonObject, type Refused } from './error.ts'
import { errorEvent } from './error-event.ts'
import type { Memory, Stored } from './memory.ts'
import type { ReceivedLog, Outcome } from './received.ts'
import { hasConversation, inLane, socketScript, type Create } from './socket-script.ts'
import { SocketTurn } from './socket-turn.ts'
import { accepted, pending, steerFailed, steerItems, type Steer, type SteerCode } from './steer.ts'

/** What the connection has to be done to now. */
export type Cue =
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'perform'; readonly turn: SocketTurn }
  /** The due step of a running turn is another now, and is not waited for. */
  | { readonly kind: 'hurry'; readonly turn: SocketTurn }
  | { readonly kind: 'close'; readonly close: Close }

export interface ConnectionOptions {
  readonly key: string
  /** Counted from 1. */
  readonly number: number
  readonly path: string
  readonly headers: Headers
  readonly memory: Memory
  readonly log: ReceivedLog
}

interface Waiting {
  readonly create: Create
  readonly tell: (outcome: Outcome) => void
}

interface Lane {
  turn: SocketTurn | null
  /** What can be continued of it. */
  latest: Stored | null
  /** Steers that wait for the outputs which `latest` wants. */
  owed: readonly Steer[]
}

const runningMax = 16
const lanesMax = 32
const waitingMax = 256
const waitingBytesMax = 64 * 1024 * 1024
const steersMax = 8

/** One WebSocket connection as its service sees it (protocols.md 2): the lanes, what they remember, and whose turn it is. No clock, no socket. */
export class Connection {
  readonly key: string
  readonly number: number
  readonly #options: ConnectionOptions
  readonly #lanes = new Map<string, Lane>([['', { turn: null, latest: null, owed: [] }]])
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #running = 0

  constructor(options: ConnectionOptions) {
    this.key = options.key
    this.number = options.number
    this.#options = options
  }

  /** A frame came. */
  hear(bytes: Buffer, form: 'text' | 'binary', nowMs: number): readonly Cue[] {
    const heard = form === 'binary' ? binaryFrame : readFrame(bytes)
    const tell = this.#note(heard, bytes, nowMs)
    switch (heard.kind) {
      case 'wrong':
        return [...this.#refuse(heard.refused, '', tell), ...(heard.close === null ? [] : [{ kind: 'close', close: heard.close } as const])]
      case 'steer':
        tell({ status: 200, faults: [], dialogue: null })
        return this.#steer(heard.fields)
      case 'create':
        return this.#admit({ fields: heard.fields, lane: heard.lane, bytes: bytes.length, by: 'client' }, tell, nowMs)
    }
  }

  /** The last step of a turn was taken. */
  ended(turn: SocketTurn, nowMs: number): readonly Cue[] {
    const lane = this.#lane(turn.create.lane)
    const kept = turn.kept
    this.#running -= 1
    lane.turn = null
    if (kept !== null) lane.latest = kept
    else if (turn.isRefused && turn.create.fields['previous_response_id'] === lane.latest?.id) lane.latest = null
    if (kept !== null && turn.stores) this.#options.memory.keep(kept)
    return [...this.#succeed(turn, kept, nowMs), ...this.#start(nowMs)]
  }

  #admit(create: Create, tell: Waiting['tell'], nowMs: number): readonly Cue[] {
    const { lane, bytes } = create
    if (!this.#lanes.has(lane)) {
      if (this.#lanes.size > lanesMax) {
        const message = `A connection has at most ${lanesMax} named streams.`
        return this.#refuse(refused(400, message, { param: 'stream_id', code: 'websocket_stream_limit_reached' }), lane, tell)
      }
      this.#lanes.set(lane, { turn: null, latest: null, owed: [] })
    }
    if (this.#waiting.length >= waitingMax || this.#waitingBytes + bytes > waitingBytesMax) {
      return this.#refuse(refused(429, 'Too many requests wait on this connection.', { code: 'rate_limit_exceeded' }), lane, tell)
    }
    this.#waiting.push({ create, tell })
    this.#waitingBytes += bytes
    return this.#start(nowMs)
  }

  /** Begins what can begin, in the order in which it came: one turn a lane, and so many a connection. */
  #start(nowMs: number): readonly Cue[] {
    const cues: Cue[] = []
    const left: Waiting[] = []
    for (const one of this.#waiting) {
      const lane = this.#lane(one.create.lane)
      if (lane.turn !== null || this.#running >= runningMax) {
        left.push(one)
        continue
      }
      this.#waitingBytes -= one.create.bytes
      cues.push(...this.#begin(this.#settleOwed(one.create, lane, cues), one.tell, nowMs))
    }
    this.#waiting = left
    return cues
  }

  #begin(create: Create, tell: Waiting['tell'], nowMs: number): readonly Cue[] {
    const { key, memory } = this.#options
    const scripted = socketScript(create, { key, memory, nowMs, recall: (id) => this.#recall(id) })
    tell({ status: scripted.status, faults: scripted.faults, dialogue: scripted.dialogue })
    const turn = new SocketTurn(create, scripted)
    this.#lane(create.lane).turn = turn
    this.#running += 1
    return [{ kind: 'perform', turn }]
  }

  /** An earlier answer, from this connection's own memory or from what is stored. */
  #recall(id: string): Stored | null {
    for (const { latest } of this.#lanes.values()) if (latest?.id === id) return latest
    return this.#options.memory.stored(this.key, id)
  }

  /** Steers that waited for a continuation go in front of its input; with any other question they have failed. */
  #settleOwed(create: Create, lane: Lane, cues: Cue[]): Create {
    const { owed } = lane
    lane.owed = []
    if (owed.length === 0) return create
    const { previous_response_id: previous, input } = create.fields
    const asked = typeof input === 'string' ? [{ type: 'message', role: 'user', content: input }] : input
    if (previous === lane.latest?.id && Array.isArray(asked)) {
      return { ...create, fields: { ...create.fields, input: [...owed.flatMap((steer) => steer.items), ...(asked as JsonObject[])] } }
    }
    cues.push(...owed.map((steer) => ({ kind: 'say', text: steerFailed('successor_creation_failed', steer, create.lane) }) as const))
    return create
  }

  #steer(fields: JsonObject): readonly Cue[] {
    const { previous_response_id: target, input } = fields
    const items = steerItems(fields)
    const turn = [...this.#lanes.values()].find((lane) => lane.turn !== null && lane.turn.responseId === target)?.turn ?? null
    const lane = turn?.create.lane ?? ''
    const code = items === null ? 'invalid_input' : this.#unsteerable(target, turn)
    if (items === null || turn === null || code !== null) {
      return [{ kind: 'say', text: steerFailed(code ?? 'response_not_found', { target, input }, lane) }]
    }
    const steer = { id: this.#options.memory.id('steer_'), target: String(target), input, items }
    turn.steers.push(steer)
    const cues: Cue[] = [{ kind: 'say', text: accepted(steer, lane, turn.taken) }]
    if (turn.cutShort()) cues.push({ kind: 'hurry', turn })
    return cues
  }

  #unsteerable(target: unknown, turn: SocketTurn | null): SteerCode | null {
    if (turn === null) {
      const isOver = [...this.#lanes.values()].some(({ latest }) => latest?.id === target)
      return isOver ? 'response_already_completed' : 'response_not_found'
    }
    const { fields } = turn.create
    const steering = this.#options.memory.behaviour(this.key)?.steering ?? 'never'
    const isAble = steering === 'always' || (steering === 'gpt-6' && String(fields['model']).startsWith('gpt-6'))
    if (!isAble || hasConversation(fields)) return 'steering_not_supported'
    if (turn.step === null || turn.step.kind === 'hang') return 'response_not_active'
    return turn.steers.length >= steersMax ? 'too_many_pending_steers' : null
  }

  /** What becomes of the steers of a turn that is over: a turn of their own, or they wait for outputs, or they have failed. */
  #succeed({ create, steers }: SocketTurn, kept: Stored | null, nowMs: number): readonly Cue[] {
    if (steers.length === 0) return []
    if (kept === null) return steers.map((steer) => ({ kind: 'say', text: steerFailed('successor_creation_failed', steer, create.lane) }))
    if (kept.openCalls.length > 0) {
      this.#lane(create.lane).owed = steers
      const required = kept.openCalls.map((call) => ({ type: 'function_call_output', call_id: call }))
      return steers.map((steer) => ({ kind: 'say', text: pending(steer, create.lane, required) }))
    }
    const input = steers.flatMap((steer) => steer.items)
    const fields = { ...create.fields, input, previous_response_id: kept.id }
    const bytes = JSON.stringify(input).length
    const tell = this.#log(Buffer.alloc(0), { kind: 'successor', lane: create.lane, method: 'response.create', nowMs })
    return this.#begin({ fields, lane: create.lane, bytes, by: 'successor' }, tell, nowMs)
  }

  #refuse({ status, text }: Refused, lane: string, tell: Waiting['tell']): readonly Cue[] {
    tell({ status, faults: [], dialogue: null })
    return [{ kind: 'say', text: inLane(errorEvent({ status, headers: {}, text, statusAs: 'status' }).text, lane) }]
  }

  #note(heard: ClientFrame, bytes: Buffer, nowMs: number): Waiting['tell'] {
    const method = heard.kind === 'wrong' ? 'frame' : `response.${heard.kind}`
    return this.#log(bytes, { kind: 'frame', lane: heard.kind === 'create' ? heard.lane : null, method, nowMs })
  }

  #log(
    body: Buffer,
    what: { readonly kind: 'frame' | 'successor'; readonly lane: string | null; readonly method: string; readonly nowMs: number },
  ): Waiting['tell'] {
    const { key, number, path, headers, log } = this.#options
    const { nowMs, ...noted } = what
    return log.add({ ...noted, atMs: nowMs, connection: number, path, key, headers, body })
  }

  #lane(name: string): Lane {
    const lane = this.#lanes.get(name)
    if (lane === undefined) throw new Error(`no lane is called "${name}"`)
    return lane
  }
}
