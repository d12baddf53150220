import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Body, type Edit } from '../../src/lib/body.ts'
import {
  below,
  pick,
  randomArray,
  randomNode,
  randomObject,
  randomPart,
  randomSpace,
  render,
  renderPart,
  seeded,
  type Node,
  type Part,
  type Random,
} from '../support/random-json.ts'

const governed: ReadonlySet<string> = new Set(['model', 'stream', 'service_tier', 'previous_response_id', 'store', 'input', 'messages'])
const lists = ['input', 'messages', 'tools']
const ungoverned = ['tools', 'metadata', 'metadata', '__proto__', '', 'Model', 'modell', 'ключ', 'служба\u2028', 'user', 'i\\d', 'temperature']

/** A body as its tokens. */
interface Sample {
  readonly lead: string
  readonly parts: readonly Part[]
  readonly blank: string
  readonly tail: string
}

function randomSample(random: Random): Sample {
  const names = [...governed].filter(() => random() < 0.4)
  const others = Array.from({ length: below(random, 5) }, () => pick(random, ungoverned))
  const shuffled = [...names, ...others].map((name) => ({ name, at: random() })).sort((a, b) => a.at - b.at)
  const parts = shuffled.map(({ name }) => randomPart(random, name, lists.includes(name) && random() < 0.8 ? randomList(random) : randomNode(random, 3)))
  return { lead: randomSpace(random), parts, blank: randomSpace(random), tail: randomSpace(random) }
}

function randomList(random: Random): Node {
  const item = () => (random() < 0.7 ? randomObject(random, 1, () => pick(random, ['id', 'id', 'type', 'content'])) : randomNode(random, 2))
  return randomArray(random, below(random, 6), item)
}

function renderSample({ lead, parts, blank, tail }: Sample): string {
  return lead + render({ kind: 'object', parts, blank }) + tail
}

function randomEdits(random: Random, sample: Sample): readonly Edit[] {
  const absent = ['model', 'service_tier', 'nothing', 'input']
  const members = [...sample.parts.map((part) => part.name), ...absent]
  return Array.from({ length: below(random, 5) }, (): Edit => {
    const dice = random()
    const list = pick(random, lists)
    const indexes = Array.from({ length: below(random, 4) }, () => below(random, 7))
    if (dice < 0.3) {
      const json = render(randomNode(random, 2))
      return { kind: 'set', member: pick(random, members), json: pick(random, [json, Buffer.from(json), inPieces(random, Buffer.from(json))]) }
    }
    if (dice < 0.55) return { kind: 'drop', member: pick(random, members) }
    if (dice < 0.75) return { kind: 'drop-items', member: list, indexes }
    return { kind: 'drop-in-items', member: list, indexes, name: pick(random, ['id', 'type']) }
  })
}

/** The same bytes, cut anywhere: in the middle of a letter, and into nothing, too. */
function inPieces(random: Random, bytes: Buffer): readonly Buffer[] {
  const cuts = Array.from({ length: below(random, 4) }, () => below(random, bytes.length + 1)).sort((a, b) => a - b)
  return [0, ...cuts].map((start, at) => bytes.subarray(start, cuts[at] ?? bytes.length))
}

const textOf = (json: Extract<Edit, { kind: 'set' }>['json']): string =>
  typeof json === 'string' ? json : Buffer.isBuffer(json) ? json.toString() : Buffer.concat(json).toString()

type Removed = { readonly text: string; readonly isEmpty: boolean }

/** What is left of a comma-separated list, by the words of the contract: each part that goes takes one comma along. */
function without(parts: readonly Part[], isGone: (part: Part, index: number) => boolean): Removed {
  const tokens: (string | null)[] = parts.flatMap((part, index) => {
    const core = part.head + render(part.value)
    return [part.before, core, part.after, ...(index < parts.length - 1 ? [','] : [])]
  })
  const gone = parts.map(isGone)
  const pivot = gone.includes(false) ? gone.lastIndexOf(false) : parts.length - 1
  for (const [index, isOut] of gone.entries()) {
    if (!isOut) continue
    const core = index * 4 + 1
    tokens[core] = null
    if (index < pivot) tokens[core + 1] = tokens[core + 2] = null
    if (index > pivot) tokens[core - 1] = tokens[core - 2] = null
  }
  return { text: tokens.filter((token) => token !== null).join(''), isEmpty: !gone.includes(false) }
}

/** The edits that count, by member in the order in which they were first named. */
function settled(edits: readonly Edit[]): ReadonlyMap<string, readonly Edit[]> {
  const byMember = new Map<string, readonly Edit[]>()
  for (const { member } of edits) {
    const own = edits.filter((edit) => edit.member === member)
    const last = own.findLast((edit) => edit.kind === 'set' || edit.kind === 'drop')
    byMember.set(member, last === undefined ? own : [last])
  }
  return byMember
}

function isItemGone(edits: readonly Edit[], index: number): boolean {
  return edits.some((edit) => edit.kind === 'drop-items' && edit.indexes.includes(index))
}

function namesGone(edits: readonly Edit[], index: number): readonly string[] {
  return edits.flatMap((edit) => (edit.kind === 'drop-in-items' && edit.indexes.includes(index) ? [edit.name] : []))
}

/** The text that the edits should leave, put together from the tokens. */
function expectedText(sample: Sample, edits: readonly Edit[]): string {
  const changes = settled(edits)
  const added: string[] = []
  let parts = sample.parts
  for (const [member, own] of changes) {
    const at = parts.findLastIndex((part) => part.name === member)
    const set = own.find((edit) => edit.kind === 'set')
    if (set !== undefined && at === -1) added.push(`${JSON.stringify(member)}:${textOf(set.json)}`)
    parts = parts.map((part, index) => {
      if (index !== at) return part
      if (set !== undefined) return { ...part, value: { kind: 'scalar', text: textOf(set.json) } }
      return part.value.kind === 'array' ? { ...part, value: { kind: 'scalar', text: expectedList(part.value.parts, part.value.blank, own) } } : part
    })
  }
  const left = without(parts, (part) => changes.get(part.name)?.some((edit) => edit.kind === 'drop') ?? false)
  const inside = sample.parts.length === 0 ? sample.blank : left.text
  const comma = added.length > 0 && !left.isEmpty ? ',' : ''
  return `${sample.lead}{${inside}${comma}${added.join(',')}}${sample.tail}`
}

function expectedList(items: readonly Part[], blank: string, edits: readonly Edit[]): string {
  if (items.length === 0) return `[${blank}]`
  const changed = items.map((item, index): Part => {
    const names = namesGone(edits, index)
    if (item.value.kind !== 'object' || item.value.parts.length === 0) return item
    return { ...item, value: { kind: 'scalar', text: `{${without(item.value.parts, (part) => names.includes(part.name)).text}}` } }
  })
  return `[${without(changed, (_, index) => isItemGone(edits, index)).text}]`
}

/** The value that the edits should leave, by way of `JSON.parse`. */
function expectedValue(text: string, edits: readonly Edit[]): unknown {
  const value = JSON.parse(text) as Record<string, unknown>
  for (const [member, own] of settled(edits)) {
    for (const edit of own) {
      if (edit.kind === 'drop') delete value[member]
      if (edit.kind === 'set')
        Object.defineProperty(value, member, { value: JSON.parse(textOf(edit.json)), configurable: true, enumerable: true, writable: true })
    }
    const items: unknown = Object.getOwnPropertyDescriptor(value, member)?.value
    if (!Array.isArray(items) || own.some((edit) => edit.kind === 'set')) continue
    for (const [index, item] of items.entries()) {
      if (typeof item === 'object' && item !== null && !Array.isArray(item)) for (const name of namesGone(own, index)) Reflect.deleteProperty(item, name)
    }
    value[member] = items.filter((_, index) => !isItemGone(own, index))
  }
  return value
}

function check(random: Random): void {
  const sample = randomSample(random)
  const text = renderSample(sample)
  const edits = randomEdits(random, sample)
  const before = Buffer.from(random() < 0.5 ? '' : '{"model":"')
  const object = Buffer.from(text)
  const bytes = Buffer.concat([before, object, Buffer.from(random() < 0.5 ? '' : '"}]')])
  const parsed = Body.parse(bytes, governed, before.length, before.length + object.length)
  if (parsed.kind !== 'body') throw new Error(`${parsed.kind}: ${text}`)
  const { pieces, bytes: size } = parsed.body.edited(edits)
  const edited = Buffer.concat(pieces)
  const expected = expectedText(sample, edits)
  const original = JSON.parse(text) as object
  const faults = [
    size !== edited.length && 'the size is wrong',
    pieces.some((piece) => piece.length === 0) && 'a piece is empty',
    edited.toString() !== expected && `the text should be ${expected}`,
    !isDeepStrictEqual(JSON.parse(edited.toString()), expectedValue(text, edits)) && 'the value differs',
    sample.parts.some(({ name }) => !isDeepStrictEqual(parsed.body.value(name), Reflect.getOwnPropertyDescriptor(original, name)?.value)) &&
      'a member reads wrong',
  ].filter((fault) => fault !== false)
  if (faults.length > 0) throw new Error(`${faults.join(', ')}: ${JSON.stringify({ text, edits, edited: edited.toString() }, null, 1)}`)
}

/** Runs a check many times; what fails names the seed that brings it back alone. */
function times(count: number, seed: number, once: (random: Random) => void): void {
  for (let run = seed; run < seed + count; run++) {
    try {
      once(seeded(run))
    } catch (error) {
      throw new Error(`seed ${run}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
}

const structural = ['{', '}', '[', ']', ',', ':', '"', '\\', ' ', '0', '-', '.', 'e', 't', 'x', 'null', '\u0000', '1', '+']

function mutated(random: Random, text: string): string {
  let out = text
  for (let n = below(random, 3); n >= 0; n--) {
    const at = below(random, out.length + 1)
    const gone = random() < 0.7 ? 1 : 0
    out = out.slice(0, at) + (random() < 0.6 ? pick(random, structural) : '') + out.slice(at + gone)
  }
  return out
}

/** Whether the text is at fault outside its strings, by a reader that has never seen ours: strings are made empty, and `JSON.parse` judges. */
function isBrokenOutsideStrings(text: string): boolean {
  return outcome(text.replaceAll(/"(?:[^"\\]|\\[^])*"/g, '""')) === 'refused'
}

function outcome(text: string): 'refused' | 'object' | 'other' {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? 'object' : 'other'
  } catch {
    return 'refused'
  }
}

function checkMutated(random: Random): void {
  const text = mutated(random, renderSample(randomSample(random)))
  const { kind } = Body.parse(Buffer.from(text), governed)
  const theirs = outcome(text)
  const isRight =
    theirs === 'object'
      ? kind === 'body' || kind === 'duplicate'
      : theirs === 'other'
        ? kind === 'not-an-object'
        : kind === 'not-json' || !isBrokenOutsideStrings(text)
  if (!isRight) throw new Error(`${theirs} to JSON.parse, ${kind} to us: ${text}`)
}

describe('a body', { timeout: 60_000 }, () => {
  it('keeps every byte that no edit names, and means what the edited value means, 100,000 times', () => {
    expect(() => times(100_000, 1, check)).not.toThrow()
  })

  it('is taken where JSON.parse takes an object and refused where the structure outside strings is broken, 50,000 times', () => {
    expect(() => times(50_000, 1_000_000, checkMutated)).not.toThrow()
  })

  it('shows in random texts every kind of member that the checks are about', () => {
    const texts = Array.from({ length: 2000 }, (_, seed) => renderSample(randomSample(seeded(seed)))).join('')
    for (const what of ['1e400', '18446744073709551616', '\\u', '日本語', '"__proto__"', '\r\n', '\\"', '[]', '{}']) expect(texts).toContain(what)
    expect(renderPart(randomPart(seeded(1), 'a', { kind: 'scalar', text: '1' }))).toContain(':')
  })
})
