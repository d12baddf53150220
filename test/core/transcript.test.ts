import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { overheadBytes, together, Transcript } from '../../src/core/transcript.ts'
import { item, listed, node, responseId } from '../support/dialogue.ts'

const ids = (nodes: readonly { readonly id: string }[] | null) => nodes?.map(({ id }) => id) ?? null
const filled = (bytesMax: number, ...nodes: Parameters<Transcript['add']>[0][]) => {
  const transcript = new Transcript(bytesMax)
  for (const one of nodes) transcript.add(one)
  return transcript
}
/** What a node without items takes whose id has one letter, as has its parent's. */
const bare = overheadBytes + 2
const withParent = bare + 2
/** Takes more than two bare nodes, with the node that it is in. */
const large = item(`"${'x'.repeat(bare)}"`)

describe('a chain', () => {
  // E8
  test('leads from an answer back to where its dialogue began, oldest first', () => {
    const transcript = filled(10_000, node('a'), node('b', { parent: 'a' }), node('c', { parent: 'b' }))
    expect(ids(transcript.chain(responseId('c')))).toEqual(['a', 'b', 'c'])
  })

  // E8
  test('is that of the answer which was named: a regeneration knows nothing of its sister', () => {
    const transcript = filled(10_000, node('a'), node('b', { parent: 'a' }), node('b2', { parent: 'a' }), node('c2', { parent: 'b2' }), node('other'))
    expect(ids(transcript.chain(responseId('b')))).toEqual(['a', 'b'])
    expect(ids(transcript.chain(responseId('c2')))).toEqual(['a', 'b2', 'c2'])
    expect(ids(transcript.chain(responseId('other')))).toEqual(['other'])
  })

  test('of an answer that is not known is none', () => {
    expect(filled(10_000, node('a')).chain(responseId('b'))).toBeNull()
  })

  // E8
  test('that lacks one of its answers is none', () => {
    expect(filled(10_000, node('b', { parent: 'a' }), node('c', { parent: 'b' })).chain(responseId('c'))).toBeNull()
  })

  test('that leads in a circle is none', () => {
    expect(filled(10_000, node('a', { parent: 'b' }), node('b', { parent: 'a' })).chain(responseId('a'))).toBeNull()
    expect(filled(10_000, node('a', { parent: 'a' })).chain(responseId('a'))).toBeNull()
  })

  test('may be as long as there are answers', () => {
    const nodes = Array.from({ length: 2000 }, (_, at) => node(`r${at}`, { parent: at === 0 ? null : `r${at - 1}` }))
    expect(filled(10_000_000, ...nodes).chain(responseId('r1999'))).toHaveLength(2000)
  })
})

test('items of several places are one list, unless one of them cannot be read', () => {
  const [one, two] = [item('1'), item('22')]
  const all = together([listed(one), listed(), listed(two)])
  expect([all.apart(), all.bytes]).toEqual([[one, two], 3])
  expect(together([listed(one), { bytes: 1, apart: () => null }]).apart()).toBeNull()
  expect(together([]).apart()).toEqual([])
})

describe('what is kept', () => {
  test('is found by its id', () => {
    const a = node('a')
    const transcript = filled(10_000, a)
    expect(transcript.find(responseId('a'))).toBe(a)
    expect(transcript.find(responseId('b'))).toBeNull()
  })

  test('counts its JSON, its ids and what each answer costs beside', () => {
    const said = [item('"12345678"'), item('{}')]
    expect(filled(10_000, node('a', { parent: 'p', input: said, output: said })).bytes).toBe(withParent + 24)
  })

  test('replaces what had the same id', () => {
    const transcript = filled(10_000, node('a', { input: [item('1')] }), node('a'))
    expect(transcript.find(responseId('a'))?.input.apart()).toEqual([])
    expect(transcript.bytes).toBe(bare)
  })

  // E8
  test('fills the bound, and one byte more takes the oldest out', () => {
    const [a, b, c] = [node('a', { output: [item('1')] }), node('b'), node('c')]
    const bytes = 3 * bare + 1
    expect(filled(bytes, a, b, c).find(responseId('a'))).not.toBeNull()
    const over = filled(bytes - 1, a, b, c)
    expect(ids([over.find(responseId('b')), over.find(responseId('c'))].filter((kept) => kept !== null))).toEqual(['b', 'c'])
    expect(over.find(responseId('a'))).toBeNull()
    expect(over.bytes).toBe(2 * bare)
  })

  test('goes by when it was added: what was added again is the newest', () => {
    const transcript = filled(2 * bare, node('a'), node('b'), node('a'), node('c'))
    expect([transcript.find(responseId('a')), transcript.find(responseId('b'))]).toEqual([node('a'), null])
  })

  test('does not make place for what is larger than the bound', () => {
    const transcript = filled(2 * bare, node('a'), node('b', { input: [large] }))
    expect([transcript.find(responseId('a')), transcript.find(responseId('b'))]).toEqual([node('a'), null])
    expect(transcript.bytes).toBe(bare)
  })

  test('does not stay when what takes its id is larger than the bound', () => {
    const transcript = filled(2 * bare, node('a'), node('a', { input: [large] }))
    expect(transcript.find(responseId('a'))).toBeNull()
    expect(transcript.bytes).toBe(0)
  })

  test('is gone after a clearing', () => {
    const transcript = filled(10_000, node('a'))
    transcript.clear()
    expect([transcript.find(responseId('a')), transcript.bytes]).toEqual([null, 0])
  })
})

test('a dialogue is whole exactly where its chain is found, whatever was asked, added and dropped before', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
  const added = fc.record({ kind: fc.constant('add' as const), id: name, parent: fc.option(name) })
  const asked = fc.record({ kind: fc.constant('ask' as const), id: name })
  const cleared = fc.constant({ kind: 'clear' as const })
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 5, arbitrary: added }, { weight: 5, arbitrary: asked }, { weight: 1, arbitrary: cleared }), { maxLength: 60 }),
      (steps) => {
        const transcript = new Transcript(4 * withParent)
        for (const step of steps) {
          if (step.kind === 'add') transcript.add(node(step.id, { parent: step.parent }))
          else if (step.kind === 'clear') transcript.clear()
          else expect(transcript.isWhole(responseId(step.id))).toBe(transcript.chain(responseId(step.id)) !== null)
        }
      },
    ),
    { numRuns: 2000 },
  )
})
