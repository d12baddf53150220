import { describe, expect, test } from 'vitest'
import type { Charge } from '../../src/core/charge.ts'
import { adminToken, gatewayOfThisFile, question, streamed, type Playing, type Stage } from '../support/gateway.ts'
import { upstream } from '../support/upstream.ts'

const stage = gatewayOfThisFile()

/** What the upstream says that it used. */
const used = (input: number, output: number, more: { readonly cached?: number; readonly written?: number; readonly reasoning?: number } = {}) => ({
  input_tokens: input,
  input_tokens_details: { cached_tokens: more.cached ?? 0, cache_write_tokens: more.written ?? 0 },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: more.reasoning ?? 0 },
  total_tokens: input + output,
})

/** What a question of the test is charged. */
async function chargeOf(on: Stage, body: object = question): Promise<Charge> {
  return (await on.record(await on.ask(JSON.stringify(body)))).charge
}

const known = (nanoUsd: bigint): Charge => ({ nanoUsd, estimatedNanoUsd: null, notionalNanoUsd: null })

// G4
describe('a turn is charged', () => {
  test.each<readonly [title: string, plays: Playing['plays'], model: string, nanoUsd: bigint]>([
    ['for input and output', { usage: used(1200, 88) }, 'gpt-5.5', 1200n * 5000n + 88n * 30_000n],
    ['less for what a cache gave', { usage: used(1200, 88, { cached: 1000 }) }, 'gpt-5.5', 200n * 5000n + 1000n * 500n + 88n * 30_000n],
    ['more for what a cache took', { usage: used(1200, 0, { cached: 200, written: 800 }) }, 'gpt-5.6-sol', 200n * 4000n + 200n * 400n + 800n * 5000n],
    ['once for reasoning, which is inside output', { usage: used(0, 88, { reasoning: 80 }) }, 'gpt-5.5', 88n * 30_000n],
    ['for a long request as a whole', { usage: used(272_001, 10) }, 'gpt-6.1-sol', 272_001n * 4000n + 10n * 15_000n],
    ['for a short one at the very bound', { usage: used(272_000, 10) }, 'gpt-6.1-sol', 272_000n * 2000n + 10n * 10_000n],
    ['half for the tier flex', { usage: used(1000, 100), tier: 'flex' }, 'gpt-5.5', 2_500_000n + 1_500_000n],
    ['dearly for the tier fast', { usage: used(1000, 100), tier: 'fast' }, 'gpt-5.5', 12_500_000n + 7_500_000n],
    ['nothing for nothing', { usage: used(0, 0) }, 'a-model-without-a-price', 0n],
  ])('%s', async (_title, plays, model, nanoUsd) => {
    const on = await stage({ accounts: { a: { plays: plays ?? {} } } })
    expect(await chargeOf(on, { ...question, model })).toEqual(known(nanoUsd))
  })

  test('by the tier that was served, not by the one that was asked for', async () => {
    const on = await stage({ accounts: { a: { plays: { usage: used(1000, 100), tier: 'default' } } }, rules: [] })
    expect(await chargeOf(on, { ...question, service_tier: 'priority' })).toEqual(known(8_000_000n))
  })

  test('by the name that the account has for the model', async () => {
    const on = await stage({ accounts: { a: { models: { cheap: 'gpt-6-luna' }, plays: { usage: used(1000, 1000) } } } })
    const record = await on.record(await on.ask({ ...question, model: 'cheap' }))
    expect(record.charge).toEqual(known(600_000n))
    expect(record.attempts[0]?.price).toBe('0.1/0.01/0.125/0.5')
  })

  test('over a session as over HTTP', async () => {
    const on = await stage({ accounts: { a: { plays: { usage: used(1000, 100) } } } })
    const session = await on.session()
    await session.turn(question)
    await session.end()
    const { text } = await on.ask(null, { path: '/admin/api/turns?limit=1', key: adminToken })
    expect(JSON.parse(text)).toMatchObject({ turns: [{ transport: 'websocket', charge_nano_usd: '8000000', charge_estimated_nano_usd: null }] })
  })

  test('for what a failed attempt told, too', async () => {
    const failing = await upstream((_request, response) => {
      const failed = { id: 'resp_1', status: 'failed', error: { code: 'server_error', message: 'it broke' }, usage: used(1000, 0), service_tier: 'flex' }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(`event: response.failed\ndata: ${JSON.stringify({ type: 'response.failed', response: failed })}\n\n`)
    })
    const on = await stage({ accounts: { a: { base_url: failing }, b: { plays: { usage: used(1000, 100) } } } })
    const { charge, usage, attempts } = await on.record(await on.ask(streamed))
    expect(attempts.map(({ account, price }) => [account, price])).toEqual([
      ['a', '2.5/0.25/2.5/15'],
      ['b', '5/0.5/5/30'],
    ])
    expect(usage).toMatchObject({ inputTokens: 2000, outputTokens: 100 })
    expect(charge).toEqual(known(2_500_000n + 8_000_000n))
  })
})

// G4
describe('what nobody knows is unknown, never zero', () => {
  test('a model without a price', async () => {
    const on = await stage({ accounts: { a: { plays: { usage: used(10, 10) } } } })
    expect(await chargeOf(on, { ...question, model: 'nobody-knows-it' })).toEqual({ nanoUsd: null, estimatedNanoUsd: null, notionalNanoUsd: null })
  })

  test('a tier without a price, which is estimated at what such tiers usually cost', async () => {
    const on = await stage({ accounts: { a: { plays: { usage: used(1000, 100), tier: 'ultrafast' } } } })
    expect(await chargeOf(on)).toEqual({ nanoUsd: null, estimatedNanoUsd: 6n * 8_000_000n, notionalNanoUsd: null })
  })

  test.each(['no-usage', 'bad-usage'])('an answer that tells none, which is estimated: %s', async (fault) => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault }] } } } })
    const { charge, usage } = await on.record(await on.ask(streamed))
    expect([usage, charge.nanoUsd, charge.notionalNanoUsd]).toEqual([null, null, null])
    // Some tokens in, and one for each of about a dozen events: a few hundredths of a cent.
    expect(Number(charge.estimatedNanoUsd)).toBeGreaterThan(100_000)
    expect(Number(charge.estimatedNanoUsd)).toBeLessThan(2_000_000)
  })

  test('an answer that broke off, which is estimated by what came of it', async () => {
    const on = await stage({ accounts: { a: { plays: { deltas: 200, deltaBytes: 5, faults: [{ fault: 'cut', events: 100 }] } } } })
    const { charge } = await on.record(await on.ask(streamed))
    expect(charge.nanoUsd).toBeNull()
    expect(Number(charge.estimatedNanoUsd)).toBeGreaterThan(90 * 30_000)
    expect(Number(charge.estimatedNanoUsd)).toBeLessThan(300 * 30_000)
  })

  test('an attempt that fell silent before another answered: its question is estimated, the answer charged', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'end-early', events: 1 }] } }, b: { plays: { usage: used(1000, 100) } } } })
    const { charge, attempts } = await on.record(await on.ask(streamed))
    expect(attempts.map(({ account }) => account)).toEqual(['a', 'b'])
    expect(charge.nanoUsd).toBe(8_000_000n)
    expect(charge.estimatedNanoUsd).toBe(BigInt(Math.ceil(JSON.stringify(streamed).length / 4)) * 5000n)
  })

  test('but an upstream that refuses has nothing to bill', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'quota' }] } } } })
    expect(await chargeOf(on)).toEqual(known(0n))
  })
})

describe("the operator's prices", () => {
  const plays = { usage: used(1000, 100) }

  test('stand over the list', async () => {
    const on = await stage({ accounts: { a: { plays } }, prices: [{ model: 'gpt-5*', input: 1, output: 1 }] })
    expect(await chargeOf(on)).toEqual(known(1_100_000n))
  })

  test('may be of one account', async () => {
    const prices = [{ model: '*', accounts: ['a'], input: 0, output: 0 }]
    const on = await stage({ accounts: { a: { plays: { ...plays, models: ['gpt-5.5'] } }, b: { plays } }, prices })
    expect(await chargeOf(on)).toEqual(known(0n))
    expect(await chargeOf(on, { ...question, model: 'gpt-5.4' })).toEqual(known(4_000_000n))
  })

  test('hold from the next turn on, when they change', async () => {
    const on = await stage({ accounts: { a: { plays } } })
    expect(await chargeOf(on)).toEqual(known(8_000_000n))
    on.change({ prices: [{ model: 'gpt-5.5', input: 2, output: 2 }] })
    expect(await chargeOf(on)).toEqual(known(2_200_000n))
  })
})

test('what a subscription covers costs nothing, and its value is apart', async () => {
  const on = await stage({ accounts: { a: { credential: { oauth: { access_token: 'at-subscription' } } } } })
  on.simulator.set('at-subscription', { usage: used(1000, 100) })
  const answer = await on.ask(question)
  expect((await on.record(answer)).charge).toEqual({ nanoUsd: 0n, estimatedNanoUsd: null, notionalNanoUsd: 8_000_000n })
  const { text } = await on.ask(null, { path: `/admin/api/turns/${String(answer.headers['x-turnout-turn'])}`, key: adminToken })
  expect(JSON.parse(text)).toMatchObject({ charge_nano_usd: '0', charge_estimated_nano_usd: null, charge_notional_nano_usd: '8000000' })
})
