import { describe, expect, test } from 'vitest'
import { guessedInput, guessedOutput, guessedWhole } from '../../src/core/guess.ts'

describe('tokens that nobody counted', () => {
  test.each([
    ['no question is none', 0, 0],
    ['four bytes are one', 4, 1],
    ['a begun one counts', 5, 2],
    ['pictures are not read as text', 64 * 1024 * 1024, 400_000],
  ])('%s', (_title, bytes, tokens) => {
    expect(guessedInput(bytes)).toBe(tokens)
  })

  test.each([
    ['no answer is none', { bytes: 0, events: 0 }, 0],
    ['an event that says a word is one', { bytes: 290, events: 1 }, 1],
    ['a hundred of them are a hundred', { bytes: 29_000, events: 100 }, 100],
    ['a long event is as many as its text', { bytes: 2300, events: 1 }, 500],
  ])('%s', (_title, of, tokens) => {
    expect(guessedOutput(of)).toBe(tokens)
  })

  test.each([
    ['a whole answer is its bytes', 'responses', 4000, 1000],
    ['one on Chat is so too', 'chat', 4001, 1001],
    ['a picture is a picture, however large', 'images', 64 * 1024 * 1024, 1000],
    ['vectors are not written', 'embeddings', 4000, 0],
    ['verdicts are not written', 'moderations', 4000, 0],
  ] as const)('%s', (_title, endpoint, bytes, tokens) => {
    expect(guessedWhole(endpoint, bytes)).toBe(tokens)
  })
})
