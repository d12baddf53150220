import { gzipSync } from 'node:zlib'
import type { Answer } from './answer.ts'
import type { Dialogue } from './dialogue.ts'
import type { Close, Deed } from './deed.ts'
import { errorFrame, failedFrame, failedJsonOf, frame, sse, type Frame } from './events.ts'
import type { JsonObject } from './error.ts'
import { headersTold, statusTold } from './error-event.ts'

export type HeaderValues = { readonly [name: string]: string | readonly string[] }

/** An answer as it will be played, before it is bytes. */
export interface Play {
  readonly transport: 'http' | 'websocket'
  /** `events`: the frames are events. `whole`: there is one frame, the body. */
  readonly form: 'events' | 'whole'
  readonly status: number
  readonly headers: HeaderValues
  readonly headAfterMs: number
  readonly frames: readonly Frame[]
  /** `short`: as if all were well, and it is not. */
  readonly end: 'end' | 'short' | 'cut' | 'reset' | 'hang'
  /** How a WebSocket is closed behind the answer; null: it stays. */
  readonly close: Close | null
  /** Laid over the bytes at the very end. */
  readonly coding: 'identity' | 'gzip'
  readonly drip: { readonly chunkBytes: number; readonly ms: number } | null
  /** Whether the answer came to a good end, and so is stored. */
  readonly good: boolean
  /** What the model had before it; null where no model was asked. */
  readonly dialogue: Dialogue | null
}

/** What is done to the connection, in this order. */
export type Step =
  | { readonly kind: 'send'; readonly waitMs: number; readonly bytes: Buffer }
  /** The connection is destroyed once everything before was written. */
  | { readonly kind: 'cut' }
  /** It is reset at once. */
  | { readonly kind: 'reset' }
  | { readonly kind: 'end' }
  /** Nothing more, until the other side gives up. */
  | { readonly kind: 'hang' }

export function whole(status: number, text: string, headers: HeaderValues = {}): Play {
  return {
    transport: 'http',
    form: 'whole',
    status,
    headers: { 'content-type': 'application/json', ...headers },
    headAfterMs: 0,
    frames: [{ waitMs: 0, event: null, text }],
    end: 'end',
    close: null,
    coding: 'identity',
    drip: null,
    good: status < 400,
    dialogue: null,
  }
}

export function stream(frames: readonly Frame[], headers: HeaderValues): Play {
  const type = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' }
  return { ...whole(200, '', { ...headers, ...type }), form: 'events', frames }
}

/** Does one fault's deed to a play. `answer` is null where the request was no turn, or was refused. */
export function alter(play: Play, deed: Deed, answer: Answer | null): Play {
  switch (deed.kind) {
    case 'nothing':
    case 'status':
    case 'empty-output':
    case 'usage':
      return play
    case 'hang':
      return { ...play, headAfterMs: Infinity, frames: [], end: 'hang', good: false }
    case 'reset':
      return { ...play, headAfterMs: Infinity, frames: [], end: 'reset', good: false }
    case 'slow':
      return slow(play, deed)
    case 'stop':
      return stop(play, deed)
    case 'close':
      return { ...stop(play, { kind: 'stop', events: deed.events, how: 'cut' }), close: deed.close }
    case 'malformed':
      if (play.form === 'whole') return { ...play, frames: halved(play.frames), good: false }
      return { ...play, frames: inserted(play.frames, deed.events, [malformedEvent]) }
    case 'failed':
      return answer === null ? play : failed(play, deed, answer)
    case 'giant':
      return giant(play, deed)
    case 'extra-events':
      if (play.form === 'whole') return play
      return { ...play, frames: inserted(play.frames, deed.events, deed.types.map(extraEvent)) }
    case 'gzip':
      return { ...play, coding: 'gzip', headers: { ...play.headers, 'content-encoding': 'gzip' } }
    case 'drip':
      return { ...play, drip: deed }
    case 'headers':
      if (play.transport === 'websocket') return { ...play, frames: [frame({ type: 'response.metadata', headers: headersTold(deed.headers) }), ...play.frames] }
      return { ...play, headers: { ...play.headers, ...deed.headers } }
  }
}

const malformedEvent: Frame = { waitMs: 0, event: 'response.output_text.delta', text: '{"type":"response.output_text.delta","delta":' }

/** The lifecycle events that stand before any output. */
const lifecycle = 2

/** At most all events but the terminal one. */
const place = (frames: readonly Frame[], events: number) => Math.max(0, Math.min(events, frames.length - 1))

function inserted(frames: readonly Frame[], events: number, more: readonly Frame[]): readonly Frame[] {
  return frames.toSpliced(place(frames, events), 0, ...more)
}

function halved(frames: readonly Frame[]): readonly Frame[] {
  return frames.map((one) => ({ ...one, text: one.text.slice(0, one.text.length >> 1) }))
}

function slow(play: Play, deed: Extract<Deed, { kind: 'slow' }>): Play {
  if (deed.before === 'head' || play.form === 'whole') return { ...play, headAfterMs: play.headAfterMs + deed.ms }
  const at = deed.before === 'events' ? 0 : place(play.frames, lifecycle)
  return { ...play, frames: play.frames.map((one, index) => (index === at ? { ...one, waitMs: one.waitMs + deed.ms } : one)) }
}

function stop(play: Play, deed: Extract<Deed, { kind: 'stop' }>): Play {
  const end = deed.how === 'end' ? 'short' : deed.how
  if (play.form === 'events') return { ...play, frames: play.frames.slice(0, place(play.frames, deed.events)), end, good: false }
  if (deed.how === 'hang') return { ...play, headAfterMs: Infinity, frames: [], end: 'hang', good: false }
  // A body that is cut had announced its whole length; one that ends early is chunked, so that only its content can betray it.
  const framing: HeaderValues = deed.how === 'cut' ? { 'content-length': lengthOf(play.frames) } : { 'transfer-encoding': 'chunked' }
  return { ...play, headers: { ...play.headers, ...framing }, frames: halved(play.frames), end, good: false }
}

const lengthOf = (frames: readonly Frame[]) => String(frames.reduce((sum, one) => sum + Buffer.byteLength(one.text), 0))

function failed(play: Play, deed: Extract<Deed, { kind: 'failed' }>, answer: Answer): Play {
  if (play.form === 'whole') return { ...play, frames: [{ waitMs: 0, event: null, text: failedJsonOf(answer, deed.error) }], good: false }
  const kept = play.frames.slice(0, place(play.frames, deed.events))
  const last = deed.as === 'failed' ? failedFrame(answer, deed.error, kept.length) : errorFrame(deed.error, deed.as, topOf(play, deed, kept.length))
  const status = deed.as === 'failed' || play.transport === 'http' ? play.status : (deed.error.status ?? statusUntold)
  return { ...play, status, frames: [...kept, last], close: deed.socket.close, good: false }
}

/** The status of an error event over WebSocket whose fault names none. */
const statusUntold = 500

/** What stands at the top of an error event beside the error. A stream over HTTP tells the status only where it was asked to. */
function topOf({ transport }: Play, { as, error, headers, socket }: Extract<Deed, { kind: 'failed' }>, sequence: number): JsonObject {
  const top = { sequence_number: sequence }
  if (transport === 'http') return as === 'flat' || error.status === null ? top : { ...top, status: error.status }
  const told = headersTold(headers)
  return { ...top, ...statusTold(error.status ?? statusUntold, socket.statusAs), ...(Object.keys(told).length === 0 ? {} : { headers: told }) }
}

/** The bulk is padding that every reader must carry and none may use, so that the answer stays what it was. */
function giant(play: Play, deed: Extract<Deed, { kind: 'giant' }>): Play {
  const bulk = 'z'.repeat(deed.bytes)
  const at = play.form === 'whole' ? 0 : place(play.frames, deed.events)
  const frames = play.frames.map((one, index) => {
    if (index !== at) return one
    const end = one.text.lastIndexOf('}')
    const member = play.form === 'whole' ? 'padding' : 'obfuscation'
    return end === -1 ? one : { ...one, text: `${one.text.slice(0, end).replace(/,"obfuscation":"[^"]*"$/, '')},"${member}":"${bulk}"${one.text.slice(end)}` }
  })
  return { ...play, frames }
}

function extraEvent(type: string): Frame {
  if (type !== 'codex.rate_limits') return frame({ type })
  const window = (used: number, minutes: number) => ({ used_percent: used, window_minutes: minutes, reset_at: 1_795_003_600 })
  return frame({ type, plan_type: 'plus', rate_limits: { primary: window(42, 300), secondary: window(12, 10_080) }, credits: null })
}

/** Adjoining events go out in one write, up to this size. */
const burstBytes = 64 * 1024
const dripsMax = 20_000

/** The play as steps: what comes in one moment is one piece. */
export function stepsOf(play: Play): { readonly headers: HeaderValues; readonly steps: readonly Step[] } {
  const steps = play.drip === null ? bursts(play) : drips(play, play.drip)
  const framed = 'content-length' in play.headers || 'transfer-encoding' in play.headers
  const length = play.form === 'whole' && !framed ? { 'content-length': String(steps.reduce((sum, step) => sum + step.bytes.length, 0)) } : {}
  return { headers: { ...play.headers, ...length }, steps: [...steps, { kind: play.end === 'short' ? 'end' : play.end }] }
}

type Send = Extract<Step, { kind: 'send' }>

function bursts(play: Play): readonly Send[] {
  if (play.coding === 'gzip') return play.frames.length === 0 ? [] : [{ kind: 'send', waitMs: play.frames[0]?.waitMs ?? 0, bytes: zipped(play) }]
  const sends: Send[] = []
  let text = ''
  let waitMs = 0
  const flush = () => {
    if (text !== '') sends.push({ kind: 'send', waitMs, bytes: Buffer.from(text) })
    text = ''
    waitMs = 0
  }
  for (const one of play.frames) {
    if (one.waitMs > 0 || text.length >= burstBytes) {
      flush()
      waitMs = one.waitMs
    }
    text += sse(one)
  }
  flush()
  return sends
}

const textOf = (play: Play) => play.frames.map(sse).join('')
const zipped = (play: Play) => gzipSync(textOf(play))

function drips(play: Play, drip: { readonly chunkBytes: number; readonly ms: number }): readonly Send[] {
  const bytes = play.coding === 'gzip' ? zipped(play) : Buffer.from(textOf(play))
  const size = Math.max(1, drip.chunkBytes, Math.ceil(bytes.length / dripsMax))
  const sends: Send[] = []
  for (let at = 0; at < bytes.length; at += size) sends.push({ kind: 'send', waitMs: at === 0 ? 0 : drip.ms, bytes: bytes.subarray(at, at + size) })
  return sends
}
