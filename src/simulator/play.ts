import { gzipSync } from 'node:zlib'
import type { Answer } from './answer.ts'
import type { Dialogue } from './dialogue.ts'
import type { Close, Deed, Stand } from './deed.ts'
import type { Dialect } from './dialect.ts'
import { headersTold, statusUntold } from './error-event.ts'
import { frame, sse, type Frame, type HeaderValues } from './frame.ts'

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

/** What is said, and in which words. `said` is null where the request was no turn, or was refused. */
export interface Speech {
  readonly dialect: Dialect
  readonly said: Answer | null
}

/** Does one fault's deed to a play. */
export function alter(play: Play, deed: Deed, speech: Speech): Play {
  const { dialect } = speech
  const at = (stand: Stand) => place(play.frames, stand, speech)
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
      if (deed.before === 'head' || play.form === 'whole') return { ...play, headAfterMs: play.headAfterMs + deed.ms }
      return { ...play, frames: later(play.frames, at(deed.before), deed.ms) }
    case 'stop':
      return stop(play, at(deed.events), deed.how)
    case 'close':
      return { ...stop(play, at(deed.events), 'cut'), close: deed.close }
    case 'malformed':
      if (play.form === 'whole') return { ...play, frames: halved(play.frames), good: false }
      return { ...play, frames: inserted(play.frames, at(deed.events), [dialect.malformed]) }
    case 'failed':
      return failed(play, deed, speech)
    case 'giant':
      return giant(play, play.form === 'whole' ? 0 : at(deed.events), deed.bytes)
    case 'extra-events':
      if (play.form === 'whole') return play
      return {
        ...play,
        frames: inserted(
          play.frames,
          at(deed.events),
          deed.types.map((type) => dialect.extra(type)),
        ),
      }
    case 'gzip':
      return { ...play, coding: 'gzip', headers: { ...play.headers, 'content-encoding': 'gzip' } }
    case 'drip':
      return { ...play, drip: deed }
    case 'headers':
      return headed(play, deed.headers ?? dialect.limits)
  }
}

/** Where a fault stands: behind at most all events but the last. */
function place(frames: readonly Frame[], stand: Stand, { dialect, said }: Speech): number {
  const events = typeof stand === 'number' ? stand : said === null ? 0 : dialect.place(stand, said, frames.length)
  return Math.max(0, Math.min(events, frames.length - 1))
}

function headed(play: Play, headers: HeaderValues): Play {
  if (play.transport === 'websocket') return { ...play, frames: [frame({ type: 'response.metadata', headers: headersTold(headers) }), ...play.frames] }
  return { ...play, headers: { ...play.headers, ...headers } }
}

function inserted(frames: readonly Frame[], at: number, more: readonly Frame[]): readonly Frame[] {
  return frames.toSpliced(at, 0, ...more)
}

function halved(frames: readonly Frame[]): readonly Frame[] {
  return frames.map((one) => ({ ...one, text: one.text.slice(0, one.text.length >> 1) }))
}

function later(frames: readonly Frame[], at: number, ms: number): readonly Frame[] {
  return frames.map((one, index) => (index === at ? { ...one, waitMs: one.waitMs + ms } : one))
}

function stop(play: Play, at: number, how: 'hang' | 'cut' | 'end'): Play {
  const end = how === 'end' ? 'short' : how
  if (play.form === 'events') return { ...play, frames: play.frames.slice(0, at), end, good: false }
  if (how === 'hang') return { ...play, headAfterMs: Infinity, frames: [], end: 'hang', good: false }
  // A body that is cut had announced its whole length; one that ends early is chunked, so that only its content can betray it.
  const framing: HeaderValues = how === 'cut' ? { 'content-length': lengthOf(play.frames) } : { 'transfer-encoding': 'chunked' }
  return { ...play, headers: { ...play.headers, ...framing }, frames: halved(play.frames), end, good: false }
}

const lengthOf = (frames: readonly Frame[]) => String(frames.reduce((sum, one) => sum + Buffer.byteLength(one.text), 0))

function failed(play: Play, deed: Extract<Deed, { kind: 'failed' }>, speech: Speech): Play {
  const { said, dialect } = speech
  if (said === null) return play
  if (play.form === 'whole') return { ...play, frames: [{ waitMs: 0, event: null, text: dialect.failedWhole(said, deed.error) }], good: false }
  const kept = play.frames.slice(0, place(play.frames, deed.events, speech))
  const last = dialect.failedEvent(said, { deed, transport: play.transport, sequence: kept.length })
  const status = deed.as === 'failed' || play.transport === 'http' ? play.status : (deed.error.status ?? statusUntold)
  return { ...play, status, frames: [...kept, last], close: deed.socket.close, good: false }
}

/** The bulk is padding that every reader must carry and none may use, so that the answer stays what it was. */
function giant(play: Play, at: number, bytes: number): Play {
  const bulk = 'z'.repeat(bytes)
  const frames = play.frames.map((one, index) => {
    if (index !== at) return one
    const end = one.text.lastIndexOf('}')
    const member = play.form === 'whole' ? 'padding' : 'obfuscation'
    return end === -1 ? one : { ...one, text: `${one.text.slice(0, end).replace(/,"obfuscation":"[^"]*"$/, '')},"${member}":"${bulk}"${one.text.slice(end)}` }
  })
  return { ...play, frames }
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
