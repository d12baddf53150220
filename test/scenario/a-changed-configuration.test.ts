import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { eventually } from '../support/client.ts'
import { adminToken, gatewayOfThisFile, laptopKey, ownGateway, question, streamed, triedBy } from '../support/gateway.ts'

const stage = gatewayOfThisFile()
const slow = { deltas: 4, paceMs: 60 }

describe('while a stream runs', () => {
  test('its account may be removed: the stream ends well, and the next turn goes elsewhere', async () => {
    const on = await stage({ accounts: { a: { plays: slow }, b: {} } })
    const running = on.open(streamed)
    await running.until('output_text.delta')
    on.change({ accounts: { b: {} } })
    expect(triedBy(await on.record(await on.ask()))).toEqual(['b'])
    const answer = await running.whole()
    expect(answer).toMatchObject({ end: 'clean' })
    expect(answer.events.at(-1)?.type).toBe('response.completed')
    expect(triedBy(await on.record(answer))).toEqual(['a'])
  })

  test('its mapping may change: the name in its answer stays, and the next turn has the new one', async () => {
    const on = await stage({ accounts: { a: { models: { 'gpt-5.5': 'old' }, plays: slow } } })
    const running = on.open(streamed)
    await running.until('output_text.delta')
    on.change({ accounts: { a: { models: { 'gpt-5.5': 'new' } } } })
    await on.ask()
    const answer = await running.whole()
    expect(answer.text).not.toContain('"model":"old"')
    expect(on.sent('a').map(({ fields }) => fields?.['model'])).toEqual(['old', 'new'])
  })

  test('its key may go: the stream ends well, and the next turn is refused', async () => {
    const on = await stage({ accounts: { a: { plays: slow } } })
    const running = on.open(streamed)
    await running.until('output_text.delta')
    on.change({ keys: [{ name: 'other', key: 'tk-another-key', pools: [on.pool] }] })
    expect((await on.ask()).status).toBe(401)
    expect((await running.whole()).end).toBe('clean')
  })

  test('rules may be tightened: a turn that goes on keeps the policy that it began with, the next one obeys', async () => {
    const tiered = { ...streamed, service_tier: 'priority' }
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'slow', before: 'head', ms: 150 }, { fault: 'failed' }] } }, b: {} }, rules: [] })
    const running = on.ask(tiered)
    await eventually(
      () => on.simulator.inFlight(on.credential('a')),
      (inFlight) => inFlight === 1,
    )
    on.change({ rules: [{ tier: 'priority', action: 'block' }] })
    expect((await running).status).toBe(200)
    expect(on.sent('b')[0]?.fields).toMatchObject({ service_tier: 'priority' })
    expect((await on.ask(tiered)).status).toBe(403)
  })
})

describe('what an account speaks', () => {
  test('may change: the next turn that it does not speak goes elsewhere, and the operator sees why', async () => {
    const on = await stage({ accounts: { a: {}, b: {} }, translate: 'never' })
    expect(triedBy(await on.record(await on.ask()))).toEqual(['a'])
    on.change({ accounts: { a: { dialects: ['chat'] }, b: {} } })
    expect(triedBy(await on.record(await on.ask()))).toEqual(['b'])
    const { json } = await on.ask(null, { path: '/admin/api/accounts', key: adminToken })
    expect(json['accounts']).toMatchObject([{ dialects: ['chat'] }, { dialects: ['responses', 'chat'] }])
    on.change({ accounts: { a: { dialects: ['chat'] } } })
    expect((await on.ask()).status).toBe(404)
  })
})

describe('a configuration that is broken', () => {
  // C14
  test('changes nothing, and is shown: the last good rules hold', async () => {
    const on = await stage({ accounts: { a: {} }, rules: [{ tier: 'flex', action: 'block' }] })
    writeFileSync(on.file, JSON.stringify({ accounts: [], rules: [{ tier: 'flexx', action: 'pass' }] }))
    on.gateway.reload()
    expect((await on.ask({ ...question, service_tier: 'flex' })).status).toBe(403)
    expect(on.log.join('')).toContain('the last good one stays')
    const status = await on.ask(null, { path: '/admin/api/status', key: adminToken })
    expect(JSON.stringify(status.json['config'])).toMatch(/rules\[0\]\.tier/)
  })

  test('is noticed by itself, and so is the one that mends it', async () => {
    const on = await ownGateway({ accounts: { a: {} } })
    on.write({ accounts: { a: {} }, rules: [{ tier: 'any', action: 'block' }] })
    await eventually(
      () => on.ask({ ...question, service_tier: 'turbo' }),
      ({ status }) => status === 403,
    )
    expect(on.log.join('')).toContain('holds from now on')
  })
})

describe('the limits of a key', () => {
  test('change with the configuration, and its count is kept', async () => {
    const on = await stage({ accounts: { a: {} } })
    const limited = (perMinute: number) =>
      on.change({ keys: [{ name: 'counted', key: laptopKey, pools: [on.pool], limits: { requests_per_minute: perMinute } }] })
    limited(2)
    expect([(await on.ask()).status, (await on.ask()).status, (await on.ask()).status]).toEqual([200, 200, 429])
    limited(10)
    expect((await on.ask()).status).toBe(200)
  })

  test('count turns at once, whatever becomes of them', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'slow', before: 'head', ms: 200 }] } } } })
    on.change({ keys: [{ name: 'single', key: laptopKey, pools: [on.pool], limits: { concurrency: 1 } }] })
    const leaving = on.open(streamed)
    leaving.head().catch(() => undefined)
    await eventually(
      () => on.simulator.inFlight(on.credential('a')),
      (inFlight) => inFlight === 1,
    )
    expect(await on.ask()).toMatchObject({ status: 429, json: { error: { code: 'rate_limit_exceeded' } }, headers: { 'retry-after': '1' } })
    leaving.abort()
    expect(
      await eventually(
        () => on.ask(),
        ({ status }) => status === 200,
      ),
    ).toMatchObject({ status: 200 })
  })
})
