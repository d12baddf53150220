import { describe, expect, test } from 'vitest'
import { adminToken, gatewayOfThisFile, question, triedBy, type Stage } from '../support/gateway.ts'

const stage = gatewayOfThisFile()

const asking = (tier: unknown, model = 'gpt-5.5') => ({ ...question, model, service_tier: tier })
/** What the upstream receives of a question with this tier: its very bytes, or what has become of the tier. */
const received = async (on: Stage, body: object): Promise<string> => {
  await on.ask(JSON.stringify(body))
  const last = on.sent('a').at(-1)
  if (last === undefined) return 'nothing'
  if (last.body === JSON.stringify(body)) return 'the same bytes'
  const tier = last.fields?.['service_tier']
  expect({ ...last.fields, service_tier: null }).toEqual({ ...body, service_tier: null })
  return tier === undefined ? 'no tier' : JSON.stringify(tier)
}

describe('without rules', () => {
  test.each([
    // C1
    ['priority', 'no tier'],
    // C2
    ['fast', 'no tier'],
    [' Fast ', 'no tier'],
    // C3
    ['flex', 'the same bytes'],
    // C14
    ['ultrafast', 'no tier'],
    ['turbo', 'the same bytes'],
    // C7
    [1, 'the same bytes'],
    [null, 'the same bytes'],
    [{ a: 'priority' }, 'the same bytes'],
    [['priority'], 'the same bytes'],
    [true, 'the same bytes'],
  ])('%j goes out as: %s', async (tier, expected) => {
    const on = await stage({ accounts: { a: {} } })
    expect(await received(on, asking(tier))).toBe(expected)
  })

  // C4
  test('a question without a tier goes out as it is', async () => {
    const on = await stage({ accounts: { a: {} } })
    expect(await received(on, question)).toBe('the same bytes')
  })

  // C8
  test('what was filtered once stays as it is the second time', async () => {
    const on = await stage({ accounts: { a: {} } })
    await on.ask(asking('priority'))
    const [once] = on.sent('a')
    await on.ask(once?.body ?? '')
    expect(on.sent('a')[1]?.body).toBe(once?.body)
  })
})

describe('with rules', () => {
  // C6
  test.each([
    ['gpt-4', 'fast', '"priority"'],
    ['gpt-4', 'priority', 'the same bytes'],
    ['gpt-4', ' Fast ', '"priority"'],
    ['gpt-4', 'turbo', 'the same bytes'],
    ['gpt-5.5', 'fast', 'no tier'],
  ])('that filter one model and pass the others, %s with %j goes out as: %s', async (model, tier, expected) => {
    const on = await stage({ accounts: { a: {} }, rules: [{ tier: 'priority', action: 'filter', models: ['gpt-5.5'], otherwise: 'pass' }] })
    expect(await received(on, asking(tier, model))).toBe(expected)
  })

  test.each([
    // C10
    [
      'the first that matches decides',
      [
        { tier: 'priority', action: 'pass' },
        { tier: 'any', action: 'block' },
      ],
      'priority',
      'the same bytes',
    ],
    // C14
    ['an empty list passes every tier', [], 'ultrafast', 'the same bytes'],
    // C16
    ['"any" filters words that nobody knows', [{ tier: 'any', action: 'filter' }], 'turbo', 'no tier'],
    ['"any" leaves what is no word', [{ tier: 'any', action: 'filter' }], 7, 'the same bytes'],
    // C9
    ['a rule for OAuth accounts leaves others alone', [{ tier: 'priority', action: 'filter', accounts: 'oauth' }], 'priority', 'the same bytes'],
  ])('%s', async (_title, rules, tier, expected) => {
    const on = await stage({ accounts: { a: {} }, rules })
    expect(await received(on, asking(tier))).toBe(expected)
  })

  // C9
  test('a rule for OAuth accounts holds for them', async () => {
    const on = await stage({ accounts: { a: {} }, rules: [{ tier: 'priority', action: 'filter', accounts: 'oauth' }] })
    on.change({ accounts: { a: { credential: { oauth: { access_token: on.credential('a') } } } } })
    expect(await received(on, asking('priority'))).toBe('no tier')
  })

  // C17
  test('an account may say that a filtered tier becomes "default"', async () => {
    const on = await stage({ accounts: { a: { filter_to: 'default' } } })
    expect(await received(on, asking('fast'))).toBe('"default"')
  })

  // C5
  test('a block is a 403 with its message, and nothing goes upstream', async () => {
    const on = await stage({ accounts: { a: {} }, rules: [{ tier: 'priority', action: 'block', models: ['gpt-5.5'], message: 'Ask Ada first.' }] })
    const answer = await on.ask(asking('fast'))
    expect(answer).toMatchObject({
      status: 403,
      json: { error: { type: 'forbidden_error', code: 'policy_violation', message: 'Ask Ada first.' } },
      headers: { 'x-should-retry': 'false' },
    })
    expect(on.sent('a')).toEqual([])
    expect(await on.record(answer)).toMatchObject({ outcome: 'refused', code: 'policy_violation', tier: { requested: 'fast', sent: null, served: null } })
  })

  test('names are those of the upstream, not of the client', async () => {
    const on = await stage({ accounts: { a: { models: { mine: 'gpt-5.5' } } }, rules: [{ tier: 'priority', action: 'block', models: ['gpt-5.5'] }] })
    expect((await on.ask(asking('priority', 'mine'))).status).toBe(403)
  })
})

// C13
describe('after a failover', () => {
  const failing = { plays: { faults: [{ fault: 'server' }] } }

  test('the tier is judged anew: filtered for one account, passed to the next', async () => {
    const on = await stage({
      accounts: { a: { models: { m: 'x' }, ...failing }, b: { models: { m: 'y' } } },
      rules: [{ tier: 'priority', action: 'filter', models: ['x'], otherwise: 'pass' }],
    })
    await on.ask(asking('priority', 'm'))
    expect(on.sent('a')[0]?.fields).not.toHaveProperty('service_tier')
    expect(on.sent('b')[0]?.fields).toMatchObject({ service_tier: 'priority' })
  })

  test('a block on the next account ends the turn there, and no third is tried', async () => {
    const on = await stage({
      accounts: { a: { models: { m: 'x' }, ...failing }, b: { models: { m: 'y' } }, c: {} },
      rules: [{ tier: 'priority', action: 'block', models: ['y'], otherwise: 'pass' }],
    })
    const answer = await on.ask(asking('priority', 'm'))
    expect(answer).toMatchObject({ status: 403, json: { error: { code: 'policy_violation' } } })
    expect([on.sent('b'), on.sent('c')]).toEqual([[], []])
    expect(triedBy(await on.record(answer))).toEqual(['a', 'b'])
  })
})

// C15
describe('the record says which tier was requested, sent, served and billed', () => {
  test.each([
    ['fast', [], { requested: 'fast', sent: 'priority', served: 'priority', billed: 'priority' }],
    ['fast', undefined, { requested: 'fast', sent: null, served: 'default', billed: 'default' }],
    ['flex', [], { requested: 'flex', sent: 'flex', served: 'flex', billed: 'flex' }],
  ])('of %s under rules %j', async (tier, rules, expected) => {
    const on = await stage({ accounts: { a: { plays: { tier: 'echo' } } }, ...(rules === undefined ? {} : { rules }) })
    expect((await on.record(await on.ask(asking(tier)))).tier).toEqual(expected)
  })

  test('and a tier served above the one sent is counted', async () => {
    const on = await stage({ accounts: { a: { plays: { tier: 'priority' } } } })
    const counted = () => on.metric('turnout_tier_served_above_total{account="a"}')
    const before = await counted()
    const answer = await on.ask(asking('fast'))
    expect((await on.record(answer)).tier).toEqual({ requested: 'fast', sent: null, served: 'priority', billed: 'priority' })
    expect(await counted()).toBe(before + 1)
  })
})

// C14
describe('rules through the admin API', () => {
  const path = '/admin/api/rules'
  const put = (on: Stage, ifMatch: string | null) =>
    on.ask({ rules: [{ tier: 'flex', action: 'filter' }] }, { path, method: 'PUT', key: adminToken, headers: ifMatch === null ? {} : { 'if-match': ifMatch } })
  const etag = async (on: Stage) => String((await on.ask(null, { path, key: adminToken })).headers.etag)

  test('need an if-match, hold from the next turn on, and go again', async () => {
    const on = await stage({ accounts: { a: {} } })
    expect((await put(on, null)).status).toBe(428)
    expect((await put(on, '"stale"')).status).toBe(412)
    expect((await put(on, await etag(on))).status).toBe(200)
    expect(await received(on, asking('flex'))).toBe('no tier')
    const gone = await on.ask(null, { path, method: 'DELETE', key: adminToken, headers: { 'if-match': await etag(on) } })
    expect(gone.status).toBe(204)
    expect(await received(on, asking('flex'))).toBe('the same bytes')
  })

  test('cannot be changed while the file has rules', async () => {
    const on = await stage({ accounts: { a: {} }, rules: [] })
    expect(await put(on, await etag(on))).toMatchObject({ status: 409, json: { error: { code: 'provisioned' } } })
  })
})
