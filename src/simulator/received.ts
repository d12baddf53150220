import { createHash } from 'node:crypto'
import type { Headers } from '../lib/headers.ts'
import { isObject, type JsonObject } from './error.ts'

/** One request that reached the simulator. */
export interface Received {
  readonly atMs: number
  readonly method: string
  readonly path: string
  /** The account that was used: its pretended key; null where none was given. */
  readonly key: string | null
  /** As they came, with the credential masked. */
  readonly headers: Headers
  readonly bodyBytes: number
  /** The beginning of the body, up to the size that is kept. */
  readonly body: string
  /** SHA-256 of the whole body, where not all of it was kept. */
  readonly bodyHash: string | null
  /** The body's members; null where it was not kept whole, or is no JSON object. */
  readonly fields: JsonObject | null
  /** The status that was answered; null where no head was sent. */
  readonly status: number | null
  /** The faults that struck. */
  readonly faults: readonly string[]
}

/** What is noted of a request. */
export interface Note {
  readonly atMs: number
  readonly method: string
  readonly path: string
  readonly key: string | null
  readonly headers: Headers
  readonly body: Buffer
  readonly bodyBytes: number
  readonly status: number | null
  readonly faults: readonly string[]
}

const secret: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'x-api-key'])

class Entry implements Received {
  readonly atMs: number
  readonly method: string
  readonly path: string
  readonly key: string | null
  readonly bodyBytes: number
  readonly bodyHash: string | null
  readonly status: number | null
  readonly faults: readonly string[]
  readonly #headers: Headers
  readonly #kept: Buffer

  constructor(note: Note, keptMax: number) {
    this.atMs = note.atMs
    this.method = note.method
    this.path = note.path
    this.key = note.key
    this.bodyBytes = note.bodyBytes
    this.status = note.status
    this.faults = note.faults
    this.#headers = note.headers
    const cut = note.body.length > keptMax
    // A copy, lest a short beginning keep the whole body alive.
    this.#kept = cut ? Buffer.from(note.body.subarray(0, keptMax)) : note.body
    this.bodyHash = cut ? createHash('sha256').update(note.body).digest('hex') : null
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

/** The last requests, the oldest dropped first. */
export class ReceivedLog {
  readonly #max: number
  readonly #keptMax: number
  readonly #ring: Entry[] = []
  #next = 0

  constructor(max: number, keptMax: number) {
    this.#max = max
    this.#keptMax = keptMax
  }

  add(note: Note): void {
    if (this.#max === 0) return
    this.#ring[this.#next] = new Entry(note, this.#keptMax)
    this.#next = (this.#next + 1) % this.#max
  }

  /** In the order in which they came. */
  list(): readonly Received[] {
    return this.#ring.length < this.#max ? [...this.#ring] : [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)]
  }

  clear(): void {
    this.#ring.length = 0
    this.#next = 0
  }
}
