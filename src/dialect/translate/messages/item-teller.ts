import { isObject, type Json } from '../../json.ts'
import type { HubEvent, Telling } from '../hub.ts'
import { betweenParts, clientName, partsIn, saidIn, thinkingIn } from './answer-from-hub.ts'
import { inputOfText } from './calls.ts'
import { callIdOf } from './ids.ts'
import { signatureOf } from './seal.ts'
import { onlyPart, StreamBlocks } from './stream-blocks.ts'

/** Of how many items and parts it is remembered how far they are told. No answer has so many. */
export const placesMax = 10_000

/** Items that are finished while another's block is open are kept until that one ends. Unit: characters of their JSON. */
export const waitingCharactersMax = 1024 * 1024

/** How far one item is told. */
interface Place {
  /** Its own id; undefined where it was not told. */
  readonly id: unknown
  /** Characters that the client has, by part. */
  readonly told: Map<number, number>
  /** By which of its texts a reasoning item is told; null: by none so far. */
  voice: 'summary' | 'content' | null
  /** Which part of that text came last. */
  voicePart: number
  /** Something of it came while another's block was open: what the client lacks is told once the item is finished. */
  isMissed: boolean
  isOpened: boolean
  isClosed: boolean
}

/**
 * Tells the hub's items as blocks, which come strictly one after another while items may overlap (protocols.md 5.7). What of an item comes while
 * another's block is open is not kept but told from the finished item, which has all of it. Text gives way to others and goes on in a block of its own.
 */
export class ItemTeller {
  readonly blocks = new StreamBlocks()
  readonly #memo: Telling['memo']
  readonly #places = new Map<number, Place>()
  #placesCount = 0
  /** Finished items, by `output_index`. */
  readonly #waiting = new Map<number, Json>()
  #waitingCharacters = 0
  #hasCalls = false
  #hasRefusal = false
  #isLost = false
  /** What was told last. */
  #last: { readonly place: Place; readonly part: number } | null = null
  /** What ids are made of where there are none. */
  core = ''

  constructor(memo: Telling['memo']) {
    this.#memo = memo
  }

  get hasCalls(): boolean {
    return this.#hasCalls
  }

  get hasRefusal(): boolean {
    return this.#hasRefusal
  }

  /** A bound was reached: the answer cannot be told to its end, and must not look as if it had been. */
  get isLost(): boolean {
    return this.#isLost
  }

  see(event: HubEvent): void {
    const { output_index: index, delta } = event
    if (typeof index !== 'number') return
    const item = isObject(event['item']) ? event['item'] : null
    const isDelta = typeof delta === 'string' && delta !== ''
    const place = isDelta || item !== null ? this.#place(index, item) : null
    if (place === null || place.isClosed) return
    if (event.type === 'response.output_item.done' && item !== null) this.#finish(index, place, item)
    else if (event.type === 'response.output_item.added' && item !== null) this.#added(index, place, item)
    else if (isDelta && !place.isMissed) this.#grow(event, index, place, delta)
  }

  /** More of what was told last. */
  grow(text: string): void {
    if (this.#last !== null) growBy(this.#last, text)
  }

  /** Tells what is left of the whole output. */
  end(output: unknown): void {
    const items = partsIn(output)
    if (this.#places.size === 0) {
      for (const [index, item] of items.entries()) {
        const place = this.#place(index, item)
        if (place !== null) this.#finish(index, place, item)
      }
      return
    }
    const waiting = new Map(this.#waiting)
    this.#waiting.clear()
    const unfinished = [...this.#places].filter(([, place]) => !place.isClosed)
    const { open } = this.blocks
    // What is open first: it can only be ended.
    const ordered = unfinished.toSorted(([a], [b]) => Number(b === open?.item) - Number(a === open?.item) || a - b)
    for (const [index, place] of ordered) {
      const last = place.id === undefined ? undefined : items.find((each) => each['id'] === place.id)
      const item = last ?? waiting.get(index)
      if (this.blocks.open?.item !== index) this.blocks.close()
      if (item !== undefined) this.#finish(index, place, item)
    }
    this.blocks.close()
  }

  #added(index: number, place: Place, item: Json): void {
    if (!isCall(item) || place.isOpened) return
    if (this.#mayBegin()) this.#openCall(index, place, item)
    else place.isMissed = true
  }

  #grow(event: HubEvent, index: number, place: Place, delta: string): void {
    switch (event.type) {
      case 'response.refusal.delta':
        this.#hasRefusal = true
        this.#text(place, index, partOf(event['content_index']), delta)
        break
      case 'response.output_text.delta':
        this.#text(place, index, partOf(event['content_index']), delta)
        break
      case 'response.reasoning_summary_text.delta':
        this.#thinking(index, place, { voice: 'summary', part: partOf(event['summary_index']), delta })
        break
      case 'response.reasoning_text.delta':
        this.#thinking(index, place, { voice: 'content', part: partOf(event['content_index']), delta })
        break
      case 'response.function_call_arguments.delta':
        if (this.blocks.open?.item === index && this.blocks.open.kind === 'tool_use') this.#tell(place, onlyPart, delta)
        else place.isMissed = true
        break
      default:
    }
  }

  #text(place: Place, index: number, part: number, text: string): void {
    const { open } = this.blocks
    const isSame = open !== null && open.kind === 'text' && open.item === index && open.part === part
    if (!isSame && !this.#mayBegin()) {
      place.isMissed = true
      return
    }
    if (!isSame) this.blocks.begin({ kind: 'text', item: index, part }, { type: 'text', text: '', citations: null })
    this.#tell(place, part, text)
  }

  #thinking(
    index: number,
    place: Place,
    { voice, part, delta }: { readonly voice: 'summary' | 'content'; readonly part: number; readonly delta: string },
  ): void {
    // One of its texts is enough, and the finished item says which is which.
    if (place.voice !== null && place.voice !== voice) return
    if (!this.#openThinking(index)) {
      place.isMissed = true
      return
    }
    const isNext = place.voice !== null && place.voicePart !== part
    place.voice = voice
    place.voicePart = part
    this.#tell(place, onlyPart, isNext ? betweenParts + delta : delta)
  }

  /** Whether this item's block is open, and if need be begun. */
  #openThinking(index: number): boolean {
    const { open } = this.blocks
    if (open?.kind === 'thinking' && open.item === index) return true
    if (!this.#mayBegin()) return false
    this.blocks.begin({ kind: 'thinking', item: index, part: onlyPart }, { type: 'thinking', thinking: '', signature: '' })
    return true
  }

  #openCall(index: number, place: Place, item: Json): void {
    place.isOpened = true
    this.#hasCalls = true
    const content = { type: 'tool_use', id: callIdOf(item['call_id'], this.core, index), name: clientName(item['name'], this.#memo), input: {} }
    this.blocks.begin({ kind: 'tool_use', item: index, part: onlyPart }, content)
  }

  /** Text gives way, since it may go on later; the others are ended by their own items alone. */
  #mayBegin(): boolean {
    return this.blocks.open === null || this.blocks.open.kind === 'text'
  }

  #tell(place: Place, part: number, text: string): void {
    if (text === '') return
    if (!place.told.has(part) && !this.#count()) return
    this.#last = { place, part }
    growBy(this.#last, text)
    this.blocks.tell(text)
  }

  #finish(index: number, place: Place, item: Json): void {
    if (!this.#mayBegin() && this.blocks.open?.item !== index) {
      this.#wait(index, place, item)
      return
    }
    place.isClosed = true
    this.#tellRest(index, place, item)
    place.told.clear()
    if (this.blocks.open?.item === index) this.blocks.close()
    this.#tellWaiting()
  }

  #tellRest(index: number, place: Place, item: Json): void {
    if (item['type'] === 'message') {
      for (const [part, said] of partsIn(item['content']).entries()) {
        if (said['type'] === 'refusal') this.#hasRefusal = true
        const rest = saidIn(said).slice(place.told.get(part) ?? 0)
        if (rest !== '') this.#text(place, index, part, rest)
      }
    } else if (item['type'] === 'reasoning') this.#restOfReasoning(index, place, item)
    else if (isCall(item)) {
      if (!place.isOpened) this.#openCall(index, place, item)
      const input = item['type'] === 'function_call' ? item['arguments'] : JSON.stringify(inputOfText(typeof item['input'] === 'string' ? item['input'] : ''))
      if (typeof input === 'string') this.#tell(place, onlyPart, input.slice(place.told.get(onlyPart) ?? 0))
    }
  }

  #restOfReasoning(index: number, place: Place, item: Json): void {
    const rest = thinkingIn(item, place.voice).slice(place.told.get(onlyPart) ?? 0)
    const signature = signatureOf(item['encrypted_content'])
    if ((rest === '' && signature === '') || !this.#openThinking(index)) return
    this.#tell(place, onlyPart, rest)
    if (signature !== '') this.blocks.sign(signature)
  }

  #wait(index: number, place: Place, item: Json): void {
    place.isMissed = true
    if (this.#waiting.has(index)) return
    this.#waitingCharacters += charactersOf(item)
    if (this.#waitingCharacters > waitingCharactersMax) {
      this.#isLost = true
      this.#waiting.clear()
    } else this.#waiting.set(index, item)
  }

  #tellWaiting(): void {
    if (this.#waiting.size === 0) return
    const waiting = [...this.#waiting].toSorted(([a], [b]) => a - b)
    this.#waiting.clear()
    this.#waitingCharacters = 0
    for (const [index, item] of waiting) {
      const place = this.#places.get(index)
      if (place !== undefined && !place.isClosed) this.#finish(index, place, item)
    }
  }

  /** Null: there are too many to remember. */
  #place(index: number, item: Json | null): Place | null {
    const known = this.#places.get(index)
    if (known !== undefined) return known
    if (!this.#count()) return null
    const place = { id: item?.['id'], told: new Map(), voice: null, voicePart: 0, isMissed: false, isOpened: false, isClosed: false }
    this.#places.set(index, place)
    return place
  }

  #count(): boolean {
    this.#placesCount += 1
    if (this.#placesCount > placesMax) this.#isLost = true
    return !this.#isLost
  }
}

function growBy({ place, part }: { readonly place: Place; readonly part: number }, text: string): void {
  place.told.set(part, (place.told.get(part) ?? 0) + text.length)
}

function partOf(index: unknown): number {
  return typeof index === 'number' ? index : onlyPart
}

function isCall({ type }: Json): boolean {
  return type === 'function_call' || type === 'custom_tool_call'
}

/** What is nested too deeply to be written is beyond every bound. */
function charactersOf(item: Json): number {
  try {
    return JSON.stringify(item).length
  } catch {
    return Infinity
  }
}
