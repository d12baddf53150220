import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { basename, join, resolve as absolute } from 'node:path'
import { isScalar, isSeq, LineCounter, type Document } from 'yaml'
import type * as z from 'zod'
import { disagreements } from './agree.ts'
import { fieldOffset, nodeAt, offsetAt, parseYaml, plain, scalarPaths, startOf } from './document.ts'
import { expandDocument, type Environment, type Expansion } from './expand.ts'
import { problemsMax, sentence, pathText, unknownField, type Path, type Problem } from './problem.ts'
import { schema, type Configuration } from './schema.ts'

/** What the command line says instead of the file. */
export interface Overrides {
  readonly host?: string | undefined
  readonly port?: number | undefined
  /** Moves the data folder, and the store into it; relative to the working folder. */
  readonly data?: string | undefined
}

export type Loaded =
  | { readonly kind: 'loaded'; readonly configuration: Configuration }
  /** At least one problem, at most `problemsMax`, in the order of the file. */
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] }

export const fileBytesMax = 2 ** 20

/** Reads a configuration file, whole or not at all. */
export function loadConfiguration(file: string, environment: Environment, overrides: Overrides = {}): Loaded {
  const read = readText(file)
  if (read.kind === 'unreadable') return { kind: 'invalid', problems: [{ file, line: 1, column: 1, path: '', sentence: read.sentence }] }
  return parseConfiguration(file, read.text, environment, overrides)
}

/** The same of a text that was read already. `file` only names it in problems. */
export function parseConfiguration(file: string, text: string, environment: Environment, overrides: Overrides = {}): Loaded {
  const lines = new LineCounter()
  const source = new Source(file, lines)
  const yaml = parseYaml(text, lines)
  if (yaml.kind === 'faults') return source.invalid(yaml.faults.map((fault) => source.at(fault.offset, '', fault.sentence)))
  const expansion = expandDocument(yaml.document, environment)
  return validate(yaml.document, expansion, source, overrides)
}

function validate(document: Document, expansion: Expansion, source: Source, overrides: Overrides): Loaded {
  const first = plain(document)
  if (first.kind === 'tangled') return source.invalid([source.at(0, '', first.sentence)])
  let parsed = schema.safeParse(first.value)
  if (!parsed.success && typed(document, expansion, parsed.error.issues)) {
    const again = plain(document)
    if (again.kind === 'plain') parsed = schema.safeParse(again.value)
  }
  const unset = unsetProblems(document, expansion, source)
  if (!parsed.success) return source.invalid([...unset, ...parsed.error.issues.flatMap((issue) => issueProblems(issue, document, expansion, source))])
  if (unset.length > 0) return source.invalid(unset)
  const clashes = disagreements(parsed.data)
  if (clashes.length > 0) {
    return source.invalid(clashes.map(({ path, message }) => source.at(offsetAt(document, path), pathText(path), `${pathText(path)} ${message}`)))
  }
  return { kind: 'loaded', configuration: overridden(parsed.data, overrides) }
}

/** One file's name and lines: makes problems of offsets. */
class Source {
  readonly #file: string
  readonly #lines: LineCounter

  constructor(file: string, lines: LineCounter) {
    this.#file = file
    this.#lines = lines
  }

  at(offset: number, path: string, said: string): Problem {
    const { line, col } = this.#lines.linePos(offset)
    return { file: this.#file, line: Math.max(1, line), column: Math.max(1, col), path, sentence: said }
  }

  invalid(problems: readonly Problem[]): Loaded {
    const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column)
    return { kind: 'invalid', problems: sorted.slice(0, problemsMax) }
  }
}

type Read = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'unreadable'; readonly sentence: string }

function readText(file: string): Read {
  let descriptor: number | null = null
  try {
    descriptor = openSync(file, 'r')
    const stat = fstatSync(descriptor)
    if (!stat.isFile()) return { kind: 'unreadable', sentence: 'this is not a file: expected the configuration' }
    if (stat.size > fileBytesMax) return { kind: 'unreadable', sentence: `the file is larger than ${fileBytesMax} bytes: expected a configuration` }
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(descriptor)) }
  } catch (error) {
    return { kind: 'unreadable', sentence: unreadable(error) }
  } finally {
    if (descriptor !== null) closeSync(descriptor)
  }
}

function unreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
  if (code === 'ENOENT') return 'there is no such file: expected the configuration'
  if (code === 'EACCES' || code === 'EPERM') return 'the file may not be read by this user: expected a readable one'
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'the file is not UTF-8: expected text'
  return `the file cannot be read (${code}): expected a readable one`
}

type Issue = z.core.$ZodIssue

/** A variable is always text. Where a number or a truth is wanted and the text is one, it becomes one. True when something changed. */
function typed(document: Document, { expanded }: Expansion, issues: readonly Issue[]): boolean {
  let changed = false
  for (const issue of issues) {
    if (issue.code !== 'invalid_type') continue
    const scalar = nodeAt(document, toPath(issue.path))
    if (!isScalar(scalar) || !expanded.has(scalar) || typeof scalar.value !== 'string') continue
    const value = asTyped(issue.expected, scalar.value.trim())
    if (value === null) continue
    scalar.value = value
    changed = true
  }
  return changed
}

function asTyped(expected: string, text: string): number | boolean | null {
  if (expected === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  const isNumber = expected === 'number' || expected === 'int'
  return isNumber && /^-?\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : null
}

function unsetProblems(document: Document, { missing }: Expansion, source: Source): readonly Problem[] {
  const paths = missing.length === 0 ? null : scalarPaths(document)
  return missing.map(({ scalar, sentence: fault }) => {
    const path = pathText(paths?.get(scalar) ?? [])
    return source.at(startOf(scalar), path, `${path} ${fault}`)
  })
}

function issueProblems(issue: Issue, document: Document, { expanded, missing }: Expansion, source: Source): readonly Problem[] {
  const path = toPath(issue.path)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((field) => source.at(fieldOffset(document, path, field), pathText([...path, field]), unknownField(path, field)))
  }
  if (issue.code === 'invalid_key') {
    const field = String(path.at(-1) ?? '')
    const message = issue.issues[0]?.message ?? issue.message
    return [
      source.at(fieldOffset(document, path.slice(0, -1), field), pathText(path), `the name before ":" in ${pathText(path.slice(0, -1))} is wrong: ${message}`),
    ]
  }
  const node = nodeAt(document, path)
  if (missing.some(({ scalar }) => scalar === node)) return []
  const value: unknown = isScalar(node) ? node.value : isSeq(node) ? node.items : (node ?? undefined)
  return [source.at(offsetAt(document, path), pathText(path), sentence({ path, value, variables: expanded.get(node) ?? [] }, issue.message))]
}

function toPath(path: readonly PropertyKey[]): Path {
  return path.map((part) => (typeof part === 'number' ? part : String(part)))
}

function overridden(configuration: Configuration, overrides: Overrides): Configuration {
  const { server, store } = configuration
  const moved = overrides.data === undefined ? null : absolute(overrides.data)
  const storeFile = store.url === undefined ? 'turnout.db' : basename(store.url.slice('sqlite:'.length))
  return {
    ...configuration,
    server: { host: overrides.host ?? server.host, port: overrides.port ?? server.port },
    data: moved ?? configuration.data,
    store: moved === null ? store : { url: `sqlite:${join(moved, storeFile)}` },
  }
}
