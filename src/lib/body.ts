import { cutParts, splice, type Cut, type Pieces, type Span } from './cuts.ts'
import { found, memberNumbers as stride, openBrace, quote, skipSpace, skipValue, walkArray, walkObject } from './json-scan.ts'
import { governedName, isNamed, isPlain, parsedText, parsedValue, tableOf } from './member-name.ts'

export type { Pieces, Span } from './cuts.ts'

type Json = string | Buffer | readonly Buffer[]

/** One change to a body. Everything that no edit names stays byte for byte. */
export type Edit =
  /** Sets a governed top-level member to this JSON text, which may come in pieces to be laid end to end; adds it at the end where it is absent. */
  | { readonly kind: 'set'; readonly member: string; readonly json: Json }
  | { readonly kind: 'drop'; readonly member: string }
  /** Drops items, by index, of the array that is this member's value. */
  | { readonly kind: 'drop-items'; readonly member: string; readonly indexes: readonly number[] }
  /** Drops one member of each object named by index in the array that is this member's value. */
  | { readonly kind: 'drop-in-items'; readonly member: string; readonly indexes: readonly number[]; readonly name: string }

export type Parsed =
  | { readonly kind: 'body'; readonly body: Body }
  | { readonly kind: 'not-json' }
  | { readonly kind: 'not-an-object' }
  | { readonly kind: 'duplicate'; readonly member: string }

/** What one scan found out. */
interface Index {
  readonly range: Span
  /** Where the object's closing brace stands. */
  readonly closing: number
  /** The members, `stride` numbers for each: start and end of its name, start and end of its value. */
  readonly parts: readonly number[]
  readonly governed: ReadonlySet<string>
  /** The governed members that are there, and where in `parts` each begins: few enough to be looked through. */
  readonly names: readonly string[]
  readonly places: readonly number[]
}

/** What is to become of one member. */
type Change =
  | { readonly kind: 'set'; readonly json: Json }
  | { readonly kind: 'drop' }
  | { readonly kind: 'items'; readonly gone: Set<number>; readonly without: Map<number, Set<string>> }

const nothingGoverned: ReadonlySet<string> = new Set()
const notJson: Parsed = { kind: 'not-json' }

/** Governed strings up to this length are words that a policy depends on, so a reader more tolerant than ours must not find others in them. */
const wordBytesMax = 4096

/** Cuts inside the items of one member. A body that would need more was made to need them; what stays in it is for the upstream to refuse. */
const cutsMax = 65_536

/** A JSON object as its bytes and an index of its top-level members. Frozen: an edit yields pieces and changes nothing here. */
export class Body {
  readonly bytes: Buffer
  readonly #index: Index

  private constructor(bytes: Buffer, index: Index) {
    this.bytes = bytes
    this.#index = index
  }

  /**
   * Structure is held to the grammar at every depth; what strings contain only in names and governed words: the rest is upstream's to judge.
   *
   * @param governed names, after unescaping, that may stand only once. `start`, `end`: the range of `bytes` that holds the object.
   */
  static parse(bytes: Buffer, governed: ReadonlySet<string>, start = 0, end = bytes.length): Parsed {
    const first = skipSpace(bytes, start, end)
    const isObject = first < end && bytes[first] === openBrace
    const last = isObject ? walkObject(bytes, first, end) : skipValue(bytes, first, end)
    if (last === -1 || skipSpace(bytes, last, end) !== end) return notJson
    if (!isObject) return { kind: 'not-an-object' }

    const parts = found.copy()
    const names: string[] = []
    const places: number[] = []
    const table = tableOf(governed)
    for (let at = 0; at < parts.length; at += stride) {
      const name = governedName(bytes, number(parts, at), number(parts, at + 1), table)
      if (name === undefined) return notJson
      if (name === null) continue
      if (names.includes(name)) return { kind: 'duplicate', member: name }
      if (!isSound(bytes, number(parts, at + 2), number(parts, at + 3))) return notJson
      names.push(name)
      places.push(at)
    }
    return { kind: 'body', body: new Body(bytes, { range: { start, end }, closing: last - 1, parts, governed, names, places }) }
  }

  /** An object in which nothing is governed. Null where the bytes are no object, or cannot be read. */
  static of(bytes: Buffer, start = 0, end = bytes.length): Body | null {
    const parsed = Body.parse(bytes, nothingGoverned, start, end)
    return parsed.kind === 'body' ? parsed.body : null
  }

  /** Where in `bytes` the object stands. */
  get range(): Span {
    return this.#index.range
  }

  /** The value's range; null where the member is absent. The last one, where an ungoverned member stands twice. */
  span(member: string): Span | null {
    const { parts, governed, names, places } = this.#index
    const nth = names.indexOf(member)
    if (nth !== -1) return valueAt(parts, number(places, nth))
    if (governed.has(member)) return null
    for (let at = parts.length - stride; at >= 0; at -= stride) {
      if (isNamed(this.bytes, number(parts, at), number(parts, at + 1), member)) return valueAt(parts, at)
    }
    return null
  }

  /** The value, parsed; undefined where the member is absent or a string inside its value malformed. Costs a parse of that value only. */
  value(member: string): unknown {
    const span = this.span(member)
    return span === null ? undefined : parsedValue(this.bytes, span.start, span.end)
  }

  /** Ranges of the items, where the member's value is an array; null where it is not, or has more items than anyone means (`partsMax`). */
  items(member: string): readonly Span[] | null {
    const bounds = this.#itemBounds(member)
    if (bounds === null) return null
    const items: Span[] = []
    for (let at = 0; at < bounds.length; at += 2) items.push({ start: number(bounds, at), end: number(bounds, at + 1) })
    return items
  }

  /** The index of the object at this range (of an item, or of a value). Null where it is no object. */
  within(span: Span): Body | null {
    return Body.of(this.bytes, span.start, span.end)
  }

  /**
   * Indexes are those of the original. Of several edits of one member the last `set` or `drop` counts; without one, all that they say of items
   * is done together. A drop of what is absent does nothing.
   */
  edited(edits: readonly Edit[]): Pieces {
    const cuts: Cut[] = []
    const dropped: string[] = []
    const added: Buffer[] = []
    for (const { member, change } of changes(edits)) {
      if (change.kind === 'items') {
        for (const cut of this.#cutItems(member, change)) cuts.push(cut)
        continue
      }
      if (change.kind === 'drop') {
        dropped.push(member)
        continue
      }
      const span = this.span(member)
      const put = piecesOf(change.json)
      if (span !== null) cuts.push({ start: span.start, end: span.end, put })
      else for (const piece of [Buffer.from(`,${JSON.stringify(member)}:`), ...put]) added.push(piece)
    }
    const drops = this.#cutMembers(dropped)
    for (const cut of drops) cuts.push(cut)
    if (added.length > 0) cuts.push(this.#append(added, drops.length))
    return splice(this.bytes, this.#index.range, cuts)
  }

  /** Start and end of each item, in turn. */
  #itemBounds(member: string): readonly number[] | null {
    const span = this.span(member)
    return span === null || walkArray(this.bytes, span.start, span.end) === -1 ? null : found.copy()
  }

  #cutMembers(names: readonly string[]): readonly Cut[] {
    if (names.length === 0) return []
    const { parts } = this.#index
    const gone = new Set<number>()
    for (let at = 0; at < parts.length; at += stride) {
      if (names.some((name) => isNamed(this.bytes, number(parts, at), number(parts, at + 1), name))) gone.add(at / stride)
    }
    return cutParts(this.bytes, { numbers: parts, stride, opening: 1 }, gone)
  }

  #cutItems(member: string, change: Extract<Change, { kind: 'items' }>): readonly Cut[] {
    const bounds = this.#itemBounds(member)
    if (bounds === null) return []
    const cuts = cutParts(this.bytes, { numbers: bounds, stride: 2, opening: 0 }, change.gone)
    for (const [index, names] of change.without) {
      const start = bounds[2 * index]
      if (start === undefined || change.gone.has(index)) continue
      const inner = this.within({ start, end: number(bounds, 2 * index + 1) })
      if (inner === null) continue
      for (const cut of inner.#cutMembers([...names])) cuts.push(cut)
      if (cuts.length > cutsMax) break
    }
    return cuts
  }

  /** New members before the closing brace; the comma before the first goes where no member is left to stand before it. */
  #append(added: readonly Buffer[], drops: number): Cut {
    const { parts, closing } = this.#index
    const put = parts.length / stride === drops ? added.map((bytes, at) => (at === 0 ? bytes.subarray(1) : bytes)) : added
    return { start: closing, end: closing, put }
  }
}

/** Each member's change, once: edits are few. */
function changes(edits: readonly Edit[]): readonly { readonly member: string; readonly change: Change }[] {
  const all: { readonly member: string; change: Change }[] = []
  for (const edit of edits) {
    const known = all.find(({ member }) => member === edit.member)
    const change = edit.kind === 'set' || edit.kind === 'drop' ? edit : withItems(known?.change, edit)
    if (known === undefined) all.push({ member: edit.member, change })
    else known.change = change
  }
  return all
}

function withItems(before: Change | undefined, edit: Extract<Edit, { indexes: readonly number[] }>): Change {
  const change = before ?? { kind: 'items', gone: new Set(), without: new Map<number, Set<string>>() }
  if (change.kind !== 'items') return change
  for (const index of edit.indexes) {
    if (edit.kind === 'drop-items') change.gone.add(index)
    else change.without.set(index, (change.without.get(index) ?? new Set()).add(edit.name))
  }
  return change
}

function piecesOf(json: Json): readonly Buffer[] {
  if (typeof json === 'string') return [Buffer.from(json)]
  return Buffer.isBuffer(json) ? [json] : json
}

function valueAt(parts: readonly number[], at: number): Span {
  return { start: number(parts, at + 2), end: number(parts, at + 3) }
}

/** Whether a governed word holds nothing that the grammar forbids in strings. */
function isSound(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[start] !== quote || end - start > wordBytesMax) return true
  return isPlain(bytes, start, end) || parsedText(bytes, start, end) !== undefined
}

function number(numbers: readonly number[], at: number): number {
  return numbers[at] ?? 0
}
