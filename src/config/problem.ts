import { oneOf } from './leaf.ts'
import { fieldsAt } from './schema-json.ts'

export type Path = readonly (string | number)[]

/** What is wrong with a configuration file, where, and what was expected. Holds no secret. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  /** The setting, as in `accounts[0].name`; empty where the file as a whole is meant. */
  readonly path: string
  readonly sentence: string
}

/** More problems than this are not listed. */
export const problemsMax = 20

/** `file:line:column: what is wrong and what was expected`. */
export function problemText(problem: Problem): string {
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.sentence}`
}

export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`), '')
}

/** What stands at a place that the schema did not like. */
export interface Found {
  readonly path: Path
  readonly value: unknown
  /** The variables that the value came from. */
  readonly variables: readonly string[]
}

/** @param message begins with "expected", or is a predicate that the path is put before. */
export function sentence(found: Found, message: string): string {
  const path = found.path.length === 0 ? 'the file' : pathText(found.path)
  if (found.value === '' && found.variables.length > 0) {
    const expected = message.slice(Math.max(0, message.indexOf('expected ')))
    return `${path} is empty, since ${variablesText(found.variables)} is not set: ${expected}`
  }
  return message.startsWith('expected') ? `${path} ${shown(found)}: ${message}` : `${path} ${message}`
}

/** A field that nobody knows, and what it may have been meant to be. */
export function unknownField(parent: Path, field: string): string {
  const known = fieldsAt(parent)
  const near = nearest(field, known)
  const name = /^[A-Za-z_$][\w$-]{0,31}$/.test(field) ? `"${field}"` : 'this'
  const expected = near === null ? `expected ${oneOf(known)}` : `did you mean "${near}"?`
  return `${name} is not a field of ${parent.length === 0 ? 'the file' : pathText(parent)}: ${expected}`
}

/** The known word that is most like this one; null when none is near. */
export function nearest(word: string, known: readonly string[]): string | null {
  const near = word.length < 3 ? 0 : Math.min(word.length - 1, Math.max(2, Math.floor(word.length / 3)))
  const ranked = known.map((name) => ({ name, steps: steps(word.toLowerCase(), name.toLowerCase()) })).sort((a, b) => a.steps - b.steps)
  const best = ranked[0]
  return best !== undefined && best.steps <= near ? best.name : null
}

const secretFields: ReadonlySet<string | number> = new Set([
  'api_key',
  'access_token',
  'refresh_token',
  'account_id',
  'key',
  'token',
  'proxy',
  'base_url',
  'token_url',
  'url',
  'credential',
  'oauth',
])

function shown(found: Found): string {
  if (found.variables.length > 0) return `comes from ${variablesText(found.variables)}`
  const { value } = found
  if (value === undefined) return 'is missing'
  if (value === null || typeof value === 'boolean') return `is ${String(value)}`
  if (value === '') return 'is empty'
  if (Array.isArray(value)) return value.length === 0 ? 'is an empty list' : 'is a list'
  if (typeof value === 'object') return 'has named fields'
  const isSecret = found.path.some((part) => secretFields.has(part))
  if (typeof value === 'number') return isSecret ? 'is a number' : `is ${value}`
  return isSecret || typeof value !== 'string' || value.length > 32 ? 'is other text' : `is ${JSON.stringify(value)}`
}

function variablesText(names: readonly string[]): string {
  return names.map((name) => `\${${name}}`).join(' and ')
}

/** How many characters to add, drop or change to get from one word to the other. Words are short: cut at 64. */
function steps(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [i, letter] of from.slice(0, 64).split('').entries()) {
    const next = [i + 1]
    for (let j = 0; j < to.length; j += 1) {
      next.push(Math.min((row[j] ?? 0) + (letter === to[j] ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
