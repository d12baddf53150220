import type { Dice } from '../lib/clock.ts'
import type { Dialogue } from './dialogue.ts'
import { behaviour, type Behaviour, type BehaviourSpec } from './behaviour.ts'
import type { JsonObject } from './error.ts'
import { strikes, type Fault, type Strikes, type Target } from './fault.ts'
import { TokenBook } from './token.ts'

/** An answer that was stored, and what a continuation of it must know. */
export interface Stored {
  readonly id: string
  readonly key: string
  /** The whole response object, as JSON; written when it is asked for, which is seldom. */
  readonly response: () => string
  readonly input: readonly JsonObject[]
  /** Up to here, this answer included. */
  readonly dialogue: Dialogue
  readonly background: boolean
  /** Tokens and items of the dialogue up to here, this answer included. */
  readonly tokens: number
  readonly items: number
  /** Calls that still want their output. */
  readonly openCalls: readonly string[]
  readonly bytes: number
}

/** An output item that was given out. `needs`: the reasoning item without which it must not be sent back by its id. `call`: the id of the call that it is. */
export interface Given {
  readonly key: string
  readonly stored: boolean
  readonly needs: string | null
  readonly call: string | null
}

interface KeyMemory {
  behaviour: Behaviour
  /** Set for this very key; one that merely follows the default is forgotten first. */
  known: boolean
  readonly strikes: Map<Fault, Strikes>
  /** Tokens that a prompt cache key has warm. */
  readonly cached: Map<string, number>
}

export interface MemoryOptions {
  readonly behaviour?: BehaviourSpec
  readonly keys?: { readonly [key: string]: BehaviourSpec }
  /** What becomes of a key that has no behaviour of its own: served by the default one, or 401. */
  readonly unknownKeys?: 'serve' | 'refuse'
  readonly storedMax?: number
  readonly dice: Dice
}

const storedBytesMax = 64 * 1024 * 1024
const keysMax = 10_000
const cachedMax = 1_000
const givenPerStored = 4

/** All that the simulated upstream remembers; bounded in everything, the oldest goes first. Knows no clock. */
export class Memory {
  readonly dice: Dice
  /** Sign-ins whose access tokens stand for keys. */
  readonly tokens = new TokenBook()
  readonly #unknownKeys: 'serve' | 'refuse'
  readonly #storedMax: number
  readonly #started: { readonly behaviour: BehaviourSpec; readonly keys: { readonly [key: string]: BehaviourSpec } }
  readonly #run: string
  #otherwise: BehaviourSpec
  #count = 0
  #storedBytes = 0
  readonly #keys = new Map<string, KeyMemory>()
  readonly #stored = new Map<string, Stored>()
  readonly #given = new Map<string, Given>()

  constructor(options: MemoryOptions) {
    this.dice = options.dice
    this.#unknownKeys = options.unknownKeys ?? 'serve'
    this.#storedMax = options.storedMax ?? 10_000
    this.#started = { behaviour: options.behaviour ?? {}, keys: options.keys ?? {} }
    this.#otherwise = this.#started.behaviour
    // Two simulators, or two runs of one, must not give out the same ids: real ones are unique in the world.
    this.#run = Math.floor(options.dice() * 2 ** 48)
      .toString(16)
      .padStart(12, '0')
    for (const [key, spec] of Object.entries(this.#started.keys)) this.set(key, spec)
  }

  /** An id that no other answer has; all ids of one prefix are of one length. */
  id(prefix: string): string {
    this.#count += 1
    return prefix + this.#run + this.#count.toString(16).padStart(20, '0')
  }

  /** Gives a key this behaviour, whole, and forgets what its faults had done. Null: every key that has none of its own. */
  set(key: string | null, spec: BehaviourSpec): void {
    if (key !== null) {
      const cached = this.#keys.get(key)?.cached ?? new Map<string, number>()
      this.#remember(key, { behaviour: behaviour(spec, key), known: true, strikes: new Map(), cached })
      return
    }
    behaviour(spec, '')
    this.#otherwise = spec
    for (const [name, memory] of this.#keys) if (!memory.known) this.#keys.delete(name)
  }

  /** Back to how it was at the start; stored answers and warm caches are forgotten. */
  reset(): void {
    this.#keys.clear()
    this.tokens.clear()
    this.#stored.clear()
    this.#given.clear()
    this.#storedBytes = 0
    this.#otherwise = this.#started.behaviour
    for (const [key, spec] of Object.entries(this.#started.keys)) this.set(key, spec)
  }

  /** Null: the key is refused. */
  behaviour(key: string): Behaviour | null {
    const memory = this.#keys.get(key)
    if (memory !== undefined) return memory.behaviour
    return this.#unknownKeys === 'serve' ? this.#key(key).behaviour : null
  }

  keys(): readonly string[] {
    return [...this.#keys.keys()]
  }

  /** The faults that strike this request, counted. */
  struck(key: string, target: Target): readonly Fault[] {
    const memory = this.#key(key)
    if (memory.behaviour.faults.length === 0) return none
    return memory.behaviour.faults.filter((fault) => {
      let count = memory.strikes.get(fault)
      if (count === undefined) memory.strikes.set(fault, (count = { seen: 0, struck: 0, sinceMs: 0 }))
      return strikes(fault, count, target)
    })
  }

  /** How many of these tokens were warm; they are all warm from now on. */
  warm(key: string, cacheKey: string, tokens: number): number {
    const { cached } = this.#key(key)
    const before = cached.get(cacheKey) ?? 0
    cached.delete(cacheKey)
    cached.set(cacheKey, tokens)
    trim(cached, cachedMax)
    return Math.min(before, tokens)
  }

  keep(stored: Stored): void {
    this.#stored.set(stored.id, stored)
    this.#storedBytes += stored.bytes
    for (const [id, oldest] of this.#stored) {
      if (this.#stored.size <= this.#storedMax && this.#storedBytes <= storedBytesMax) break
      this.#stored.delete(id)
      this.#storedBytes -= oldest.bytes
    }
  }

  /** Null where there is none, or where it is another key's: the two look the same from outside. */
  stored(key: string, id: string): Stored | null {
    const found = this.#stored.get(id)
    return found?.key === key ? found : null
  }

  forget(stored: Stored): void {
    if (this.#stored.delete(stored.id)) this.#storedBytes -= stored.bytes
  }

  get storedCount(): number {
    return this.#stored.size
  }

  give(item: string, given: Given): void {
    this.#given.set(item, given)
    trim(this.#given, this.#storedMax * givenPerStored)
  }

  given(key: string, item: string): Given | null {
    const found = this.#given.get(item)
    return found?.key === key ? found : null
  }

  #key(key: string): KeyMemory {
    return this.#keys.get(key) ?? this.#remember(key, { behaviour: behaviour(this.#otherwise, key), known: false, strikes: new Map(), cached: new Map() })
  }

  #remember(key: string, memory: KeyMemory): KeyMemory {
    this.#keys.set(key, memory)
    if (this.#keys.size > keysMax) {
      for (const [name, one] of this.#keys) {
        if (one.known || name === key) continue
        this.#keys.delete(name)
        break
      }
    }
    return memory
  }
}

const none: readonly Fault[] = []

function trim(map: Map<string, unknown>, max: number): void {
  if (map.size <= max) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
