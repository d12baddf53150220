import { describe, expect, test } from 'vitest'
import { bookedTier, servedAbove, tierAsked, type TierAsked } from '../../src/core/tier.ts'

describe('the tier that a request asks for', () => {
  // C2 C7
  test.each<[title: string, value: unknown, asked: TierAsked]>([
    ['"priority" is itself', 'priority', { kind: 'known', tier: 'priority', raw: 'priority' }],
    ['"fast" is another word for priority', 'fast', { kind: 'known', tier: 'priority', raw: 'fast' }],
    ['case and surrounding spaces do not matter', ' Fast ', { kind: 'known', tier: 'priority', raw: ' Fast ' }],
    ['"flex" is itself', 'flex', { kind: 'known', tier: 'flex', raw: 'flex' }],
    ['"ultrafast" is itself', 'ULTRAFAST', { kind: 'known', tier: 'ultrafast', raw: 'ULTRAFAST' }],
    ['another word is unknown', 'turbo', { kind: 'unknown', raw: 'turbo' }],
    ['a word with a known one inside is unknown', 'fast lane', { kind: 'unknown', raw: 'fast lane' }],
    ['"default" is no tier that rules know', 'default', { kind: 'unknown', raw: 'default' }],
    ['an empty word is unknown', '', { kind: 'unknown', raw: '' }],
    ['a number is no word', 1, { kind: 'not-a-word' }],
    ['null is no word', null, { kind: 'not-a-word' }],
    ['an object is no word', { tier: 'fast' }, { kind: 'not-a-word' }],
    ['a list is no word', ['fast'], { kind: 'not-a-word' }],
    ['true is no word', true, { kind: 'not-a-word' }],
    ['an absent member asks for nothing', undefined, { kind: 'nothing' }],
  ])('%s', (_title, value, asked) => {
    expect(tierAsked(value)).toEqual(asked)
  })
})

describe('the tier in the books', () => {
  test.each<[title: string, word: string | null, booked: string | null]>([
    ['fast and priority are one', 'fast', 'priority'],
    ['spelling does not matter', ' Priority', 'priority'],
    ['an unknown word is kept', 'Turbo', 'turbo'],
    ['nothing stays nothing', null, null],
  ])('%s', (_title, word, booked) => {
    expect(bookedTier(word)).toBe(booked)
  })
})

describe('whether a dearer tier was served than sent', () => {
  // C15
  test.each<[title: string, sent: string | null, served: string | null, above: boolean]>([
    ['priority for nothing sent is above', null, 'priority', true],
    ['priority for default is above', 'default', 'fast', true],
    ['ultrafast for priority is above', 'fast', 'ultrafast', true],
    ['default for flex is above', 'flex', 'default', true],
    ['fast for priority is the same', 'priority', 'fast', false],
    ['default for priority is below', 'priority', 'default', false],
    ['default for nothing sent is the same', null, 'default', false],
    ['nothing served is taken for the default', 'flex', null, true],
    ['an unknown word is not compared', 'default', 'turbo', false],
    ['nor is a word that objects have by birth', 'constructor', 'ultrafast', false],
  ])('%s', (_title, sent, served, above) => {
    expect(servedAbove(sent, served)).toBe(above)
  })
})
