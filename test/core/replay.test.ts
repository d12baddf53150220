import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { replay, type Dialogue } from '../../src/core/replay.ts'
import type { Item, Items, Node } from '../../src/core/transcript.ts'
import { accountId } from '../support/accounts.ts'
import { item, listed, node } from '../support/dialogue.ts'

const [a, b] = [accountId('a'), accountId('b')]
const user = (text: string) => item({ type: 'message', role: 'user', content: text })
const said = (text: string) => item({ type: 'message', role: 'assistant', id: `msg_${text}`, content: text })
const sealed = (by: string) => item({ type: 'reasoning', id: `rs_${by}`, encrypted_content: by }, { is: 'reasoning', sealed: `hash of ${by}` })
const bare = item({ type: 'reasoning', id: 'rs_bare', summary: [] }, { is: 'reasoning' })
const summary = (by: string) => item({ type: 'compaction', id: `cmp_${by}`, encrypted_content: by }, { is: 'compaction', sealed: `hash of ${by}` })
const call = item({ type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'f', arguments: '{}' })
const result = item({ type: 'function_call_output', call_id: 'call_1', output: '42' })
const reference = item({ type: 'item_reference', id: 'msg_0' }, { is: 'reference' })

type Asked = Partial<Omit<Dialogue, 'own'>> & { readonly own?: readonly Item[] }
const asked = ({ own = [], ...differing }: Asked): Dialogue => ({
  chain: [],
  own: listed(...own),
  account: b,
  sealedBy: () => null,
  unknownSealed: 'try',
  ...differing,
})
/** What is said, as text; `-` before what is said without its id. */
function saidTo(differing: Asked): readonly string[] | string {
  const replayed = replay(asked(differing))
  if (replayed.kind === 'cannot') return replayed.why
  return replayed.items.map(({ item, without }) => `${without === 'id' ? '-' : ''}${textOf(item)}`)
}
function textOf({ json }: Item): string {
  const { type, role, content, id, call_id } = JSON.parse(json.toString()) as Record<string, string>
  return role === undefined ? `${type} ${id ?? call_id}` : `${role}: ${content}`
}
const unreadable: Items = { bytes: 1, apart: () => null }
const known = (by: Readonly<Record<string, string>>) => (hash: string) => (by[hash] === undefined ? null : accountId(by[hash]))

describe('a dialogue that is said again to the account that gave all its answers', () => {
  const chain = [
    node('r1', { input: [user('hi')], output: [sealed('a'), said('one'), call] }),
    node('r2', { parent: 'r1', input: [result], output: [said('two')], stored: false }),
  ]

  // E4
  test('is said as it was received, in order, its ids included', () => {
    expect(saidTo({ chain, own: [user('go on')], account: a })).toEqual([
      'user: hi',
      'reasoning rs_a',
      'assistant: one',
      'function_call fc_1',
      'function_call_output call_1',
      'assistant: two',
      'user: go on',
    ])
  })

  test('is said with its reasoning, though nobody remembers who sealed it', () => {
    expect(saidTo({ chain, account: a, unknownSealed: 'drop' })).toContain('reasoning rs_a')
  })
})

describe('a dialogue that moves', () => {
  const chain = [
    node('r1', { input: [user('hi')], output: [sealed('a'), said('one'), call] }),
    node('r2', { parent: 'r1', input: [result], output: [sealed('b'), said('two')], owner: b }),
  ]

  // E1 E9
  test('leaves behind what others sealed, and all ids with it; no call is parted from its output', () => {
    expect(saidTo({ chain, own: [user('go on'), item({ role: 'user', id: 'msg_own', content: 'x' })] })).toEqual([
      'user: hi',
      '-assistant: one',
      '-function_call fc_1',
      'function_call_output call_1',
      '-reasoning rs_b',
      '-assistant: two',
      'user: go on',
      '-user: x',
    ])
  })

  test('leaves its ids behind where nothing was sealed, too', () => {
    expect(saidTo({ chain: [node('r1', { output: [said('one')] })] })).toEqual(['-assistant: one'])
  })

  test('leaves the ids of the question behind, even where the other account has said nothing', () => {
    expect(saidTo({ chain: [node('r1')], own: [said('x')] })).toEqual(['-assistant: x'])
  })

  test('whose beginning is not kept cannot be said', () => {
    expect(saidTo({ chain: [node('r2', { parent: 'r1' })] })).toBe('the beginning of the dialogue is not kept')
  })
})

describe('sealed reasoning that a client says itself', () => {
  const own = [user('hi'), sealed('x'), said('one')]

  // E9
  test('is left behind, and all ids with it, where another account is known to have sealed it', () => {
    expect(saidTo({ own, sealedBy: known({ 'hash of x': 'a' }) })).toEqual(['user: hi', '-assistant: one'])
    const chain = [node('r1', { input: own, owner: b })]
    expect(saidTo({ chain, sealedBy: known({ 'hash of x': 'a' }) })).toEqual(['user: hi', '-assistant: one'])
  })

  test('is said where this account sealed it', () => {
    expect(saidTo({ own, sealedBy: known({ 'hash of x': 'b' }), unknownSealed: 'drop' })).toEqual(['user: hi', 'reasoning rs_x', 'assistant: one'])
  })

  test('is tried where nobody knows who sealed it, and the account may refuse it', () => {
    expect(saidTo({ own })).toEqual(['user: hi', 'reasoning rs_x', 'assistant: one'])
    expect(replay(asked({ own }))).toMatchObject({ triesUnknown: true })
    expect(replay(asked({ own, sealedBy: known({ 'hash of x': 'b' }) }))).toMatchObject({ triesUnknown: false })
    expect(replay(asked({ own, unknownSealed: 'drop' }))).toMatchObject({ triesUnknown: false })
  })

  test('stays behind where nobody knows, once the account has refused it', () => {
    expect(saidTo({ own, unknownSealed: 'drop' })).toEqual(['user: hi', '-assistant: one'])
  })
})

test('a dialogue of which a part cannot be read is not said', () => {
  const whole = node('r1', { input: [user('hi')], output: [said('one')] })
  const why = 'a part of the dialogue cannot be read'
  expect(replay(asked({ chain: [{ ...whole, input: unreadable }] }))).toEqual({ kind: 'cannot', why })
  expect(replay(asked({ chain: [{ ...whole, output: unreadable }] }))).toEqual({ kind: 'cannot', why })
  expect(replay({ ...asked({ chain: [whole] }), own: unreadable })).toEqual({ kind: 'cannot', why })
})

describe('reasoning in which nothing is sealed', () => {
  const chain = (differing: Partial<Pick<Node, 'owner' | 'stored'>>) => [node('r1', { output: [bare, said('one')], ...differing, parent: null })]

  test('is said to the account that keeps it', () => {
    expect(saidTo({ chain: chain({ owner: b }) })).toEqual(['reasoning rs_bare', 'assistant: one'])
  })

  test.each([
    ['to another account', { owner: a }],
    ['to an account that did not keep it', { owner: b, stored: false }],
  ])('is not said %s, and ids go with it', (_title, differing) => {
    expect(saidTo({ chain: chain(differing) })).toEqual(['-assistant: one'])
  })

  test('stays behind where ids do, for it is nothing without its own', () => {
    expect(saidTo({ chain: chain({ owner: b }), own: [sealed('x')], sealedBy: known({ 'hash of x': 'a' }) })).toEqual(['-assistant: one'])
  })

  test('of the question itself is said where all that it builds on is kept', () => {
    expect(saidTo({ own: [bare] })).toEqual(['reasoning rs_bare'])
    expect(saidTo({ chain: [node('r1', { owner: b })], own: [bare] })).toEqual(['reasoning rs_bare'])
    expect(saidTo({ chain: [node('r1', { owner: b, stored: false })], own: [bare] })).toEqual([])
    expect(saidTo({ chain: [node('r1')], own: [bare] })).toEqual([])
  })
})

describe('a compaction item', () => {
  const chain = [
    node('r1', { input: [user('one')], output: [said('one')] }),
    node('r2', { parent: 'r1', input: [user('two')], output: [said('early'), summary('a'), said('two')] }),
    node('r3', { parent: 'r2', input: [user('three')], output: [said('three')] }),
  ]

  test('of an answer stands for all before it, to the account that sealed it', () => {
    const after = ['compaction cmp_a', 'assistant: two', 'user: three', 'assistant: three']
    expect(saidTo({ chain, account: a })).toEqual(after)
    expect(saidTo({ chain: chain.slice(1), account: a })).toEqual(after)
  })

  test('of an answer is left out for another account, and the whole dialogue is said', () => {
    const whole = ['user: one', '-assistant: one', 'user: two', '-assistant: early', '-assistant: two', 'user: three', '-assistant: three']
    expect(saidTo({ chain })).toEqual(whole)
    expect(saidTo({ chain: chain.slice(1) })).toBe('the beginning of the dialogue is not kept')
  })

  test('counts if it is the last that the account sealed, whatever others sealed later', () => {
    const later = [...chain, node('r4', { parent: 'r3', owner: b, output: [summary('b'), said('four')] })]
    expect(saidTo({ chain: later, account: a })).toEqual(['-compaction cmp_a', '-assistant: two', 'user: three', '-assistant: three', '-assistant: four'])
    expect(saidTo({ chain: later, account: b })).toEqual(['compaction cmp_b', 'assistant: four'])
  })

  test('of the same answer counts if it is the last', () => {
    expect(saidTo({ chain: [node('r1', { owner: b, output: [summary('x'), said('one'), summary('y'), said('two')] })] })).toEqual([
      'compaction cmp_y',
      'assistant: two',
    ])
  })

  test.each<[title: string, dialogue: Asked]>([
    ['of the question', { own: [summary('x')] }],
    ['of an earlier question', { chain: [node('r1', { owner: b, input: [summary('x')] })] }],
  ])('%s that another account sealed cannot be said', (_title, dialogue) => {
    expect(saidTo({ ...dialogue, sealedBy: known({ 'hash of x': 'a' }) })).toBe('it builds on a summary that another account sealed')
    expect(saidTo({ ...dialogue, sealedBy: known({ 'hash of x': 'b' }) })).toEqual(['compaction cmp_x'])
    expect(saidTo({ ...dialogue, unknownSealed: 'drop' })).toEqual(['compaction cmp_x'])
  })

  test('of an earlier question does no harm where a later one stands for it', () => {
    const chain = [node('r1', { input: [summary('x')], owner: a }), node('r2', { parent: 'r1', owner: b, output: [summary('b')] })]
    expect(saidTo({ chain, sealedBy: known({ 'hash of x': 'a' }) })).toEqual(['compaction cmp_b'])
  })
})

describe('a reference', () => {
  test.each<[title: string, dialogue: Partial<Dialogue>, outcome: readonly string[] | string]>([
    ['is said where the account keeps every answer', { chain: [node('r1', { owner: b })] }, ['item_reference msg_0']],
    ['is said where the question builds on nothing', {}, ['item_reference msg_0']],
    ['cannot be said to another account', { chain: [node('r1', { owner: a })] }, 'it refers to an item that the account does not keep'],
    [
      'cannot be said where one answer was not kept',
      { chain: [node('r1', { owner: b }), node('r2', { parent: 'r1', owner: b, stored: false })] },
      'it refers to an item that the account does not keep',
    ],
  ])('%s', (_title, dialogue, outcome) => {
    expect(saidTo({ ...dialogue, own: [reference] })).toEqual(outcome)
  })

  test('keeps its id where others lose theirs', () => {
    expect(saidTo({ own: [reference, sealed('x'), said('one')], unknownSealed: 'drop' })).toEqual(['item_reference msg_0', '-assistant: one'])
  })

  test('of an earlier question that is not said again does no harm', () => {
    const chain = [node('r1', { input: [reference], owner: a }), node('r2', { parent: 'r1', owner: b, output: [summary('b')] })]
    expect(saidTo({ chain })).toEqual(['compaction cmp_b'])
  })
})

test('a dialogue of very many answers and items is weighed in one walk', () => {
  const chain = Array.from({ length: 5000 }, (_, at) => node(`r${at}`, { parent: at === 0 ? null : `r${at - 1}`, owner: b }))
  expect(saidTo({ chain, own: Array.from({ length: 20_000 }, () => bare) })).toHaveLength(20_000)
})

describe('whatever accounts a dialogue moved through', () => {
  const accounts = ['a', 'b', 'c'].map(accountId)
  const anAccount = fc.constantFrom(...accounts)
  let serial = 0
  const other = fc.constantFrom('user', 'assistant').map((role) => item({ role, id: `msg_${serial++}`, content: 'x' }))
  const aSeal = fc.nat(9).map((n) => ({ type: 'reasoning', id: `rs_${serial++}`, encrypted_content: `${n}` }))
  const aReasoning = aSeal.map((json) => item(json, { is: 'reasoning', sealed: json.encrypted_content }))
  const aBare = fc.constant(null).map(() => item({ type: 'reasoning', id: `rs_${serial++}` }, { is: 'reasoning' }))
  const aCall = fc.constant(null).map(() => {
    const call_id = `call_${serial++}`
    return [item({ type: 'function_call', id: `fc_${call_id}`, call_id }), item({ type: 'function_call_output', call_id, output: 'x' })] as const
  })
  const answer = fc.record({
    input: fc.array(fc.oneof(other, aReasoning), { maxLength: 3 }),
    output: fc.array(fc.oneof({ weight: 3, arbitrary: other }, { weight: 2, arbitrary: aReasoning }, { weight: 1, arbitrary: aBare }), { maxLength: 4 }),
    owner: anAccount,
    stored: fc.boolean(),
    calls: fc.array(aCall, { maxLength: 2 }),
  })

  /** Calls stand in one answer, and their outputs in the question after it. */
  function dialogueOf(answers: readonly (typeof answer extends fc.Arbitrary<infer T> ? T : never)[]): {
    readonly chain: readonly Node[]
    readonly own: readonly Item[]
  } {
    let due: readonly Item[] = []
    const chain = answers.map(({ input, output, owner, stored, calls }, at) => {
      const made = node(`r${at}`, {
        parent: at === 0 ? null : `r${at - 1}`,
        input: [...due, ...input],
        output: [...output, ...calls.map(([c]) => c)],
        owner,
        stored,
      })
      due = calls.map(([, r]) => r)
      return made
    })
    return { chain, own: due }
  }
  const callId = ({ json }: Item) => (JSON.parse(json.toString()) as { call_id?: string }).call_id

  // E1 E9
  test('what is said is the dialogue that the client had, less what means nothing to the account', () => {
    fc.assert(
      fc.property(
        fc.array(answer, { maxLength: 6 }),
        anAccount,
        fc.constantFrom('try', 'drop'),
        fc.func(fc.option(anAccount)),
        (answers, account, unknownSealed, sealers) => {
          const { chain, own } = dialogueOf(answers)
          const sealedBy = (hash: string) => sealers(hash)
          const replayed = replay({ chain, own: listed(...own), account, sealedBy, unknownSealed })
          if (replayed.kind === 'cannot') throw new Error(replayed.why)

          const meansNothing = (one: Item, of: Node | null, isOutput: boolean): boolean => {
            if (one.is !== 'reasoning') return false
            if (one.sealed === null) return of === null ? chain.some((n) => n.owner !== account || !n.stored) : of.owner !== account || !of.stored
            const sealer = isOutput && of !== null ? of.owner : sealedBy(one.sealed)
            return sealer === null ? unknownSealed === 'drop' : sealer !== account
          }
          const all = [
            ...chain.flatMap((n) => [
              ...(n.input.apart() ?? []).map((i) => ({ i, gone: meansNothing(i, n, false) })),
              ...(n.output.apart() ?? []).map((i) => ({ i, gone: meansNothing(i, n, true) })),
            ]),
            ...own.map((i) => ({ i, gone: meansNothing(i, null, false) })),
          ]
          const losesIds = all.some(({ gone }) => gone) || chain.some((n) => n.owner !== account)
          const left = all.filter(({ i, gone }) => !gone && !(losesIds && i.is === 'reasoning' && i.sealed === null)).map(({ i }) => i)
          expect(replayed.items.map((s) => s.item)).toEqual(left)
          expect(new Set(replayed.items.filter((s) => s.item.hasId).map((s) => s.without)).size).toBeLessThanOrEqual(1)
          expect(replayed.items.every((s) => s.without === (losesIds && s.item.hasId ? 'id' : 'nothing'))).toBe(true)

          const calls = replayed.items.flatMap((s) => callId(s.item) ?? [])
          const before = all.flatMap(({ i }) => callId(i) ?? [])
          expect(calls).toEqual(before)
        },
      ),
      { numRuns: 400 },
    )
  })
})
