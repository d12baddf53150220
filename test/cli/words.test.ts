import { describe, expect, test } from 'vitest'
import type { AccountShape, AttemptShape, TurnShape } from '../../src/admin/contract.ts'
import { attemptText, turnText } from '../../src/cli/words.ts'

const uncoloured = { paint: (_colour: string, text: string) => text }

function attempt(more: Partial<AttemptShape> = {}): AttemptShape {
  return {
    account: 'main',
    upstream_model: 'gpt-5.5',
    transport: 'http',
    outcome: 'failed',
    failure: 'quota',
    status: 429,
    code: 'usage_limit_reached',
    started_at: '2026-11-21T12:00:00.000Z',
    duration_ms: 3,
    because: 'priority 1, the only one ready',
    not_chosen: [],
    price: null,
    ...more,
  }
}

function turn(more: Partial<TurnShape> = {}): TurnShape {
  return {
    id: 'turn-1',
    key: 'laptop',
    endpoint: 'responses',
    transport: 'http',
    model: 'fast-model',
    status: 'settled',
    outcome: 'completed',
    code: null,
    started_at: '2026-11-21T12:00:00.000Z',
    first_output_ms: 412,
    duration_ms: 3120,
    tier: { requested: 'fast', sent: null, served: 'default', billed: 'default' },
    usage: { input_tokens: 1200, cached_tokens: 1000, cache_write_tokens: 0, long_cache_write_tokens: 0, output_tokens: 88, reasoning_tokens: 20 },
    charge_nano_usd: '4140000',
    charge_estimated_nano_usd: null,
    charge_notional_nano_usd: null,
    attempts: [],
    ...more,
  }
}

function account(name: string, health: AccountShape['health'], more: Partial<AccountShape> = {}): AccountShape {
  return {
    name,
    upstream: 'openai',
    dialects: ['responses'],
    enabled: true,
    provisioned: true,
    health,
    pairs: [],
    leases: 0,
    windows: [],
    last_failures: [],
    ...more,
  }
}
const ready = { state: 'ready', until: null, why: null } as const
const cooling = { state: 'cooling', until: '2026-11-21T12:10:00.000Z', why: 'quota 429 usage_limit_reached' } as const

describe('an attempt in words', () => {
  const cases: readonly (readonly [Partial<AttemptShape>, string])[] = [
    [{}, 'main answered 429 usage_limit_reached after 3 ms (quota).'],
    [{ code: null }, 'main answered 429 after 3 ms (quota).'],
    [{ failure: 'overload', status: null, code: 'server_is_overloaded' }, 'main answered server_is_overloaded after 3 ms (overload).'],
    [{ failure: 'network', status: null, code: null }, 'main could not be reached, or broke off, after 3 ms (network).'],
    [{ failure: 'silent', status: null, code: null }, 'main had said nothing after 3 ms (silent).'],
    [{ failure: 'broken-stream', status: null, code: null }, 'main stopped before the end of its answer after 3 ms (broken-stream).'],
    [{ failure: null, status: null, code: null }, 'main failed after 3 ms.'],
    [{ outcome: 'completed', failure: null, status: 200, code: null }, 'main answered with gpt-5.5 in 3 ms.'],
    [
      { outcome: 'incomplete', failure: null, status: 200, code: 'max_output_tokens' },
      'main answered with gpt-5.5 and stopped short after 3 ms: max_output_tokens.',
    ],
    [{ outcome: 'cancelled', failure: null, status: null, code: null }, 'main was called off after 3 ms.'],
    [{ outcome: 'refused', failure: null, status: null, code: 'policy_violation' }, 'main was not asked: policy_violation.'],
  ]
  test.each(cases)('%j', (more, text) => {
    expect(attemptText(attempt(more))).toBe(text)
  })
})

describe('a turn in words', () => {
  test('tells the whole story', () => {
    const told = turn({
      attempts: [
        attempt({
          not_chosen: [
            { account: 'backup', why: 'priority 20' },
            { account: null, why: 'cooling', count: 12 },
          ],
        }),
        attempt({
          account: 'backup',
          outcome: 'completed',
          failure: null,
          status: 200,
          code: null,
          duration_ms: 3100,
          because: 'priority 20, the only one ready',
          price: '5/0.5/5/30',
        }),
      ],
    })
    expect(turnText(told, [account('main', cooling), account('backup', ready)], uncoloured))
      .toBe(`Turn turn-1 completed after 3120 ms, the first output after 412 ms.

  asked   fast-model, responses over http, by the key laptop
  began   2026-11-21 12:00:00Z
  tier    requested fast, sent the upstream's default, served default, billed default
  tokens  1200 in (1000 cached), 88 out (20 of them reasoning)
  cost    0.00414 USD

1. main answered 429 usage_limit_reached after 3 ms (quota).
   chosen: priority 1, the only one ready
   not chosen: backup (priority 20); 12 more (cooling)
   now: cooling until 2026-11-21 12:10:00Z: quota 429 usage_limit_reached
2. backup answered with gpt-5.5 in 3100 ms.
   chosen: priority 20, the only one ready
   priced: 5 in, 0.5 cached, 5 written to the cache, 30 out, in USD per million tokens
`)
  })

  const ends: readonly (readonly [Partial<TurnShape>, string])[] = [
    [{ status: 'open', outcome: null, duration_ms: null, first_output_ms: null }, 'Turn turn-1 is running.'],
    [{ status: 'interrupted', outcome: null, duration_ms: null }, 'Turn turn-1 was interrupted: the gateway ended while it ran.'],
    [{ outcome: 'refused', code: 'no_account_ready', duration_ms: 2, first_output_ms: null }, 'Turn turn-1 was refused with no_account_ready after 2 ms.'],
    [{ outcome: 'cancelled', first_output_ms: null }, 'Turn turn-1 was called off after 3120 ms.'],
    [{ outcome: 'failed', code: 'upstream_timeout' }, 'Turn turn-1 failed with upstream_timeout after 3120 ms, the first output after 412 ms.'],
  ]
  test.each(ends)('%j', (more, text) => {
    expect(turnText(turn(more), [], uncoloured).split('\n')[0]).toBe(text)
  })

  test('says how a failed account stands now, unless it is ready again', () => {
    const told = turn({ attempts: [attempt()] })
    const now = (accounts: readonly AccountShape[]) => /now: (.*)/.exec(turnText(told, accounts, uncoloured))?.[1] ?? null
    expect(now([account('main', ready)])).toBeNull()
    expect(now([account('main', ready, { enabled: false })])).toBe('disabled by the operator')
    expect(now([account('main', { state: 'retired', until: null, why: 'credential 401' })])).toBe('retired: credential 401')
    expect(now([])).toBe('this account is no longer configured')
  })

  const cached = { input_tokens: 1200, cached_tokens: 1000, cache_write_tokens: 150, long_cache_write_tokens: 0, output_tokens: 88, reasoning_tokens: 20 }
  test.each([
    ['what was written to the cache', cached, '1200 in (1000 cached, 150 written to the cache), 88 out (20 of them reasoning)'],
    [
      'and for how long, where that has its own price',
      { ...cached, long_cache_write_tokens: 50 },
      '1200 in (1000 cached, 150 written to the cache, 50 of them for an hour or longer), 88 out (20 of them reasoning)',
    ],
  ])('says of the tokens %s', (_title, usage, text) => {
    expect(turnText(turn({ usage }), [], uncoloured)).toContain(`  tokens  ${text}\n`)
  })

  test('says what an hour in a cache costs, where that is a price of its own', () => {
    const told = turn({ attempts: [attempt({ outcome: 'completed', price: '4/0.2/5+8/20' })] })
    expect(turnText(told, [], uncoloured)).toContain(
      'priced: 4 in, 0.2 cached, 5 written to the cache (8 for an hour or longer), 20 out, in USD per million tokens',
    )
  })

  test('says that usage is unknown, and that no account was tried', () => {
    const text = turnText(turn({ usage: null }), [], uncoloured)
    expect(text).toContain('tokens  unknown')
    expect(text).toContain('No account was tried.')
  })

  const none = { charge_nano_usd: null, charge_estimated_nano_usd: null, charge_notional_nano_usd: null }
  const costs: readonly (readonly [title: string, Partial<TurnShape>, string])[] = [
    ['its price', {}, '0.00414 USD'],
    ['nothing', { charge_nano_usd: '0' }, '0.00 USD'],
    [
      'what is known, and what is thought of the rest',
      { charge_estimated_nano_usd: '2000000' },
      '0.00414 USD, and about 0.002 USD for what nobody told the use of',
    ],
    [
      'an estimate where the use is unknown',
      { ...none, usage: null, charge_estimated_nano_usd: '5' },
      'unknown, since the upstream did not tell the use; about 0.000000005 USD by estimate',
    ],
    ['why a price is unknown', { ...none, attempts: [attempt()] }, 'unknown, since no price is known for gpt-5.5 (see "prices" in docs/configuration.md)'],
    [
      'at which tier a price is unknown',
      { ...none, attempts: [attempt()], tier: { requested: 'fast', sent: 'priority', served: 'fast', billed: 'priority' } },
      'unknown, since no price is known for gpt-5.5 at the tier priority (see "prices" in docs/configuration.md)',
    ],
    [
      'what a subscription covered',
      { charge_nano_usd: '0', charge_notional_nano_usd: '1500000000' },
      '0.00 USD; a subscription covered what would cost 1.50 USD',
    ],
    ['that it was never settled', { ...none, status: 'interrupted', outcome: null, usage: null }, 'unknown: it was not settled'],
  ]
  test.each(costs)('says of the cost: %s', (_title, more, text) => {
    expect(/^ {2}cost {4}(.*)$/m.exec(turnText(turn(more), [], uncoloured))?.[1]).toBe(text)
  })

  test('a model that a client named cannot command the terminal', () => {
    expect(turnText(turn({ model: 'x\u001b[2J\nTurn 2' }), [], uncoloured)).toContain('asked   x?[2J?Turn 2,')
  })
})
