import { expect, test } from 'vitest'
import { commentsOf, parse } from '../support/syntax.ts'
import { filesBelow, read } from '../support/tree.ts'

/** Behaviours that must be proved, by letter and number; a range stands for all of its numbers. The rest of the list waits for OAuth refresh. */
const required = [
  ['A', '1-13'],
  ['B', '1-35'],
  ['C', '1-17'],
  ['D', '1-11'],
  ['E', '1-25'],
  ['F', '1-8'],
  ['G', '1-5'],
  ['H', '1-9'],
] as const

/** Behaviours whose promise is the whole gateway's: some scenario over real sockets cites them. */
const endToEnd = [
  ['A', '1-12'],
  ['B', '1-35'],
  ['C', '1-17'],
  ['D', '1-11'],
  ['E', '1-25'],
  ['F', '1-8'],
  ['G', '1-2 4-5'],
  ['H', '1-9'],
] as const

const numbersOf = (list: readonly (readonly [letter: string, ranges: string])[]): readonly string[] =>
  list.flatMap(([letter, ranges]) =>
    ranges.split(' ').flatMap((range) => {
      const [from = 0, to = from] = range.split('-').map(Number)
      return Array.from({ length: to - from + 1 }, (_, index) => `${letter}${from + index}`)
    }),
  )

/** The numbers that stand in comments which hold nothing else, or that a comment begins with. */
function citedIn(file: string, text = read(file)): readonly string[] {
  return commentsOf(parse(file, text)).flatMap(({ text: comment }) => {
    const [, cited = ''] = /^\/\/ (?:Case )?((?:[A-H]\d{1,2}[ ,.:]*)+)/.exec(comment) ?? []
    return cited.match(/[A-H]\d{1,2}/g) ?? []
  })
}

const uncited = (numbers: readonly string[], files: readonly string[]): readonly string[] => {
  const cited = new Set(files.flatMap((file) => citedIn(file)))
  return numbers.filter((number) => !cited.has(number))
}

test('every behaviour that must be proved is cited by a test', () => {
  expect(uncited(numbersOf(required), filesBelow('test'))).toEqual([])
})

test('every behaviour of the whole gateway is cited by a scenario over real sockets', () => {
  expect(uncited(numbersOf(endToEnd), filesBelow('test/scenario'))).toEqual([])
})

test.each([
  ['a number alone', '// B2', ['B2']],
  ['several', '// A5 B19', ['A5', 'B19']],
  ['with a reason', '// B27: the ambiguous one', ['B27']],
  ['none in the middle of a sentence', '// as in B27', []],
  ['none in a title', "test('B2', f)", []],
])('a citation is %s', (_title, text, cited) => {
  expect(citedIn('a.ts', text)).toEqual(cited)
})

test('a range stands for all of its numbers', () => {
  expect(numbersOf([['A', '1-3 7']])).toEqual(['A1', 'A2', 'A3', 'A7'])
})
