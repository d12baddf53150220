import { describe, expect, test } from 'vitest'
import type { Account } from '../../src/core/account.ts'
import { parseMapping, upstreamModel } from '../../src/core/model.ts'
import { defaultRules, type Rule } from '../../src/core/policy.ts'
import { shape, tierSent, type FramePlan } from '../../src/core/shape.ts'
import { tierAsked } from '../../src/core/tier.ts'
import type { Turn } from '../../src/core/turn.ts'
import { account, clientModel, upstreamName } from '../support/accounts.ts'

const turn = (tier: unknown, model = 'alias'): Turn => ({
  endpoint: 'responses',
  model: clientModel(model),
  tier: tierAsked(tier),
  stream: true,
  references: [],
  stored: true,
  leavesTrace: false,
  affinity: null,
  sealed: [],
  isCodex: false,
  reasonsOverTools: false,
  wantsUsage: true,
})

/** What an attempt on this account would send. */
function shapedFor(of: Account, asking: Turn, rules: readonly Rule[] = defaultRules, foreign: readonly number[] = []) {
  const model = upstreamModel(of.mapping, asking.model)
  if (model === null) throw new Error('the account does not serve this model')
  return shape(asking, { account: of, model }, rules, foreign)
}
const mapping = (models: Record<string, string>) => ({ mapping: parseMapping(models, false) })

describe('the model of an attempt', () => {
  // A1 A2 A3 A4
  test('is the one that its own account maps to, whatever other accounts map to', () => {
    const accounts = [account('a', mapping({ alias: 'x' })), account('b', mapping({ alias: 'y' })), account('c')]
    const plans = accounts.map((of) => shapedFor(of, turn(undefined)))
    expect(plans).toMatchObject([{ plan: { model: 'x', renamed: 'x' } }, { plan: { model: 'y', renamed: 'y' } }, { plan: { model: 'alias', renamed: null } }])
  })

  test('is not renamed where the mapping leads to the same name', () => {
    expect(shapedFor(account('a', mapping({ 'gpt-*': 'gpt-*' })), turn(undefined, 'gpt-6'))).toMatchObject({ plan: { model: 'gpt-6', renamed: null } })
  })

  // A5 A7
  test('with the same account, turn and rules gives the same plan', () => {
    const of = account('a', mapping({ alias: 'x' }))
    expect(shapedFor(of, turn('fast'), defaultRules, [1])).toEqual(shapedFor(of, turn('fast'), defaultRules, [1]))
  })
})

describe('the tier of an attempt', () => {
  const rule = (differing: Partial<Rule>): Rule => ({
    tier: 'priority',
    action: 'filter',
    accounts: 'all',
    models: [],
    otherwise: 'pass',
    message: '',
    ...differing,
  })

  // C5
  test('that a rule blocks ends the turn with what the rule says', () => {
    const shaped = shapedFor(account('a'), turn('fast'), [rule({ action: 'block', message: 'Ask Ada.' })])
    expect(shaped).toMatchObject({ kind: 'blocked', refusal: { code: 'policy_violation', message: 'Ask Ada.', param: 'service_tier' } })
  })

  // C11
  test('is judged on the upstream’s name, not on the client’s', () => {
    const rules = [rule({ models: ['gpt-5.5'], action: 'block' })]
    expect(shapedFor(account('a', mapping({ alias: 'gpt-5.5' })), turn('fast'), rules).kind).toBe('blocked')
    expect(shapedFor(account('b', mapping({ 'gpt-5.5': 'other' })), turn('fast', 'gpt-5.5'), rules).kind).toBe('plan')
  })

  // C13
  test('is judged anew for each account', () => {
    const rules = [rule({ accounts: 'oauth' })]
    expect(shapedFor(account('a', { credentialKind: 'oauth' }), turn('fast'), rules)).toMatchObject({ plan: { tier: { kind: 'filter' } } })
    expect(shapedFor(account('b'), turn('fast'), rules)).toMatchObject({ plan: { tier: { kind: 'pass' } } })
  })

  // C1 C3 C6 C15 C17
  test.each<[title: string, of: Account, tier: unknown, rules: readonly Rule[], sent: string | null]>([
    ['a filtered tier is not sent', account('a'), 'fast', defaultRules, null],
    ['a filtered tier is sent as default where the account says so', account('a', { filterTo: 'default' }), 'fast', defaultRules, 'default'],
    ['a tier that passes is sent', account('a', { filterTo: 'default' }), 'flex', defaultRules, 'flex'],
    ['another spelling is sent canonically', account('a'), ' Fast ', [], 'priority'],
    ['an unknown word is sent as it is', account('a'), 'Turbo', defaultRules, 'Turbo'],
    ['what is no word is the default', account('a'), 1, defaultRules, null],
    ['nothing is the default', account('a', { filterTo: 'default' }), undefined, defaultRules, null],
  ])('%s', (_title, of, tier, rules, sent) => {
    const asking = turn(tier)
    const shaped = shapedFor(of, asking, rules)
    expect(shaped.kind === 'plan' && tierSent(shaped.plan, asking)).toBe(sent)
  })
})

test('items that stay behind are those that the attempt was given', () => {
  expect(shape(turn(undefined), { account: account('a'), model: upstreamName('m') }, [], [2, 4])).toMatchObject({ plan: { dropItems: [2, 4] } })
})

test('what becomes of a session’s frame is in the plan as it was decided; a turn over HTTP has none', () => {
  const frame: FramePlan = { to: 'websocket', model: 'written', turnState: 'drop', replay: [], continues: 'dropped' }
  expect(shape(turn(undefined), { account: account('a'), model: upstreamName('m'), frame }, [], [])).toMatchObject({ plan: { frame } })
  expect(shapedFor(account('a'), turn(undefined))).toMatchObject({ plan: { frame: null } })
})
