import { describe, expect, test } from 'vitest'
import { meanings } from '../../src/core/failure-table.ts'
import { catalogue } from '../../src/core/refusal.ts'
import { read } from '../support/tree.ts'

/** Rows of docs/failures.md that begin with a word in backticks, and have as many cells. */
function rows(cells: number): readonly (readonly string[])[] {
  return read('docs/failures.md')
    .split('\n')
    .filter((line) => /^\| `[^`]+` \|/.test(line))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter((row) => row.length === cells)
}

const word = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '')

describe('docs/failures.md', () => {
  test('says of every failure whom it blames, who may be tried next, and what becomes of the pin', () => {
    const said = Object.fromEntries(rows(6).map(([kind, , blame, another, pin]) => [word(kind), { blame, another, pin }]))
    expect(said).toEqual(meanings)
  })

  test('says of every refusal whether to try again', () => {
    const said = Object.fromEntries(rows(5).map(([code, , again]) => [word(code), again]))
    expect(said).toEqual(Object.fromEntries(Object.entries(catalogue).map(([code, { again }]) => [code, again])))
  })

  test('says what the client sees behind every failure', () => {
    const table = /## What the client sees when everything failed[^]*?\n## /.exec(read('docs/failures.md'))?.[0] ?? ''
    const told = new Set([...table.matchAll(/^\|(.+?)\|/gm)].flatMap(([, cell]) => [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, kind]) => kind)))
    expect(told).toEqual(new Set(Object.keys(meanings)))
  })
})
