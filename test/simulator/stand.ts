import { Connection, type Cue } from '../../src/simulator/connection.ts'
import type { Close } from '../../src/simulator/deed.ts'
import type { Memory } from '../../src/simulator/memory.ts'
import { ReceivedLog, type Received } from '../../src/simulator/received.ts'
import type { SocketTurn } from '../../src/simulator/socket-turn.ts'
import { nowMs, remembering, type Fields } from './support.ts'

/** A connection without a socket: what it would say is kept, and turns go on when they are told to. */
export class Stand {
  readonly memory: Memory
  readonly connection: Connection
  readonly heard: Fields[] = []
  /** How it ended. */
  close: Close | 'cut' | 'reset' | null = null
  running: readonly SocketTurn[] = []
  readonly #log = new ReceivedLog({ entriesMax: 1_000, bodyKeptMax: 1_000_000, dialoguesKeptMax: 1_000_000 })

  constructor(memory: Memory = remembering(), key = 'key-a') {
    this.memory = memory
    this.connection = new Connection({ key, number: 1, path: '/v1/responses', headers: {}, memory, log: this.#log })
  }

  /** Says a frame; turns begin, but nothing of them is said yet. */
  say(frame: unknown): void {
    const text = typeof frame === 'string' ? frame : JSON.stringify(frame)
    this.#follow(this.connection.hear(Buffer.from(text), 'text', nowMs))
  }

  sayBinary(): void {
    this.#follow(this.connection.hear(Buffer.from('{}'), 'binary', nowMs))
  }

  /** Lets all that can go on go on, to its end. */
  play(): void {
    for (let turn = this.#next(); turn !== null && this.close === null; turn = this.#next()) this.step(turn)
  }

  /** Takes so many steps of a turn; the end of a turn that has none left counts as one. */
  step(turn: SocketTurn, count = 1): void {
    for (let left = count; left > 0; left -= 1) {
      const { step } = turn
      if (step === null) {
        this.running = this.running.filter((one) => one !== turn)
        this.#follow(this.connection.ended(turn, nowMs))
        return
      }
      turn.advance()
      if (step.kind === 'say') this.#hear(step.text)
      if (step.kind === 'close') this.close = step.close
      if (step.kind === 'cut' || step.kind === 'reset') this.close = step.kind
    }
  }

  /** One frame and all that is answered to it; of these only, what is new. */
  ask(frame: unknown): readonly Fields[] {
    const before = this.heard.length
    this.say(frame)
    this.play()
    return this.heard.slice(before)
  }

  /** The id of the answer to a frame that goes well. */
  answered(frame: unknown): string {
    return String(responseOf(this.ask(frame).at(-1))['id'])
  }

  received(): readonly Received[] {
    return this.#log.list()
  }

  #next(): SocketTurn | null {
    return this.running.find((turn) => turn.step?.kind !== 'hang') ?? null
  }

  #follow(cues: readonly Cue[]): void {
    for (const cue of cues) {
      if (cue.kind === 'say') this.#hear(cue.text)
      if (cue.kind === 'perform') this.running = [...this.running, cue.turn]
      if (cue.kind === 'close') this.close = cue.close
    }
  }

  #hear(text: string): void {
    try {
      this.heard.push(JSON.parse(text) as Fields)
    } catch {
      this.heard.push({ type: 'malformed', text })
    }
  }
}

export const create = (more: Fields = {}): Fields => ({ type: 'response.create', model: 'gpt-6-sol', input: 'hello there', store: false, ...more })
export const typesOf = (events: readonly Fields[]) => events.map((event) => event['type'])
export const responseOf = (event: Fields | undefined) => (event?.['response'] ?? {}) as Fields
export const errorIn = (event: Fields | undefined) => ({ status: event?.['status'], ...(event?.['error'] as Fields) }) as Fields
/** What users and models said, in the order in which a model had it before it. */
export const wordsOf = (received: Received | undefined) =>
  received?.dialogue?.map((item) => {
    const { content } = item
    return typeof content === 'string' ? content : Array.isArray(content) ? (content as { text: string }[]).map((part) => part.text).join('') : item['type']
  })
