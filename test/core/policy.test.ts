import { describe, expect, test } from 'vitest'
import type { CredentialKind } from '../../src/core/account.ts'
import { defaultBlockMessage, defaultRules, judgeTier, type Rule, type Verdict } from '../../src/core/policy.ts'
import { tierAsked } from '../../src/core/tier.ts'
import { upstreamName } from '../support/accounts.ts'

const filter = (differing: Partial<Rule> = {}): Rule => ({
  tier: 'priority',
  action: 'filter',
  accounts: 'all',
  models: [],
  otherwise: 'pass',
  message: '',
  ...differing,
})

interface Asking {
  readonly rules?: readonly Rule[]
  readonly model?: string
  readonly account?: CredentialKind
  readonly tier: unknown
}

const judge = ({ rules = defaultRules, model = 'gpt-5.5', account = 'api_key', tier }: Asking): Verdict =>
  judgeTier(rules, account, upstreamName(model), tierAsked(tier))

const untouched = (rule: number | null = null): Verdict => ({ kind: 'pass', rule, canonical: null })
const filtered = (rule: number): Verdict => ({ kind: 'filter', rule })

describe('without rules of the operator', () => {
  // C1 C2 C3 C4 C14
  test.each<[title: string, tier: unknown, verdict: Verdict]>([
    ['priority is filtered', 'priority', filtered(0)],
    ['so is fast', 'fast', filtered(0)],
    ['in any spelling', ' Fast ', filtered(0)],
    ['ultrafast is filtered', 'ultrafast', filtered(1)],
    ['flex passes', 'flex', untouched()],
    ['an unknown word passes', 'turbo', untouched()],
    ['no tier passes', undefined, untouched()],
  ])('%s', (_title, tier, verdict) => {
    expect(judge({ tier })).toEqual(verdict)
  })
})

describe('without any rule', () => {
  // C14
  test.each(['priority', 'flex', 'ultrafast', 'turbo'])('%s passes untouched', (tier) => {
    expect(judge({ rules: [], tier })).toEqual(untouched())
  })

  test('a known word in another spelling passes in its canonical form', () => {
    expect(judge({ rules: [], tier: ' FLEX ' })).toEqual({ kind: 'pass', rule: null, canonical: 'flex' })
    expect(judge({ rules: [], tier: 'fast' })).toEqual({ kind: 'pass', rule: null, canonical: 'priority' })
  })
})

describe('what is no word is not ours to judge', () => {
  // C7
  const strict = [filter({ tier: 'any', action: 'block' })]
  test.each([1, null, {}, ['priority'], true])('%j passes untouched, even where every tier is blocked', (tier) => {
    expect(judge({ rules: strict, tier })).toEqual(untouched())
  })
})

describe('a rule for some models', () => {
  // C6
  const rules = [filter({ models: ['gpt-5.5', 'o9-*'] })]
  test.each<[title: string, model: string, tier: string, verdict: Verdict]>([
    ['filters a model of its list', 'gpt-5.5', 'priority', filtered(0)],
    ['filters a model that begins as its list says', 'o9-mini', 'fast', filtered(0)],
    ['a model that only begins like an exact name is outside', 'gpt-5.5-mini', 'priority', untouched(0)],
    ['outside the list another spelling becomes canonical', 'gpt-4', 'fast', { kind: 'pass', rule: 0, canonical: 'priority' }],
    ['outside the list the canonical word keeps its bytes', 'gpt-4', 'priority', untouched(0)],
    ['outside the list case and spaces become canonical', 'gpt-4', ' Fast ', { kind: 'pass', rule: 0, canonical: 'priority' }],
    ['outside the list an unknown word keeps its bytes', 'gpt-4', 'turbo', untouched()],
  ])('%s', (_title, model, tier, verdict) => {
    expect(judge({ rules, model, tier })).toEqual(verdict)
  })

  test('says itself what becomes of models outside its list', () => {
    const strict = [filter({ models: ['gpt-5.5'], action: 'pass', otherwise: 'block', message: 'Only gpt-5.5 may be fast.' })]
    expect(judge({ rules: strict, model: 'gpt-5.5', tier: 'priority' })).toEqual(untouched(0))
    expect(judge({ rules: strict, model: 'gpt-4', tier: 'priority' })).toEqual({ kind: 'block', rule: 0, message: 'Only gpt-5.5 may be fast.' })
  })

  test('with an empty list is for every model', () => {
    expect(judge({ rules: [filter({ otherwise: 'block' })], model: 'whatever', tier: 'priority' })).toEqual(filtered(0))
  })
})

describe('a rule for some accounts', () => {
  // C9
  const rules = [filter({ accounts: 'oauth' })]
  test('filters on accounts of that kind', () => expect(judge({ rules, account: 'oauth', tier: 'priority' })).toEqual(filtered(0)))
  test('does not match on others', () => expect(judge({ rules, account: 'api_key', tier: 'priority' })).toEqual(untouched()))
  test('leaves others to the rules behind it', () => {
    const both = [...rules, filter({ action: 'block' })]
    expect(judge({ rules: both, account: 'api_key', tier: 'priority' })).toMatchObject({ kind: 'block', rule: 1 })
  })
})

describe('of several rules', () => {
  // C10
  test('the first that matches decides', () => {
    const rules = [filter({ tier: 'flex', action: 'block' }), filter({ action: 'pass' }), filter({ action: 'block' })]
    expect(judge({ rules, tier: 'priority' })).toEqual(untouched(1))
  })

  test('one whose tier and account match decides for models outside its list too', () => {
    const rules = [filter({ models: ['gpt-4'] }), filter({ action: 'block' })]
    expect(judge({ rules, model: 'gpt-5.5', tier: 'priority' })).toEqual(untouched(0))
  })
})

describe('a rule for any tier', () => {
  // C16
  const rules = [filter({ tier: 'any' })]
  test.each(['priority', 'flex', 'turbo', 'default', 'auto'])('matches %s', (tier) => {
    expect(judge({ rules, tier })).toEqual(filtered(0))
  })

  test.each(['', '  '])('does not match the empty word %j', (tier) => {
    expect(judge({ rules, tier })).toEqual(untouched())
  })

  test('that passes leaves an unknown word as it is and makes a known one canonical', () => {
    const pass = [filter({ tier: 'any', action: 'pass' })]
    expect(judge({ rules: pass, tier: ' Turbo ' })).toEqual(untouched(0))
    expect(judge({ rules: pass, tier: ' Fast ' })).toEqual({ kind: 'pass', rule: 0, canonical: 'priority' })
  })
})

describe('a block', () => {
  // C5
  test('tells its message', () => {
    expect(judge({ rules: [filter({ action: 'block', message: 'Ask Ada.' })], tier: 'fast' })).toEqual({ kind: 'block', rule: 0, message: 'Ask Ada.' })
  })

  test('without a message of its own says that the tier is not allowed', () => {
    expect(judge({ rules: [filter({ action: 'block' })], tier: 'fast' })).toEqual({ kind: 'block', rule: 0, message: defaultBlockMessage })
    expect(defaultBlockMessage).toBe('This service tier is not allowed here.')
  })
})

// C13
test('the same rules say something else of each account, model by model', () => {
  const rules = [filter({ accounts: 'oauth' }), filter({ models: ['gpt-4'], action: 'block' })]
  const verdicts = (['oauth', 'api_key'] as const).map((account) => judge({ rules, account, model: 'gpt-4', tier: 'priority' }).kind)
  expect(verdicts).toEqual(['filter', 'block'])
  expect(judge({ rules, account: 'api_key', model: 'gpt-5.5', tier: 'priority' }).kind).toBe('pass')
})
