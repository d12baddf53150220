import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clientModels, parseMapping, upstreamModel } from '../../src/core/model.ts'
import { clientModel } from '../support/accounts.ts'

type Models = Readonly<Record<string, string>>
const mapped = (models: Models, name: string, only: 'only-mapped' | 'others-too' = 'others-too') =>
  upstreamModel(parseMapping(models, only === 'only-mapped'), clientModel(name))

describe('the upstream name that a mapping yields', () => {
  // A2 A3 A4
  test.each<[title: string, models: Models, name: string, yields: string]>([
    ['a mapped name becomes what it is mapped to', { fast: 'gpt-5.5' }, 'fast', 'gpt-5.5'],
    ['the same alias becomes another name on an account that maps it elsewhere', { fast: 'gpt-6' }, 'fast', 'gpt-6'],
    ['without a mapping the name stays as the client wrote it', {}, 'fast', 'fast'],
    ['a name that is not mapped stays as it is', { fast: 'gpt-5.5' }, 'slow', 'slow'],
    ['names are compared letter by letter', { fast: 'gpt-5.5' }, 'Fast', 'Fast'],
    ['a mapping is applied once, not to its own result', { a: 'b', b: 'c' }, 'a', 'b'],
    ['a name that objects have by birth is no mapping', { fast: 'gpt-5.5' }, 'constructor', 'constructor'],
  ])('%s', (_title, models, name, yields) => {
    expect(mapped(models, name)).toBe(yields)
  })

  // A13
  test.each<[title: string, models: Models, name: string, yields: string]>([
    ['an exact name beats a wildcard', { 'gpt-*': 'wild', 'gpt-5.5': 'exact' }, 'gpt-5.5', 'exact'],
    ['it does so wherever it stands', { 'gpt-5.5': 'exact', 'gpt-5.5*': 'wild' }, 'gpt-5.5', 'exact'],
    ['the longest prefix wins', { 'gpt-*': 'short', 'gpt-5*': 'long', '*': 'any' }, 'gpt-5.5', 'long'],
    ['a shorter prefix takes what the longer one does not fit', { 'gpt-*': 'short', 'gpt-5*': 'long' }, 'gpt-6', 'short'],
    ['a star on the right is the captured rest', { 'gpt-*': 'vendor/gpt-*' }, 'gpt-6-sol', 'vendor/gpt-6-sol'],
    ['the captured rest may be empty', { 'gpt-*': 'vendor/*' }, 'gpt-', 'vendor/'],
    ['without a star on the right every name becomes that one', { 'gpt-*': 'gpt-5.5' }, 'gpt-6-sol', 'gpt-5.5'],
    ['a star alone takes every name', { '*': 'vendor/*' }, 'o9', 'vendor/o9'],
    ['a star inside a name is a letter like others', { 'a*b': 'c' }, 'a*b', 'c'],
    ['and captures nothing', { 'a*b': 'c' }, 'axb', 'axb'],
  ])('%s', (_title, models, name, yields) => {
    expect(mapped(models, name)).toBe(yields)
  })

  test('an account that serves only what it maps serves no other name', () => {
    expect(mapped({ fast: 'gpt-5.5', 'o9-*': 'o9-*' }, 'fast', 'only-mapped')).toBe('gpt-5.5')
    expect(mapped({ fast: 'gpt-5.5', 'o9-*': 'o9-*' }, 'o9-mini', 'only-mapped')).toBe('o9-mini')
    expect(mapped({ fast: 'gpt-5.5', 'o9-*': 'o9-*' }, 'gpt-5.5', 'only-mapped')).toBeNull()
    expect(mapped({}, 'gpt-5.5', 'only-mapped')).toBeNull()
  })
})

describe('the client names under which an account serves', () => {
  const names = (models: Models, listed: readonly string[], only: 'only-mapped' | 'others-too' = 'others-too') =>
    clientModels(parseMapping(models, only === 'only-mapped'), listed)

  test.each<[title: string, models: Models, listed: string[], names: string[]]>([
    ['exact names are there before the upstream has listed anything', { b: 'gpt-5.5', a: 'gpt-6' }, [], ['a', 'b']],
    ['an account without a mapping shows what its upstream lists, sorted', {}, ['o9', 'gpt-6'], ['gpt-6', 'o9']],
    ['a wildcard shows what is listed under the name that leads there', { 'my-*': 'gpt-*' }, ['gpt-6'], ['gpt-6', 'my-6']],
    ['a listed name that is mapped to another one is not served under itself', { 'gpt-5': 'gpt-6' }, ['gpt-5', 'gpt-6'], ['gpt-5', 'gpt-6']],
    ['a name that the wildcard would lead elsewhere is not shown', { '*': 'vendor/*' }, ['vendor/a', 'b'], ['a']],
    ['a wildcard that captures nothing names no client model of its own', { 'gpt-*': 'gpt-5.5' }, ['gpt-5.5', 'o9'], ['gpt-5.5', 'o9']],
    ['a more specific wildcard hides what a general one would yield', { 'a-*': 'x-*', 'a-b*': 'y-*' }, ['x-b1'], ['x-b1']],
    ['each name stands once', { 'gpt-6': 'gpt-6', 'gpt-*': 'gpt-*' }, ['gpt-6'], ['gpt-6']],
  ])('%s', (_title, models, listed, expected) => {
    expect(names(models, listed)).toEqual(expected)
  })

  test('an account that serves only what it maps shows nothing else', () => {
    expect(names({ fast: 'gpt-5.5', 'my-*': 'gpt-*' }, ['gpt-6', 'o9'], 'only-mapped')).toEqual(['fast', 'my-6'])
  })

  test('every name shown, asked for, becomes a name that is listed or mapped to', () => {
    const word = fc.stringMatching(/^[ab]{0,3}\*?$/)
    fc.assert(
      fc.property(fc.dictionary(word, word), fc.array(fc.stringMatching(/^[ab]{1,4}$/)), fc.boolean(), (models, listed, onlyMapped) => {
        const mapping = parseMapping(models, onlyMapped)
        const known = new Set([...listed, ...mapping.exact.values()])
        for (const name of clientModels(mapping, listed)) expect(known).toContain(upstreamModel(mapping, name))
      }),
    )
  })
})
