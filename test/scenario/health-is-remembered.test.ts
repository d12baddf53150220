import { describe, expect, test } from 'vitest'
import { eventually } from '../support/client.ts'
import { adminToken, gatewayOfThisFile, ownGateway, question, streamed, triedBy } from '../support/gateway.ts'
import { upstream } from '../support/upstream.ts'

const stage = gatewayOfThisFile()
const week = { faults: [{ fault: 'quota', resetsInSeconds: 604_800 }] } as const

describe('an account that rests or is retired', () => {
  // B24
  test('is ready at once when the operator sets it so', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'credential', on: 'turns', times: 1 }] } }, b: {} } })
    expect(triedBy(await on.record(await on.ask()))).toEqual(['a', 'b'])
    expect(await on.whyNot('a')).toMatch(/^retired/)
    const reset = await on.ask(null, { path: '/admin/api/accounts/a/reset', method: 'POST', key: adminToken })
    expect(reset).toMatchObject({ status: 200, json: { name: 'a', health: { state: 'ready' } } })
    expect(triedBy(await on.record(await on.ask()))).toEqual(['a'])
  })

  // B24
  test('is ready at once when its credential changes, without a restart', async () => {
    const on = await stage({ accounts: { a: { plays: week }, b: {} } })
    await on.ask()
    expect((await on.rest('a')).ms).toBeGreaterThan(600_000_000)
    on.change({ accounts: { a: { credential: { api_key: 'key-renewed' } }, b: {} } })
    expect(triedBy(await on.record(await on.ask()))).toEqual(['a'])
  })

  test('stays as it is when anything else of it changes', async () => {
    const on = await stage({ accounts: { a: { plays: week }, b: {} } })
    await on.ask()
    on.change({ accounts: { a: { plays: week, weight: 3, concurrency: 2 }, b: {} } })
    expect(triedBy(await on.record(await on.ask()))).toEqual(['b'])
  })

  // B24
  test('is still so after a restart, if it was to last', async () => {
    const short = { faults: [{ fault: 'rate', retryAfterSeconds: 60 }] }
    const on = await ownGateway({ accounts: { a: { plays: week }, b: { plays: { faults: [{ fault: 'credential' }] } }, c: { plays: short }, d: {} } })
    expect(triedBy(await on.record(await on.ask()))).toEqual(['a', 'b', 'c', 'd'])
    on.play('c', {})
    await on.restart()
    const record = await on.record(await on.ask())
    expect(triedBy(record)).toEqual(['c'])
    expect(record.attempts[0]?.notChosen).toMatchObject([
      { account: 'a', why: expect.stringMatching(/^cooling until .*: quota 429/) as string },
      { account: 'b', why: 'retired: credential 401 invalid_api_key' },
      { account: 'd', why: 'priority 4' },
    ])
  })

  // B28
  test('for a week stays so when an older stream on it ends well', async () => {
    const on = await stage({ accounts: { a: { plays: { deltas: 4, paceMs: 60 } }, b: {} } })
    const older = on.open(streamed)
    await older.until('output_text.delta')
    on.play('a', week)
    expect(triedBy(await on.record(await on.ask()))).toEqual(['a', 'b'])
    const answer = await older.whole()
    expect(answer.events.at(-1)?.type).toBe('response.completed')
    expect((await on.rest('a')).ms).toBeGreaterThan(600_000_000)
  })
})

describe('three 403s that no wording explains', () => {
  const forbiddingTogether = (turns: number, probe: number) => {
    const held: (() => void)[] = []
    return upstream((request, response) => {
      if (request.method === 'GET') {
        response
          .writeHead(probe, { 'content-type': 'application/json' })
          .end(probe === 200 ? '{"object":"list","data":[{"id":"gpt-5.5"}]}' : '{"error":{"message":"no"}}')
        return
      }
      held.push(() => response.writeHead(403, { 'content-type': 'application/json' }).end('{"error":{"message":"not for you"}}'))
      if (held.length === turns) for (const release of held) release()
    })
  }

  // B2
  test('from three turns, and a probe that fails too, retire the account', async () => {
    const on = await stage({ accounts: { a: { base_url: await forbiddingTogether(3, 403) }, b: {} } })
    const answers = await Promise.all([on.ask(), on.ask(), on.ask()])
    for (const answer of answers) expect(triedBy(await on.record(answer))).toEqual(['a', 'b'])
    expect(
      await eventually(
        () => on.whyNot('a'),
        (why) => why?.startsWith('retired') === true,
      ),
    ).toBe('retired: forbidden 403')
  })

  // B2
  test('do not, where the probe goes well', async () => {
    const on = await stage({ accounts: { a: { base_url: await forbiddingTogether(3, 200) }, b: {} } })
    await Promise.all([on.ask(), on.ask(), on.ask()])
    await eventually(
      () => on.log.filter((line) => line.includes('answered a probe')).length,
      (probes) => probes === 1,
    )
    expect((await on.rest('a')).why).toBe('forbidden 403')
  })

  // B2
  test('worded as a spent quota never do', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'quota-403' }] } }, b: {} } })
    await Promise.all([on.ask(question), on.ask(question), on.ask(question), on.ask(question)])
    expect((await on.rest('a')).why).toBe('quota 403 forbidden_error')
  })
})
