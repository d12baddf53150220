import OpenAI, { RateLimitError } from 'openai'
import { describe, expect, test } from 'vitest'
import { adminToken, gatewayOfThisFile, laptopKey, ownGateway, question, streamed, type Scene, type Stage } from '../support/gateway.ts'
import type { Answer, Json } from '../support/client.ts'

const stage = gatewayOfThisFile()

const perTurnUsd = 0.08
const usage: Json = { input_tokens: 10_000, output_tokens: 1000, total_tokens: 11_000 }
/** Each turn of it costs eight cents: five dollars a million tokens of input, thirty of output. */
const priced = (plays: object = {}): Scene => ({
  accounts: { a: { concurrency: 1000, plays: { usage, ...plays } } },
  prices: [{ model: 'gpt-5.5', input: 5, output: 30 }],
})

/** Budgets belong to the name of a key, and this file has one gateway: each test has a key of its own. */
let keys = 0
function limited(on: Stage, limits: Json): string {
  const name = `limited-${++keys}`
  on.change({ keys: [{ name, key: laptopKey, pools: [on.pool], limits }] })
  return name
}

const codeOf = ({ status, headers, json }: Answer) => ({
  status,
  code: (json['error'] as { readonly code?: string } | undefined)?.code,
  again: headers['x-should-retry'],
  after: headers['retry-after'],
})
const spent = { status: 429, code: 'insufficient_quota', again: 'false', after: undefined }

interface Listed {
  readonly turns: readonly { readonly charge_nano_usd: string | null; readonly charge_estimated_nano_usd: string | null; readonly outcome: string }[]
  readonly next: string | null
}

/** Dollars that the books have for this key, charges and estimates. */
async function bookedUsd(on: Stage, key: string): Promise<number> {
  let nanoUsd = 0
  for (let before = ''; ;) {
    const page = (await on.ask(null, { path: `/admin/api/turns?limit=100&key=${key}${before}`, key: adminToken })).json as unknown as Listed
    for (const turn of page.turns) nanoUsd += Number(turn.charge_nano_usd ?? 0) + Number(turn.charge_estimated_nano_usd ?? 0)
    if (page.next === null) return nanoUsd / 1e9
    before = `&before=${page.next}`
  }
}

// G5
describe('a key whose budget is spent', () => {
  test.each(['usd_per_day', 'usd_per_month'])('is told so, and not to try again: %s', async (limit) => {
    const on = await stage(priced())
    limited(on, { [limit]: 0.1 })
    expect((await on.ask()).status).toBe(200)
    expect((await on.ask(streamed)).status).toBe(200)
    const refused = await on.ask()
    expect(codeOf(refused)).toEqual(spent)
    expect(refused.text).toMatch(/the next (day|month) begins at 20\d\d-/)
    expect(await on.record(refused)).toMatchObject({ outcome: 'refused', code: 'insufficient_quota', attempts: [] })
    expect(on.sent('a')).toHaveLength(2)
  })

  test('is told so on the next turn of a session that is open, and its running turns finish', async () => {
    const on = await stage(priced({ paceMs: 20 }))
    limited(on, { usd_per_day: 0.08 })
    const session = await on.session()
    const running = on.ask(streamed)
    session.create(question)
    await session.nextOf('response.output_text.delta')
    on.play('a', { usage })
    expect((await on.ask()).status).toBe(200)
    session.create({ ...question, stream_id: 'second' })
    expect(await session.nextOf('error', 'second')).toMatchObject({ status: 429, error: { code: 'insufficient_quota' } })
    expect(await session.nextOf('response.completed')).toMatchObject({ response: { status: 'completed' } })
    expect((await running).text).toContain('response.completed')
    expect((await session.turn(question)).last).toMatchObject({ type: 'error', status: 429, error: { code: 'insufficient_quota' } })
    expect(session.isOpen).toBe(true)
    await session.end()
  })

  test('is not tried again by the official client', async () => {
    const on = await stage(priced())
    limited(on, { usd_per_day: 0.01 })
    await on.ask()
    let requests = 0
    const counting: typeof fetch = (...args) => {
      requests++
      return fetch(...args)
    }
    const client = new OpenAI({ apiKey: laptopKey, baseURL: `${on.gateway.url}/v1`, maxRetries: 5, fetch: counting })
    const failing = client.responses.create({ model: 'gpt-5.5', input: 'hello' })
    await expect(failing).rejects.toThrow(RateLimitError)
    await expect(failing).rejects.toMatchObject({ status: 429, code: 'insufficient_quota', type: 'insufficient_quota' })
    expect(requests).toBe(1)
  })

  test('is refused after a restart too, and served again when it is given more', async () => {
    const on = await ownGateway(priced())
    on.change({ keys: [{ name: 'laptop', key: laptopKey, pools: [on.pool], limits: { usd_per_month: 0.1 } }] })
    await on.ask()
    await on.ask()
    await on.restart()
    expect(codeOf(await on.ask())).toEqual(spent)
    on.change({ keys: [{ name: 'laptop', key: laptopKey, pools: [on.pool], limits: { usd_per_month: 0.2 } }] })
    expect((await on.ask()).status).toBe(200)
  })

  test('has spent what nobody told, by an estimate', async () => {
    const on = await stage(priced({ usage: null, faults: [{ fault: 'no-usage' }] }))
    const key = limited(on, { usd_per_day: 0.00001 })
    const answer = await on.ask(streamed)
    expect(answer.status).toBe(200)
    expect(codeOf(await on.ask())).toEqual(spent)
    expect(await bookedUsd(on, key)).toBeGreaterThan(0.00001)
    expect((await on.record(answer)).usage).toBeNull()
  })

  test('has spent what an upstream began by itself, which is refused by no limit', async () => {
    const on = await stage(priced({ paceMs: 15, deltas: 12, steering: 'always' }))
    // What the client asked for is not enough to spend it.
    const key = limited(on, { usd_per_day: 0.1, concurrency: 1 })
    const session = await on.session()
    session.create(question)
    const created = await session.nextOf('response.created')
    await session.nextOf('response.output_text.delta')
    const id = (created['response'] as Json)['id']
    session.send({ type: 'response.steer', previous_response_id: id, input: [{ type: 'message', role: 'user', content: 'shorter' }] })
    expect((await session.answer()).last).toMatchObject({ type: 'response.incomplete' })
    expect((await session.answer()).last).toMatchObject({ type: 'response.completed' })
    expect((await session.turn(question)).last).toMatchObject({ status: 429, error: { code: 'insufficient_quota' } })
    expect(await bookedUsd(on, key)).toBeGreaterThanOrEqual(0.1)
    await session.end()
  })
})

test('a key with a dollar a day and fifty turns at once overspends by no more than the turns in flight', async () => {
  const on = await stage(priced({ paceMs: 30 }))
  const key = limited(on, { usd_per_day: 1 })
  let running = 0
  let atOnce = 0
  const outcomes: string[] = []
  const client = async (): Promise<void> => {
    for (let turns = 0; turns < 20; turns++) {
      running++
      const answer = await on.ask(streamed)
      const { code } = codeOf(answer)
      if (answer.status === 200) atOnce = Math.max(atOnce, running)
      running--
      outcomes.push(code ?? 'served')
      if (code === 'insufficient_quota') return
    }
  }
  await Promise.all(Array.from({ length: 50 }, client))
  const served = outcomes.filter((outcome) => outcome === 'served').length
  const usd = await bookedUsd(on, key)
  expect(usd).toBeCloseTo(served * perTurnUsd, 6)
  expect(usd).toBeGreaterThanOrEqual(1)
  expect(usd).toBeLessThanOrEqual(1 + atOnce * perTurnUsd)
  expect(atOnce).toBeLessThanOrEqual(50)
  // Fifty together would hold a dollar and a half: some were told to wait while the others ran, and that is no spent budget.
  expect(outcomes).toContain('rate_limit_exceeded')
  expect(codeOf(await on.ask())).toEqual(spent)
})

describe('a key that uses more tokens in a minute than it may', () => {
  test('is told when to come again, within a minute', async () => {
    const on = await stage(priced())
    limited(on, { tokens_per_minute: 15_000 })
    await on.ask()
    await on.ask()
    const refused = await on.ask()
    expect(codeOf(refused)).toEqual({ status: 429, code: 'rate_limit_exceeded', again: undefined, after: expect.stringMatching(/^([1-9]|[1-5]\d|60)$/) })
    expect(Number(refused.headers['retry-after-ms'])).toBeLessThanOrEqual(60_000)
  })

  test('is told so on the next turn of its session', async () => {
    const on = await stage(priced())
    limited(on, { tokens_per_minute: 11_000 })
    const session = await on.session()
    expect((await session.turn(question)).last).toMatchObject({ type: 'response.completed' })
    expect((await session.turn(question)).last).toMatchObject({ type: 'error', status: 429, error: { code: 'rate_limit_exceeded' } })
    await session.end()
  })
})
