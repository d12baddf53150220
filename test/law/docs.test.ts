import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { catalogue } from '../../src/core/refusal.ts'
import { nodesOf, parse } from '../support/syntax.ts'
import { read, root } from '../support/tree.ts'

/** The members of a union of texts, as its declaration lists them. */
function unionOf(file: string, name: string): string[] {
  const declared = [...nodesOf(parse(file))].find((node) => ts.isTypeAliasDeclaration(node) && node.name.text === name)
  if (declared === undefined) return []
  return [...nodesOf(declared)].flatMap((node) => (ts.isStringLiteral(node) ? [node.text] : []))
}

/** The rows of the Markdown table whose first heading is this; cells as written. */
function table(text: string, heading: string): string[][] {
  const lines = text.split('\n').map((line) => line.trim())
  const cells = (line: string) =>
    line
      .replace(/^\||\|$/g, '')
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim())
  const start = lines.findIndex((line) => line.startsWith('|') && cells(line)[0]?.toLowerCase() === heading)
  if (start === -1) return []
  const rows = lines.slice(start + 2)
  const end = rows.findIndex((line) => !line.startsWith('|'))
  return rows.slice(0, end === -1 ? undefined : end).map(cells)
}

/** A cell's only word in backticks. */
const code = (cell: string | undefined): string => /^`([^`]+)`$/.exec(cell ?? '')?.[1] ?? `no word in backticks: ${cell}`

const kinds = unionOf('src/core/failure.ts', 'FailureKind')

describe('docs/failures.md', () => {
  test('lists every kind of failure, and no other', () => {
    expect(kinds.length).toBeGreaterThan(10)
    const listed = table(read('docs/failures.md'), 'kind').map(([kind]) => code(kind))
    expect(listed.toSorted()).toEqual(kinds.toSorted())
  })

  test('lists every refusal with its status, and no other', () => {
    const listed = table(read('docs/failures.md'), 'code').map(([name, status]) => `${code(name)} ${status}`)
    const ours = Object.entries(catalogue).map(([name, { status }]) => `${name} ${status}`)
    expect(listed.toSorted()).toEqual(ours.toSorted())
  })
})

test('the failure table knows every kind of failure', () => {
  const named = new Set([...nodesOf(parse('src/core/failure-table.ts'))].flatMap((node) => (ts.isStringLiteral(node) ? [node.text] : [])))
  expect(kinds.filter((kind) => !named.has(kind))).toEqual([])
})

describe('ARCHITECTURE.md', () => {
  test('names each of the 14 invariants by its number', () => {
    const text = read('ARCHITECTURE.md')
    const numbers = Array.from({ length: 14 }, (_, at) => at + 1)
    expect(numbers.filter((number) => !new RegExp(`^\\s*(?:\\|\\s*${number}\\s*\\||${number}\\. )`, 'm').test(text))).toEqual([])
  })

  test('names each folder of src that holds something', () => {
    const text = read('ARCHITECTURE.md')
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && readdirSync(join(root, 'src', entry.name)).length > 0)
      .map((entry) => entry.name)
    expect(folders.filter((folder) => !new RegExp(`\\b${folder}/`).test(text))).toEqual([])
  })
})

test.each(['npm start', 'npm test'])('the README names `%s`', (command) => {
  expect(read('README.md')).toContain(command)
})

test('the changelog speaks of the version that package.json names', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string }
  expect(read('CHANGELOG.md')).toContain(version)
})

describe('a table of the docs', () => {
  const text = [
    'words',
    '',
    '| Kind | means |',
    '| --- | --- |',
    '| `rate` | a \\| b |',
    '| `quota` | c |',
    '',
    '| code | status |',
    '|---|---|',
    '| `x` | 400 |',
  ].join('\n')
  test('is found by its first heading, and ends where it ends', () => {
    expect(table(text, 'kind')).toEqual([
      ['`rate`', 'a \\| b'],
      ['`quota`', 'c'],
    ])
  })
  test('may be the last thing in its file', () => {
    expect(table(text, 'code')).toEqual([['`x`', '400']])
  })
})
