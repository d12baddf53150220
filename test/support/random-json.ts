/** Uniform in [0, 1) and the same for the same seed. */
export type Random = () => number

export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function below(random: Random, bound: number): number {
  return Math.floor(random() * bound)
}

export function pick<T>(random: Random, from: readonly T[]): T {
  const picked = from[below(random, from.length)]
  if (picked === undefined) throw new Error('nothing to pick from')
  return picked
}

/** JSON text as a tree of its tokens, so that what an edit should leave can be put together without looking for it. */
export type Node =
  | { readonly kind: 'scalar'; readonly text: string }
  | { readonly kind: 'object'; readonly parts: readonly Part[]; readonly blank: string }
  | { readonly kind: 'array'; readonly parts: readonly Part[]; readonly blank: string }

/** One member or item, the white space around it, and what stands before its value: the name as it is spelt, the colon, white space. */
export interface Part {
  readonly before: string
  readonly name: string
  readonly head: string
  readonly value: Node
  readonly after: string
}

export function render(node: Node): string {
  if (node.kind === 'scalar') return node.text
  const inside = node.parts.length === 0 ? node.blank : node.parts.map(renderPart).join(',')
  return node.kind === 'object' ? `{${inside}}` : `[${inside}]`
}

export function renderPart(part: Part): string {
  return part.before + part.head + render(part.value) + part.after
}

const spaces = ['', '', '', '', '', ' ', '\n', '\t', '\r\n  ', '   ']
const numbers = [
  '0',
  '-0',
  '1',
  '-1',
  '42',
  '1e400',
  '-1E-400',
  '1.5',
  '0.000',
  '9223372036854775807',
  '18446744073709551616',
  '1e+5',
  '123456789012345678901234567890',
  '-0.1e1',
]
const words = [
  '',
  'a',
  'plain words',
  'ein Wörtchen',
  '日本語',
  '🚂',
  'quote " inside',
  'back\\slash',
  '\\',
  '\\\\"',
  'new\nline',
  '}{][,:',
  '"',
  'tab\t',
  '\u2028',
  '\ud800',
  '\u0000',
  'x'.repeat(70),
  `${'y'.repeat(63)}\\`,
  `${'z'.repeat(64)}"${'z'.repeat(70)}"`,
]
const nestedNames = ['id', 'type', 'model', 'service_tier', 'id', 'content', '', '__proto__', 'ключ', 'i d', 'encrypted_content']

export function randomSpace(random: Random): string {
  return pick(random, spaces)
}

/** A JSON string for `text`, in one of the many ways to spell it. */
function spelt(random: Random, text: string): string {
  const way = random()
  if (way < 0.6) return JSON.stringify(text)
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    const isEscaped = random() < 0.3
    const hex = unit.toString(16).padStart(4, '0')
    out += isEscaped ? `\\u${way < 0.8 ? hex : hex.toUpperCase()}` : text[i] === '/' ? '\\/' : JSON.stringify(text[i]).slice(1, -1)
  }
  return `"${out}"`
}

export function randomNode(random: Random, depth: number): Node {
  const dice = random()
  if (depth > 0 && dice < 0.2) return randomObject(random, depth - 1, () => pick(random, nestedNames))
  if (depth > 0 && dice < 0.35) return randomArray(random, below(random, 5), () => randomNode(random, depth - 1))
  if (dice < 0.7) return { kind: 'scalar', text: spelt(random, pick(random, words)) }
  return { kind: 'scalar', text: dice < 0.85 ? pick(random, numbers) : pick(random, ['true', 'false', 'null']) }
}

export function randomObject(random: Random, depth: number, name: () => string): Node {
  const parts = Array.from({ length: below(random, 6) }, () => randomPart(random, name(), randomNode(random, depth)))
  return { kind: 'object', parts, blank: randomSpace(random) }
}

export function randomArray(random: Random, length: number, item: () => Node): Node {
  const parts = Array.from({ length }, () => ({ before: randomSpace(random), name: '', head: '', value: item(), after: randomSpace(random) }))
  return { kind: 'array', parts, blank: randomSpace(random) }
}

export function randomPart(random: Random, name: string, value: Node): Part {
  const head = `${spelt(random, name)}${randomSpace(random)}:${randomSpace(random)}`
  return { before: randomSpace(random), name, head, value, after: randomSpace(random) }
}
