import { isObject, type Json } from '../json.ts'

/* Deltas of one message, put together. Numbers may be objects that only `JSON.stringify` can read (lib/exact-json.ts). */

/** Texts that come whole, however often they come; all others come in parts. */
const wholeTexts: ReadonlySet<string> = new Set(['id', 'type', 'role', 'name', 'format', 'finish_reason'])

/** An object that grows. */
export class Merged {
  readonly #members = new Map<string, unknown>()

  add(more: Json): void {
    for (const [name, value] of Object.entries(more)) {
      const had = this.#members.get(name)
      // What was said once is not unsaid, neither by null nor, of what comes whole, by an empty text.
      if (had !== undefined && (value === null || (value === '' && wholeTexts.has(name)))) continue
      this.#members.set(name, wholeTexts.has(name) ? value : joined(had, value))
    }
  }

  get(name: string): unknown {
    return this.#members.get(name)
  }

  set(name: string, value: unknown): void {
    this.#members.set(name, value)
  }

  drop(name: string): void {
    this.#members.delete(name)
  }

  toJSON(): object {
    return Object.fromEntries(this.#members)
  }
}

/** A list that grows: parts that name the same `index` are of one item. */
export class MergedList {
  readonly #byIndex = new Map<number, Merged>()
  readonly #others: unknown[] = []

  add(more: readonly unknown[]): void {
    for (const item of more) {
      const index = isObject(item) ? item['index'] : undefined
      if (isObject(item) && typeof index === 'number') this.at(index).add(item)
      else this.#others.push(item)
    }
  }

  at(index: number): Merged {
    const known = this.#byIndex.get(index)
    if (known !== undefined) return known
    const item = new Merged()
    this.#byIndex.set(index, item)
    return item
  }

  /** The items that have an index, in its order. */
  indexed(): readonly Merged[] {
    return [...this.#byIndex].toSorted(([a], [b]) => a - b).map(([, item]) => item)
  }

  toJSON(): readonly unknown[] {
    return [...this.indexed(), ...this.#others]
  }
}

function joined(had: unknown, value: unknown): unknown {
  if (typeof value === 'string') return typeof had === 'string' ? had + value : value
  if (Array.isArray(value)) {
    const list = had instanceof MergedList ? had : new MergedList()
    list.add(value)
    return list
  }
  if (!isObject(value) || 'rawJSON' in value) return value
  const object = had instanceof Merged ? had : new Merged()
  object.add(value)
  return object
}
