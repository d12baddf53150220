import { refusal, type Refusal } from '../../core/refusal.ts'
import { isObject, type Json } from '../json.ts'
import { noMemo, type Translated } from './hub.ts'

/** Names come from the client, and may be of any length. Unit: characters. */
const namedMax = 200

/** Members without words in the other dialect, which ask for nothing where their value is such a one. */
export type Idle = ReadonlyMap<string, (value: unknown) => boolean>

const noIdle: Idle = new Map()

/** Collects what of a question has no words in another dialect. The client is told of the first. */
export class Unsaid {
  readonly #from: string
  readonly #to: string
  #first: Refusal | null = null

  /** @param from the question's dialect, as a sentence calls it. @param to the one that it is put into. */
  constructor(from: string, to: string) {
    this.#from = from
    this.#to = to
  }

  /** @param what it is, where its path alone does not say. */
  note(path: string, what: string | null = null): void {
    const detail = what === null ? '' : ` (${shortened(what)})`
    const way = `Leave it out, or ask for a model of an account that speaks ${this.#from} natively.`
    this.#first ??= refusal('unsupported_parameter', `The member "${shortened(path)}"${detail} cannot be said in ${this.#to}. ${way}`, {
      param: shortened(path),
    })
  }

  malformed(path: string, expected: string): void {
    this.#first ??= refusal('invalid_body', `The member "${shortened(path)}" must be ${expected}.`, { param: shortened(path) })
  }

  /** Notes every member that is not known; null says nothing, and neither does an idle member. */
  others(value: Json, known: ReadonlySet<string>, path: string, idle: Idle = noIdle): void {
    for (const [member, said] of Object.entries(value)) {
      if (!known.has(member) && said !== null && idle.get(member)?.(said) !== true) this.note(path === '' ? member : `${path}.${member}`)
    }
  }

  /** Null where there is none, or something else. */
  object(value: unknown, path: string): Json | null {
    if (isObject(value)) return value
    if ((value ?? null) !== null) this.malformed(path, 'an object')
    return null
  }

  /** Empty where there is none, or something else. */
  list(value: unknown, path: string): readonly unknown[] {
    if (Array.isArray(value)) return value
    if ((value ?? null) !== null) this.malformed(path, 'a list')
    return []
  }

  /** The question, unless something of it was left unsaid. */
  translated(question: Json): Translated {
    return this.#first === null ? { kind: 'translated', question, memo: noMemo } : { kind: 'unsayable', refusal: this.#first }
  }
}

function shortened(text: string): string {
  return text.length > namedMax ? `${text.slice(0, namedMax)}…` : text
}

/** These members as they stand; null is as good as absent. */
export function told(value: Json, members: readonly string[]): Json {
  return Object.fromEntries(members.flatMap((member) => ((value[member] ?? null) === null ? [] : [[member, value[member]]])))
}

/** These members as they stand, null included. */
export function kept(value: Json, members: readonly string[]): Json {
  return Object.fromEntries(members.flatMap((member) => (member in value ? [[member, value[member]]] : [])))
}

/** A member under its name in the other dialect; nothing where it says nothing. */
export function renamed(value: unknown, name: string): Json {
  return (value ?? null) === null ? {} : { [name]: value }
}

export function listed(value: Json | null): readonly Json[] {
  return value === null ? [] : [value]
}

/** A type that the client wrote, for a sentence. */
export function typeOf(value: Json): string {
  const { type } = value
  return typeof type === 'string' ? `of type "${type}"` : 'of no type'
}
