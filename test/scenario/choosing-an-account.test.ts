import { describe, expect, test } from 'vitest'
import { eventually } from '../support/client.ts'
import { adminToken, gatewayOfThisFile, otherKey, question, streamed, triedBy, type Stage } from '../support/gateway.ts'

const stage = gatewayOfThisFile()
/** Nothing that would keep a prompt cache warm. */
const coldQuestion = { model: 'gpt-5.5', stream: true }
const heldMs = 250
const held = { faults: [{ fault: 'slow', before: 'head' as const, ms: heldMs }] }
const hanging = (on: Stage, account: string, count: number) =>
  eventually(
    () => on.simulator.inFlight(on.credential(account)),
    (inFlight) => inFlight === count,
  )

describe('among accounts that are ready', () => {
  // F1
  test('the lowest priority number is taken', async () => {
    const on = await stage({ accounts: { a: { priority: 20 }, b: { priority: 5 }, c: { priority: 10 } } })
    const record = await on.record(await on.ask())
    expect(record.attempts).toMatchObject([
      {
        account: 'b',
        because: 'priority 5, the best that is ready',
        notChosen: [
          { account: 'a', why: 'priority 20' },
          { account: 'c', why: 'priority 10' },
        ],
      },
    ])
  })

  // F1
  test('of one priority the one with the least in flight for its weight is taken', async () => {
    const on = await stage({ accounts: { a: { priority: 1, weight: 1, plays: held }, b: { priority: 1, weight: 3, plays: held } } })
    for (let turns = 1; turns <= 12; turns++) {
      on.open(coldQuestion)
        .head()
        .catch(() => undefined)
      await eventually(
        () => on.sent('a').length + on.sent('b').length,
        (sent) => sent === turns,
      )
    }
    expect([on.sent('a').length, on.sent('b').length]).toEqual([3, 9])
  })

  // F4
  test('questions of one prompt cache key stay together', async () => {
    const on = await stage({ accounts: { a: { priority: 1 }, b: { priority: 1 }, c: { priority: 1 } } })
    const taken = new Set<string>()
    for (let turn = 0; turn < 6; turn++) {
      const record = await on.record(await on.ask({ ...question, input: `question ${turn}`, prompt_cache_key: 'thread-1' }))
      taken.add(triedBy(record).join())
    }
    expect(taken.size).toBe(1)
    const all = new Set<string>()
    for (let thread = 0; thread < 24; thread++) all.add(triedBy(await on.record(await on.ask({ ...question, prompt_cache_key: `t-${thread}` }))).join())
    expect(all.size).toBe(3)
  })

  // F5
  test('a retired one is stood in for by the same one each time, and has its questions back when it is ready', async () => {
    const on = await stage({ accounts: { a: { priority: 1 }, b: { priority: 1 }, c: { priority: 1 } } })
    const ask = async () => triedBy(await on.record(await on.ask({ ...question, prompt_cache_key: 'thread-1' })))
    const [first = ''] = await ask()
    on.play(first, { faults: [{ fault: 'credential', on: 'turns', times: 1 }] })
    const standIn = (await ask()).at(-1)
    expect([await ask(), await ask()]).toEqual([[standIn], [standIn]])
    await on.ask(null, { path: `/admin/api/accounts/${first}/reset`, method: 'POST', key: adminToken })
    expect(await ask()).toEqual([first])
  })

  // F3
  test('the one that served the turn before is wished for, but not waited for while it rests', async () => {
    const state = { faults: [{ fault: 'headers' }] }
    const on = await stage({ accounts: { a: {}, b: { plays: state } }, failover: { patience: '10s' } })
    on.change({ accounts: { a: { concurrency: 1 }, b: {} } })
    on.play('a', { faults: [{ fault: 'server', times: 1 }] })
    const first = await on.ask()
    const headers = { 'x-codex-turn-state': String(first.headers['x-codex-turn-state']) }
    expect(triedBy(await on.record(first))).toEqual(['a', 'b'])
    expect((await on.record(await on.ask(question, { headers }))).attempts).toMatchObject([{ account: 'b', because: 'the turn before was served by it' }])
    expect(on.sent('b').at(-1)?.headers).toMatchObject(headers)
    on.play('b', { faults: [{ fault: 'rate', retryAfterSeconds: 5 }] })
    await on.ask(question, { headers })
    const moved = await on.record(await on.ask(question, { headers }))
    expect(triedBy(moved)).toEqual(['a'])
    expect(moved.durationMs).toBeLessThan(2000)
    expect(on.sent('a').at(-1)?.headers).not.toHaveProperty('x-codex-turn-state')
  })

  // F6
  test('the record names eight that were not chosen, and counts the rest by reason', async () => {
    const names = Array.from({ length: 14 }, (_, index) => `n${index}`)
    const on = await stage({ accounts: Object.fromEntries(names.map((name, index) => [name, index < 12 ? {} : { weight: 0 }])) })
    const [attempt] = (await on.record(await on.ask())).attempts
    expect(attempt?.notChosen.slice(0, 8).map(({ account, count }) => [account, count])).toEqual(names.slice(1, 9).map((name) => [name, 1]))
    const rest = attempt?.notChosen.slice(8) ?? []
    expect(rest.every(({ account }) => account === null)).toBe(true)
    expect(rest.reduce((sum, { count }) => sum + count, 0)).toBe(5)
    expect(rest).toContainEqual({ account: null, why: 'weight 0', count: 2 })
  })
})

// F2
describe('where accounts are full', () => {
  test('a full one is passed over', async () => {
    const on = await stage({ accounts: { a: { concurrency: 1, plays: held }, b: {} } })
    const first = on.ask(streamed)
    await hanging(on, 'a', 1)
    const record = await on.record(await on.ask(streamed))
    expect(record.attempts).toMatchObject([{ account: 'b', notChosen: [{ account: 'a', why: 'full' }] }])
    expect((await first).status).toBe(200)
  })

  test('turns wait, and keys are served in rotation, so that no burst starves another', async () => {
    const on = await stage({ accounts: { a: { concurrency: 1, plays: { faults: [{ fault: 'slow', before: 'head', ms: 40 }] } } } })
    const order: string[] = []
    const ask = async (name: string, key?: string) => {
      await on.ask({ ...streamed, input: name }, key === undefined ? {} : { key })
      order.push(name)
    }
    const burst = Array.from({ length: 6 }, (_, index) => ask(`laptop ${index}`))
    await hanging(on, 'a', 1)
    await eventually(
      () => on.metric('turnout_leases{account="a"}'),
      (leases) => leases === 1,
    )
    const late = ask('other', otherKey)
    await Promise.all([...burst, late])
    expect(order.indexOf('other')).toBeLessThanOrEqual(3)
    expect(on.simulator.inFlightMax(on.credential('a'))).toBe(1)
  })

  test('no more than the bound of one key wait', async () => {
    const on = await stage({ accounts: { a: { concurrency: 1, plays: held } }, bounds: { waiting_per_key: 2 } })
    const answers = await Promise.all(Array.from({ length: 6 }, () => on.ask(streamed)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(3)
    expect(answers.find(({ status }) => status === 429)).toMatchObject({ json: { error: { code: 'queue_full' } }, headers: { 'retry-after': '1' } })
  })

  test('who has waited too long is asked to come back in a second', async () => {
    const on = await stage({ accounts: { a: { concurrency: 1, plays: held } }, times: { slot_wait: '60ms' } })
    const first = on.ask(streamed)
    await hanging(on, 'a', 1)
    expect(await on.ask(streamed)).toMatchObject({ status: 429, json: { error: { code: 'no_account_ready' } }, headers: { 'retry-after': '1' } })
    expect((await first).status).toBe(200)
  })
})
