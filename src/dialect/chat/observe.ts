import { readChatUsage, type Usage } from '../../core/usage.ts'
import type { Edit } from '../../lib/body.ts'
import { eventFields, joinedData } from '../../lib/sse.ts'
import { restored } from '../answer.ts'
import type { AnswerEnd, EventObserver, Seen, Watched } from '../dialect.ts'
import { JsonEvent } from '../json-event.ts'
import { isObject, type Json } from '../json.ts'
import { blank } from '../responses/error.ts'
import type { Place } from '../stencil.ts'
import { Alike, output } from './alike.ts'
import { choicesIn, finishOf, indexOf, isCutShort, saysSomething } from './choices.ts'
import { failedEnd, toldIn, type ToldSignal } from './error.ts'
import { failInBand } from './tell.ts'

/** What of an attempt this observer must know. */
type ChatWatched = Pick<Watched, 'restore' | 'wantsUsage'>

type Terminal = Extract<Seen, { kind: 'terminal' }>
type Failed = Extract<Seen, { kind: 'failed' }>

/** Choices that are told apart; nobody asks for more at once. Of a stream with more, only its own word tells that it is over. */
export const choicesMax = 1024

/** So many chunks in a row that are like none before them, and the stream is one in which comparing does not help. */
const strangersMax = 32

const swallowed: Seen = { kind: 'instead', events: [], isOutput: false }
const done = Buffer.from('data: [DONE]\n\n')
const unfinished = { code: 'server_error', message: 'The upstream ended its answer without a finish reason.' }

/** Watches a stream of Chat Completions (protocols.md 4.2). */
export class ChatObserver implements EventObserver {
  readonly #watched: ChatWatched
  #usage: Usage | null = null
  #tierServed: string | null = null
  readonly #begun = new Set<number>()
  readonly #finished = new Set<number>()
  #isCrowded = false
  #status: 'completed' | 'incomplete' = 'completed'
  #alike: Alike | null = null
  #strangers = 0

  constructor(watched: ChatWatched) {
    this.#watched = watched
  }

  see(bytes: Buffer, start: number, end: number): Seen {
    const known = this.#alike?.see(bytes, start, end) ?? null
    if (known !== null) {
      this.#strangers = 0
      return known
    }
    const event = JsonEvent.parse(bytes, { start, end, framing: 'sse' })
    if (event !== null) return this.#object(event, { bytes, start, end })
    return isDone(bytes, start, end) ? this.#done(bytes.subarray(start, end)) : { kind: 'held', bytes: bytes.subarray(start, end) }
  }

  /** Some upstreams forget to say that it is over; when all that was begun is finished, it is. */
  close(): Terminal | null {
    const isWhole = this.#finished.size > 0 && this.#finished.size === this.#begun.size && !this.#isCrowded
    return isWhole ? { kind: 'terminal', bytes: done, end: this.#end() } : null
  }

  sealed(): readonly [] {
    return []
  }

  /** Nobody can refer to an answer of this dialect. */
  response(): null {
    return null
  }

  items(): null {
    return null
  }

  turnStates(): readonly [] {
    return []
  }

  readings(): readonly [] {
    return []
  }

  #object(event: JsonEvent, place: Place): Seen {
    const { data } = event
    const { bytes, start, end } = place
    // What stands between two chunks may say otherwise than the first, so that the second is not merely like it.
    this.#alike = null
    if (Boolean(data.value('error')) || eventFields(bytes, start, end).event === 'error') return this.#failed(event.with([]), toldIn(event.value()))
    const usage = data.value('usage')
    const tier = data.value('service_tier')
    const choices = choicesIn(data.value('choices'))
    if (isObject(usage)) this.#usage = readChatUsage(usage)
    if (typeof tier === 'string') this.#tierServed = tier
    for (const choice of choices) this.#note(choice)
    if (choices.length === 0 && isObject(usage) && !this.#watched.wantsUsage) return swallowed
    const edits: readonly Edit[] = [
      ...restored(data, this.#watched.restore),
      ...(this.#watched.wantsUsage || data.span('usage') === null ? [] : [{ kind: 'drop', member: 'usage' } as const]),
    ]
    if (!choices.some(saysSomething)) return { kind: 'held', bytes: event.with(edits) }
    this.#remember(event, place, edits)
    return edits.length === 0 ? output : { kind: 'instead', events: [event.with(edits)], isOutput: true }
  }

  #note(choice: Json): void {
    const index = indexOf(choice)
    if (this.#begun.size < choicesMax) this.#begun.add(index)
    else this.#isCrowded ||= !this.#begun.has(index)
    const finish = finishOf(choice)
    if (finish === null) return
    if (this.#begun.has(index)) this.#finished.add(index)
    if (isCutShort(finish)) this.#status = 'incomplete'
  }

  #remember(event: JsonEvent, place: Place, edits: readonly Edit[]): void {
    this.#strangers++
    if (this.#strangers <= strangersMax) this.#alike = Alike.to(event, place, edits)
  }

  /**
   * The end, in so many words; but where not one choice was finished, or none begun, an upstream has broken off in good form, and the answer counts as cut
   * (protocols.md 4.5). Its `[DONE]` is kept from the client, which would take half an answer for a whole one.
   */
  #done(bytes: Buffer): Terminal | Failed {
    if (this.#finished.size > 0) return { kind: 'terminal', bytes, end: this.#end() }
    return this.#failed(failInBand(unfinished), { kind: 'told', status: null, headers: {}, error: { ...blank, ...unfinished } })
  }

  #failed(bytes: Buffer, signal: ToldSignal): Failed {
    return { kind: 'failed', bytes, signal, end: failedEnd(signal.error, { usage: this.#usage, tierServed: this.#tierServed }) }
  }

  #end(): AnswerEnd {
    return { status: this.#status, response: null, items: [], usage: this.#usage, tierServed: this.#tierServed, code: null }
  }
}

/** Longer data is not these six letters with some space around them. */
const doneBytesMax = 32

function isDone(bytes: Buffer, start: number, end: number): boolean {
  const data = joinedData(bytes, start, end)
  return data !== null && data.length <= doneBytesMax && data.toString('latin1').trim() === '[DONE]'
}
