import { randomUUID } from 'node:crypto'
import type { ClientModel, UpstreamModel } from '../core/ids.ts'
import { refusal, type Refusal } from '../core/refusal.ts'
import { defaultLane, streamIdOf, type Ticket } from '../core/lanes.ts'
import type { Incoming } from '../core/session.ts'
import type { Items } from '../core/transcript.ts'
import type { ClientFrame, SessionDialect, Read } from '../dialect/dialect.ts'
import { Body } from '../lib/body.ts'
import type { Headers } from '../lib/headers.ts'
import { Kept } from '../lib/kept.ts'
import type { FrameText } from '../ports/sockets.ts'
import type { Settings } from '../ports/settings.ts'
import { frameType, steerOf } from '../upstream/frame.ts'
import type { Bodies } from './bodies.ts'
import type { ErrorAnswer } from './frame-sink.ts'
import type { Refuser } from './refuse.ts'

/** One frame of a client, read, and counted among all bytes that the process holds. */
export interface HeldFrame {
  readonly frame: ClientFrame
  readonly body: Kept<Body>
  /** Its very bytes, while they are kept. */
  readonly text: FrameText
  letGo(): void
}

export interface ReaderParts {
  readonly dialect: SessionDialect
  readonly bodies: Bodies
  readonly refuser: Refuser
  settings(): Settings
}

const memoryFull = refusal('memory_full', 'The gateway holds as many requests as it may; try again in a moment.')
const notJson = refusal('invalid_json', 'The frame is not valid JSON.')
const notAnObject = refusal('invalid_body', 'The frame is JSON, but not an object.')

/** What clients say in frames, and what they are told in frames, in the words of the dialect. */
export class FrameReader {
  readonly #parts: ReaderParts

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  /** `held` where the frame will be needed again, under its ticket. */
  read(bytes: Buffer, ticket: Ticket): { readonly incoming: Incoming; readonly held: HeldFrame | null } {
    const parsed = this.#parts.dialect.frames.parse(bytes)
    switch (parsed.kind) {
      case 'not-json':
        return refused(notJson, 1008)
      case 'not-an-object':
        return refused(notAnObject, 1008)
      case 'duplicate':
        return refused(refusal('duplicate_member', `The member "${parsed.member}" stands twice in the frame.`, { param: parsed.member }), null)
      case 'body':
        return this.#understood(parsed.body, ticket)
    }
  }

  #understood(body: Body, ticket: Ticket): { readonly incoming: Incoming; readonly held: HeldFrame | null } {
    const read = this.#parts.dialect.frames.read(body)
    if (read.kind === 'refused') return refused(read.refusal, null)
    const { frame } = read
    if (frame.kind === 'processed') return { incoming: { kind: 'ignored' }, held: null }
    const held = this.#hold(frame, body)
    if (held === null) return refused(memoryFull, null)
    switch (frame.kind) {
      case 'create':
        return { incoming: { kind: 'create', ticket, lane: frame.streamId ?? defaultLane, model: frame.model }, held }
      case 'update':
        return { incoming: { kind: 'update', ticket, model: frame.model }, held }
      case 'steer':
      case 'other':
        return { incoming: { kind: 'forwarded', ticket }, held }
    }
  }

  #hold(frame: ClientFrame, body: Body): HeldFrame | null {
    const { bodies } = this.#parts
    const { length } = body.bytes
    if (!bodies.take(length, this.#parts.settings().bounds.bodiesBytes)) return null
    const kept = new Kept(body, () => bodies.give(length))
    return {
      frame,
      body: kept,
      // Asked for anew each time: a turn is remembered for longer than its bytes may stay.
      get text() {
        return textOf(kept.value)
      },
      letGo: () => kept.letGo(),
    }
  }

  /** The question that a `response.create` asks. */
  question(held: HeldFrame, headers: Headers, model: ClientModel): Read {
    return this.#parts.dialect.frames.readCreate(held.body.value, headers, model)
  }

  /** Items of the frame's `input`, to be said again; null where there is too much of it. */
  items(held: HeldFrame): Items | null {
    if (held.text.bytes > this.#parts.settings().bounds.transcriptBytes) return null
    return this.#parts.dialect.frames.itemsOf(held.body.value)
  }

  /** A `session.update` with the model as one account calls it. */
  update(held: HeldFrame, renamed: UpstreamModel | null): FrameText {
    return this.#parts.dialect.frames.update(held.body.value, renamed)
  }

  /** For a turn that was asked by no frame. */
  nothing(): { readonly body: Kept<Body>; letGo(): void } {
    const body = new Kept(empty())
    return { body, letGo: () => body.letGo() }
  }

  refusal(no: Refusal, lane: string | null, requestId: string): Buffer {
    const told = this.#parts.refuser.told(no, requestId)
    return this.errorFrame(told, lane ?? defaultLane)
  }

  errorFrame(error: ErrorAnswer, lane: string): Buffer {
    return this.#parts.dialect.frames.errorFrame(error, streamIdOf(lane), `evt_${randomUUID().replaceAll('-', '')}`)
  }

  /** Whether the upstream took what was said into this answer; null: the frame is about something else. */
  steerAnswer(frame: Buffer): { readonly response: string; readonly answer: 'accepted' | 'refused' } | null {
    const type = frameType(frame)
    if (type !== 'response.steer.accepted' && type !== 'response.steer.failed') return null
    const { id, response } = steerOf(frame)
    if (response === null) return null
    if (type === 'response.steer.accepted') return { response, answer: 'accepted' }
    // With an id it was accepted before, and no answer comes of it.
    return id === null ? { response, answer: 'refused' } : null
  }

  steerFailed(held: HeldFrame): Buffer {
    return this.#parts.dialect.frames.steerFailed(held.body.value)
  }
}

function textOf({ bytes }: Body): FrameText {
  return { pieces: [bytes], bytes: bytes.length }
}

function refused(no: Refusal, close: 1008 | null): { readonly incoming: Incoming; readonly held: null } {
  return { incoming: { kind: 'refused', refusal: no, lane: null, close }, held: null }
}

function empty(): Body {
  const parsed = Body.parse(Buffer.from('{}'), new Set())
  if (parsed.kind !== 'body') throw new Error('an empty object is an object')
  return parsed.body
}
