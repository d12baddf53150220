import { describe, expect, test } from 'vitest'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import { eventually, type Json } from '../support/client.ts'
import { adminToken, gatewayOfThisFile, question, streamed, triedBy, type Stage } from '../support/gateway.ts'
import { shownOf } from '../support/signed-in.ts'
import { Talk } from '../support/talk.ts'

const stage = gatewayOfThisFile()
const second = 1000
const hour = 3600 * second

/** The windows of a Codex account: so much of each is used up, and begins anew so many seconds from now. */
const windows = (five: readonly [used: number, resetS: number], week: readonly [used: number, resetS: number]) => ({
  'x-codex-primary-used-percent': String(five[0]),
  'x-codex-primary-window-minutes': '300',
  'x-codex-primary-reset-after-seconds': String(five[1]),
  'x-codex-secondary-used-percent': String(week[0]),
  'x-codex-secondary-window-minutes': '10080',
  'x-codex-secondary-reset-after-seconds': String(week[1]),
})
const inMs = (instant: string | null): number => (instant === null ? 0 : Date.parse(instant) - Date.now())

describe('the windows of an account’s quota are shown with their reset', () => {
  test('from the headers of an answer', async () => {
    const on = await stage({ accounts: { a: { plays: { headers: windows([42.5, 7200], [12, 400_000]) } } } })
    await on.ask()
    const { windows: shown } = await shownOf(on, 'a', adminToken)
    expect(shown).toMatchObject([
      { minutes: 300, used_percent: 42.5 },
      { minutes: 10_080, used_percent: 12 },
    ])
    expect(inMs(shown[0]?.resets_at ?? null)).toBeGreaterThan(7190 * second)
    expect(inMs(shown[1]?.resets_at ?? null)).toBeGreaterThan(399_990 * second)
  })

  test('from the limits of requests and tokens a minute, of which the scarcer counts', async () => {
    const headers = {
      'x-ratelimit-limit-requests': '1000',
      'x-ratelimit-remaining-requests': '900',
      'x-ratelimit-reset-requests': '30s',
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': '250',
      'x-ratelimit-reset-tokens': '1m30s',
    }
    const on = await stage({ accounts: { a: { plays: { headers } } } })
    await on.ask(streamed)
    expect((await shownOf(on, 'a', adminToken)).windows).toMatchObject([{ minutes: 1, used_percent: 75 }])
  })

  const told = [
    { minutes: 300, used_percent: 42, resets_at: null },
    { minutes: 10_080, used_percent: 12, resets_at: null },
  ]

  test('from an event of a stream', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'unknown-event' }] } } } })
    await on.ask(streamed)
    await eventually(
      async () => (await shownOf(on, 'a', adminToken)).windows,
      (shown) => shown.length > 0,
    )
    expect((await shownOf(on, 'a', adminToken)).windows).toEqual(told)
  })

  test('from an event of a WebSocket, and from its handshake', async () => {
    const on = await stage({
      accounts: { a: { plays: { faults: [{ fault: 'unknown-event', after: 1, times: 1 }], headers: windows([1, 7200], [2, 400_000]) } } },
    })
    const talk = await Talk.begin(on)
    await talk.say('one')
    expect((await shownOf(on, 'a', adminToken)).windows).toMatchObject([{ used_percent: 1 }, { used_percent: 2 }])
    await talk.say('two')
    // The handshake's are older by now, and are not taken for new again.
    await talk.say('three')
    expect((await shownOf(on, 'a', adminToken)).windows).toEqual(told)
  })

  test('from a refusal', async () => {
    const fault: FaultSpec = { fault: 'quota', resetsInSeconds: null, headers: windows([100, 7200], [12, 400_000]) }
    const on = await stage({ accounts: { a: { plays: { faults: [fault] } }, b: {} } })
    await on.ask()
    expect((await shownOf(on, 'a', adminToken)).windows[0]).toMatchObject({ minutes: 300, used_percent: 100 })
  })
})

test('so are those that an error event of a WebSocket names', async () => {
  const fault: FaultSpec = { fault: 'rate', headers: windows([77, 7200], [12, 400_000]) }
  const on = await stage({ accounts: { a: { plays: { faults: [fault] } }, b: {} } })
  await (await Talk.begin(on)).say('one')
  expect((await shownOf(on, 'a', adminToken)).windows[0]).toMatchObject({ minutes: 300, used_percent: 77 })
})

describe('a reset hint survives', () => {
  const spent = windows([100, 7200], [12, 400_000])

  // B23
  test('a refused WebSocket handshake', async () => {
    const fault: FaultSpec = { fault: 'quota', at: 'handshake', resetsInSeconds: 7200 }
    const on = await stage({ accounts: { a: { plays: { faults: [fault] } }, b: {} } })
    await (await Talk.begin(on)).say('one')
    await rests(on, 2 * hour)
  })

  // B23
  test('a refused WebSocket handshake that tells it in its headers alone', async () => {
    const fault: FaultSpec = { fault: 'quota', at: 'handshake', resetsInSeconds: null, headers: spent }
    const on = await stage({ accounts: { a: { plays: { faults: [fault] } }, b: {} } })
    await (await Talk.begin(on)).say('one')
    await rests(on, 2 * hour)
  })

  // B23
  test.each([
    ['an error event', 1],
    ['a failure after output', 6],
  ])('%s in a stream, where the answer’s headers name it', async (_title, events) => {
    const plays = { headers: spent, faults: [{ fault: 'error-event', events, code: 'usage_limit_reached', status: 429 }] }
    const on = await stage({ accounts: { a: { plays }, b: {} } })
    await on.ask(streamed)
    await rests(on, 2 * hour)
  })

  // B23
  test.each([
    ['an error event', 1],
    ['a failure after output', 6],
  ])('%s of a WebSocket, whose own headers name it', async (_title, events) => {
    const fault: FaultSpec = { fault: 'error-event', events, code: 'usage_limit_reached', status: 429, headers: spent }
    const on = await stage({ accounts: { a: { plays: { faults: [fault] } }, b: {} } })
    await (await on.session()).turn({ ...question, store: false })
    await rests(on, 2 * hour)
  })

  // B28
  test('an older stream on the account that ends well', async () => {
    const on = await stage({ accounts: { a: { plays: { paceMs: 60 } }, b: {} } })
    const older = on.open(streamed)
    await older.until('response.output_text.delta')
    on.play('a', { faults: [{ fault: 'quota', resetsInSeconds: 604_800 }] })
    expect((await on.ask()).status).toBe(200)
    expect((await older.whole()).text).toContain('response.completed')
    await rests(on, 604_800 * second)
  })

  async function rests(on: Stage, ms: number): Promise<void> {
    const { ms: restMs, why } = await on.rest('a')
    expect(why).toMatch(/^quota/)
    expect(restMs).toBeGreaterThan(ms - 5 * second)
    expect(restMs).toBeLessThanOrEqual(ms + 60 * second)
  }
})

describe('a pool that prefers the account whose window is reset soonest', () => {
  const soon = windows([10, 7200], [90, 50_000])
  const late = windows([10, 100], [5, 500_000])

  async function pool(strategy: 'balanced' | 'reset_first'): Promise<Stage> {
    const accounts = { a: { priority: 1, plays: { headers: late } }, b: { priority: 1, plays: { headers: soon } } }
    const on = await stage({ accounts })
    // Each is asked once, so that its windows are known.
    for (const name of ['a', 'b']) {
      on.change({ pools: [{ name: on.pool, accounts: [name] }] })
      await on.ask()
    }
    on.change({ pools: [{ name: on.pool, accounts: ['a', 'b'], strategy }] })
    return on
  }
  const chosen = async (on: Stage, count: number): Promise<readonly string[]> => {
    const names: string[] = []
    for (let nth = 0; nth < count; nth++) {
      const body: Json = { ...question, prompt_cache_key: `dialogue-${nth}` }
      names.push(...triedBy(await on.record(await on.ask(body))))
    }
    return names
  }

  test('chooses it for every turn, by its longest window', async () => {
    const on = await pool('reset_first')
    expect(await chosen(on, 8)).toEqual(Array(8).fill('b'))
    const record = await on.record(await on.ask())
    expect(record.attempts[0]?.because).toMatch(/^priority 1, its window resets soonest, at 2/)
  })

  test('does not where it is not told to', async () => {
    expect(new Set(await chosen(await pool('balanced'), 12))).toEqual(new Set(['a', 'b']))
  })

  test('leaves an account alone whose window is used up', async () => {
    const on = await pool('reset_first')
    on.play('b', { headers: windows([100, 7200], [90, 50_000]) })
    expect(await chosen(on, 4)).toEqual(['b', 'a', 'a', 'a'])
  })
})
