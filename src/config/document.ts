import { isAlias, isCollection, isMap, isPair, isScalar, LineCounter, parseDocument, visit, type Document, type Node } from 'yaml'
import type { Path } from './problem.ts'

/** Copies that aliases may make in all. */
const aliasesMax = 100

export type ParsedYaml =
  | { readonly kind: 'document'; readonly document: Document }
  | { readonly kind: 'faults'; readonly faults: readonly { readonly offset: number; readonly sentence: string }[] }

/** One YAML 1.2 document. A field that stands twice, an unknown tag and a second document are faults. */
export function parseYaml(text: string, lineCounter: LineCounter): ParsedYaml {
  const document = parsed(text, lineCounter)
  if (document === null) return { kind: 'faults', faults: [{ offset: 0, sentence: tooDeep }] }
  const faults = [...document.errors, ...document.warnings]
  // What the parser says after it ran out of stack is noise.
  if (faults.some((fault) => fault.message.includes('call stack'))) return { kind: 'faults', faults: [{ offset: 0, sentence: tooDeep }] }
  if (faults.length > 0) return { kind: 'faults', faults: faults.map((fault) => ({ offset: fault.pos[0], sentence: yamlSentence(fault.code, fault.message) })) }
  const stray = strayAlias(document)
  if (stray !== null) return { kind: 'faults', faults: [{ offset: stray, sentence: 'this alias names no anchor above it: expected one' }] }
  const isEmpty = document.contents === null || (isScalar(document.contents) && document.contents.value === null)
  if (isEmpty) return { kind: 'faults', faults: [{ offset: 0, sentence: 'the file is empty: expected at least accounts and pools' }] }
  return { kind: 'document', document }
}

const tooDeep = 'the file is nested too deeply: expected the fields of a configuration'

function parsed(text: string, lineCounter: LineCounter): Document | null {
  try {
    return parseDocument(text, { version: '1.2', schema: 'core', uniqueKeys: true, stringKeys: true, prettyErrors: false, lineCounter })
  } catch {
    return null
  }
}

/** Where an alias stands whose anchor was not set before it. */
function strayAlias(document: Document): number | null {
  let offset: number | null = null
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return undefined
      offset = startOf(alias)
      return visit.BREAK
    },
  })
  return offset
}

function yamlSentence(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this field stands twice: expected it once'
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here: expected one'
  return `not valid YAML: ${(message.split('\n')[0] ?? '').slice(0, 200)}`
}

export type Plain = { readonly kind: 'plain'; readonly value: unknown } | { readonly kind: 'tangled'; readonly sentence: string }

/** The document's values. A section with nothing in it counts as left out. */
export function plain(document: Document): Plain {
  try {
    const value: unknown = document.toJS({ maxAliasCount: aliasesMax })
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return { kind: 'plain', value }
    return { kind: 'plain', value: Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null)) }
  } catch {
    return { kind: 'tangled', sentence: `aliases make more than ${aliasesMax} copies: expected fewer` }
  }
}

/** The node at a path, through aliases; null where there is none. */
export function nodeAt(document: Document, path: Path): Node | null {
  let node: unknown = document.contents
  for (const part of path) {
    const parent = isAlias(node) ? node.resolve(document) : node
    node = isCollection(parent) ? parent.get(part, true) : null
  }
  const found = isAlias(node) ? node.resolve(document) : node
  return isScalar(found) || isCollection(found) ? found : null
}

/** Where the value at a path begins, or, where there is none, its nearest parent. */
export function offsetAt(document: Document, path: Path): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = nodeAt(document, path.slice(0, length))
    if (node !== null) return startOf(node)
  }
  return 0
}

/** Where a field's name begins. */
export function fieldOffset(document: Document, parent: Path, field: string): number {
  const map = nodeAt(document, parent)
  const key = isMap(map) ? map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === field)?.key : null
  return isScalar(key) ? startOf(key) : offsetAt(document, parent)
}

export function startOf(node: Node): number {
  return node.range?.[0] ?? 0
}

/** Which setting each scalar of the document is. */
export function scalarPaths(document: Document): ReadonlyMap<unknown, Path> {
  const paths = new Map<unknown, Path>()
  const walk = (node: unknown, path: Path): void => {
    if (isScalar(node)) paths.set(node, path)
    if (!isCollection(node)) return
    for (const [index, item] of node.items.entries()) {
      if (isPair(item)) walk(item.value, [...path, isScalar(item.key) ? String(item.key.value) : String(index)])
      else walk(item, [...path, index])
    }
  }
  walk(document.contents, [])
  return paths
}
