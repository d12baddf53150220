import { createHash } from 'node:crypto'
import type { Headers } from '../lib/headers.ts'
import { itemsOf, type Dialogue } from './dialogue.ts'
import { isObject, type JsonObject } from './error.ts'
import type { DialectName } from './question.ts'
import { dialectNameOf } from './route.ts'

/** One request that reached the simulator: over HTTP, or as a frame. */
export interface Received {
  readonly atMs: number
  /** `successor`: nobody sent it; an answer that was steered is followed by it. */
  readonly kind: 'request' | 'handshake' | 'frame' | 'successor'
  readonly transport: 'http' | 'websocket'
  /** Which WebSocket connection of the simulator, counted from 1; null over HTTP, and where the handshake was refused. */
  readonly connection: number | null
  /** The `stream_id` of a turn; empty: the default lane. Null where there are no lanes. */
  readonly lane: string | null
  readonly method: string
  readonly path: string
  /** In which words it was answered. */
  readonly dialect: DialectName
  /** The account that was used: its pretended key; null where none was given. */
  readonly key: string | null
  /** As they came, with the credential masked. Those of a frame are those of its handshake. */
  readonly headers: Headers
  readonly bodyBytes: number
  /** The beginning of the body or the frame, up to the size that is kept. */
  readonly body: string
  /** SHA-256 of the whole body, where not all of it was kept. */
  readonly bodyHash: string | null
  /** The body's members; null where it was not kept whole, or is no JSON object. */
  readonly fields: JsonObject | null
  /** The status that was answered, that of an error event included; null where no head was sent, or not yet. */
  readonly status: number | null
  /** The faults that struck. */
  readonly faults: readonly string[]
  /** All items that the model had before it, once what was continued is put in front, as items of the Responses API whatever the dialect; null where no model was asked, or where the log is too full to keep it. */
  readonly dialogue: readonly JsonObject[] | null
}

/** What is noted of a request. */
export interface Note {
  readonly atMs: number
  readonly kind: Received['kind']
  readonly connection: number | null
  readonly lane: string | null
  readonly method: string
  readonly path: string
  readonly key: string | null
  readonly headers: Headers
  readonly body: Buffer
}

/** What became of it, which may be known later. */
export interface Outcome {
  readonly status: number | null
  readonly faults: readonly string[]
  readonly dialogue: Dialogue | null
}

const secret: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'x-api-key'])
const untold: Outcome = { status: null, faults: [], dialogue: null }

class Entry implements Received {
  readonly atMs: number
  readonly kind: Received['kind']
  readonly connection: number | null
  readonly lane: string | null
  readonly method: string
  readonly path: string
  readonly key: string | null
  readonly bodyBytes: number
  readonly bodyHash: string | null
  outcome: Outcome = untold
  /** The log has let go of it. */
  isDropped = false
  readonly #headers: Headers
  readonly #kept: Buffer

  constructor(note: Note, keptMax: number) {
    this.atMs = note.atMs
    this.kind = note.kind
    this.connection = note.connection
    this.lane = note.lane
    this.method = note.method
    this.path = note.path
    this.key = note.key
    this.bodyBytes = note.body.length
    this.#headers = note.headers
    const cut = note.body.length > keptMax
    // A copy, lest a short beginning keep the whole body alive.
    this.#kept = cut ? Buffer.from(note.body.subarray(0, keptMax)) : note.body
    this.bodyHash = cut ? createHash('sha256').update(note.body).digest('hex') : null
  }

  get transport(): Received['transport'] {
    return this.kind === 'request' ? 'http' : 'websocket'
  }

  get dialect(): DialectName {
    return dialectNameOf(this.path, this.#headers)
  }

  get status(): number | null {
    return this.outcome.status
  }

  get faults(): readonly string[] {
    return this.outcome.faults
  }

  get dialogue(): readonly JsonObject[] | null {
    return this.outcome.dialogue === null ? null : itemsOf(this.outcome.dialogue)
  }

  get headers(): Headers {
    return Object.fromEntries(Object.entries(this.#headers).map(([name, value]) => [name, secret.has(name) ? '***' : value]))
  }

  get body(): string {
    return this.#kept.toString('utf8')
  }

  get fields(): JsonObject | null {
    if (this.bodyHash !== null) return null
    try {
      const value: unknown = JSON.parse(this.body)
      return isObject(value) ? value : null
    } catch {
      return null
    }
  }
}

export interface LogBounds {
  readonly entriesMax: number
  /** Of each body. */
  readonly bodyKeptMax: number
  /** Of all dialogues together; those of the oldest entries are given up first. */
  readonly dialoguesKeptMax: number
}

/** The last requests, the oldest dropped first. */
export class ReceivedLog {
  readonly #bounds: LogBounds
  readonly #ring: Entry[] = []
  #next = 0
  /** The entries that keep a dialogue, in the order in which it was told. */
  readonly #telling = new Set<Entry>()
  #dialogueBytes = 0

  constructor(bounds: LogBounds) {
    this.#bounds = bounds
  }

  /** Its answer takes what became of the request, once. */
  add(note: Note): (outcome: Outcome) => void {
    const { entriesMax, bodyKeptMax } = this.#bounds
    if (entriesMax === 0) return ignore
    const entry = new Entry(note, bodyKeptMax)
    const dropped = this.#ring[this.#next]
    if (dropped !== undefined) this.#drop(dropped)
    this.#ring[this.#next] = entry
    this.#next = (this.#next + 1) % entriesMax
    return (outcome) => this.#tell(entry, outcome)
  }

  /** In the order in which they came. */
  list(): readonly Received[] {
    return this.#ring.length < this.#bounds.entriesMax ? [...this.#ring] : [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)]
  }

  clear(): void {
    for (const entry of this.#ring) this.#drop(entry)
    this.#ring.length = 0
    this.#next = 0
  }

  #tell(entry: Entry, outcome: Outcome): void {
    entry.outcome = outcome
    if (outcome.dialogue === null || entry.isDropped) return
    this.#telling.add(entry)
    this.#dialogueBytes += outcome.dialogue.bytes
    for (const oldest of this.#telling) {
      if (this.#dialogueBytes <= this.#bounds.dialoguesKeptMax) return
      this.#giveUp(oldest)
    }
  }

  #drop(entry: Entry): void {
    entry.isDropped = true
    this.#giveUp(entry)
  }

  #giveUp(entry: Entry): void {
    if (!this.#telling.delete(entry)) return
    this.#dialogueBytes -= entry.outcome.dialogue?.bytes ?? 0
    entry.outcome = { ...entry.outcome, dialogue: null }
  }
}

const ignore = () => {}
