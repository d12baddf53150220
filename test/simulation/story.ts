import type { AccountId } from '../../src/core/ids.ts'
import type { Outcome, TurnSettled } from '../../src/core/record.ts'
import type { Ask } from '../../src/turn/world.ts'
import type { Call } from '../../src/ports/transport.ts'
import type { Dialogue } from '../../src/simulator/dialogue.ts'
import type { Landscape, Seat } from './landscape.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** One request as it left the gateway, and what its upstream said. */
export interface UpstreamCall {
  readonly call: Call
  readonly over: 'http' | 'websocket'
  readonly seat: Seat
  readonly account: AccountId
  /** Whose slots it takes: one account's, in one of its incarnations, in one process. */
  place: string
  /** What went out, read as an upstream reads it. */
  readonly text: string
  readonly fields: JsonObject
  readonly sentAtMs: number
  /** Null until the head was given to the gateway. */
  status: number | null
  isStream: boolean
  faults: readonly string[]
  /** Every id that the answer names: no other answer names them. */
  ids: readonly string[]
  /** All that the upstream would say, decoded. */
  said: Buffer
  /** How much of it the gateway was given. */
  givenBytes: number
  /** Over WebSocket: the frames that the upstream said. */
  readonly frames: Buffer[]
  /** Over WebSocket: the last frame that the gateway was given of this answer, once that has ended it. */
  lastFrame: Buffer | null
  /** What the model had before it; null where no model was asked. */
  dialogue: Dialogue | null
  state: 'sending' | 'answering' | 'over'
  /** How it ended, as the gateway knows it: a head that never came, a body that came to its end, or one that did not. */
  ended: 'not yet' | 'unsent' | 'reset' | 'silent' | 'called off' | 'whole' | 'broken'
}

/** Something that happened in a turn, for whoever must find out why. */
export type Note = readonly [atMs: number, what: string, detail: unknown]

/** Everything that was observed of one turn, from outside of the code that runs it. */
export class Story {
  readonly number: number
  readonly ask: Ask
  /** The client's body, read as an upstream would read it. */
  readonly fields: JsonObject
  readonly landscape: Landscape
  readonly controller = new AbortController()
  readonly calls: UpstreamCall[] = []
  readonly notes: Note[] = []
  opens = 0
  settles = 0
  record: TurnSettled | null = null
  isOpenCommitted = false
  isSettleCommitted = false
  isStuck = false
  cancelledBy: 'client' | 'shutdown' | null = null
  outcome: Outcome | null = null
  endedAtMs: number | null = null
  leasesOut = 0
  /** What the client wrote; the turn lets go of it at its commit point, the story does not. */
  readonly original: string
  timersSet = 0
  /** Failovers that the budget has granted and no attempt has used. */
  grants = 0
  /** An upstream has refused sealed reasoning in this turn. */
  sawForeignState = false
  /** Bytes of output that the client was given: no head, no keep-alive. */
  outputBytes = 0

  constructor(number: number, ask: Ask, fields: JsonObject, landscape: Landscape) {
    this.number = number
    this.ask = ask
    this.original = ask.body.value.bytes.toString('utf8')
    this.fields = fields
    this.landscape = landscape
  }

  get last(): UpstreamCall | null {
    return this.calls.at(-1) ?? null
  }

  note(atMs: number, what: string, detail: unknown = null): void {
    this.notes.push([atMs, what, detail])
  }

  /** The story in lines, times counted from its beginning. What happens again and again is told once. */
  told(): string {
    const first = this.notes[0]?.[0] ?? 0
    const lines: string[] = []
    let before = ''
    let times = 1
    for (const [atMs, what, detail] of this.notes) {
      const said = `${what}${detail === null ? '' : `  ${inWords(detail)}`}`
      if (said === before) {
        lines[lines.length - 1] = `  ${before}, ${++times} times, the last at ${atMs - first} ms`
        continue
      }
      lines.push(`  ${String(atMs - first).padStart(8)} ms  ${said}`)
      before = said
      times = 1
    }
    return lines.join('\n')
  }
}

function inWords(detail: unknown): string {
  if (typeof detail === 'string') return detail
  if (Buffer.isBuffer(detail)) return JSON.stringify(detail.toString('utf8').slice(0, 300))
  return JSON.stringify(detail)
}

const terminals = ['event: response.completed\n', 'event: response.incomplete\n', 'event: response.failed\n', 'event: error\n'] as const

/** Where the first event that ends a stream begins, and whether it is there whole; null where there is none. */
export function terminalIn(text: string): { readonly at: number; readonly isWhole: boolean; readonly type: string } | null {
  let found: { at: number; isWhole: boolean; type: string } | null = null
  for (const head of terminals) {
    const at = text.startsWith(head) ? 0 : text.indexOf(`\n\n${head}`)
    if (at === -1) continue
    const from = at === 0 ? 0 : at + 2
    if (found === null || from < found.at) found = { at: from, isWhole: text.indexOf('\n\n', from) !== -1, type: head.slice('event: '.length, -1) }
  }
  return found
}

/** Whether the upstream's last word has reached the gateway: then nothing about this attempt is ambiguous. */
export function isFinal(call: UpstreamCall): boolean {
  if (call.status === null) return false
  if (call.over === 'websocket' && call.lastFrame !== null) return true
  if (call.status < 200 || call.status >= 300) return true
  if (call.over === 'websocket') return false
  const given = call.said.toString('utf8', 0, call.givenBytes)
  if (call.isStream) return terminalIn(given)?.isWhole === true
  return call.ended === 'whole' && parsed(given) !== null
}

export function parsed(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
  } catch {
    return null
  }
}
