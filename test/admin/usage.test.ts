import { afterEach, describe, expect, test } from 'vitest'
import type { UsageRow } from '../../src/ports/usage-books.ts'
import { stopAll } from '../server/support.ts'
import { bodyOf, problemOf, rig } from './support.ts'

afterEach(stopAll)

const known: UsageRow = {
  name: 'laptop',
  turns: 12,
  usage: { inputTokens: 1200, cachedTokens: 1000, cacheWriteTokens: 3, longCacheWriteTokens: 2, outputTokens: 88, reasoningTokens: 20 },
  charge: { nanoUsd: 9_007_199_254_740_993n, estimatedNanoUsd: 5n, notionalNanoUsd: null },
  unknownTurns: 2,
}
const unknown: UsageRow = { name: null, turns: 1, usage: null, charge: { nanoUsd: null, estimatedNanoUsd: null, notionalNanoUsd: null }, unknownTurns: 1 }

describe('GET usage', () => {
  test('shows what the turns of each key come to, money as exact text, and what is unknown as null', async () => {
    const at = await rig()
    at.sums.rows.push(known)
    expect(bodyOf('usage', await at.get('/admin/api/usage'))).toEqual({
      rows: [
        {
          by: { key: 'laptop' },
          turns: 12,
          usage: { input_tokens: 1200, cached_tokens: 1000, cache_write_tokens: 3, long_cache_write_tokens: 2, output_tokens: 88, reasoning_tokens: 20 },
          charge_nano_usd: '9007199254740993',
          charge_estimated_nano_usd: '5',
          charge_notional_nano_usd: null,
          unknown_turns: 2,
        },
      ],
    })
    expect(at.sums.asked).toEqual([{ by: 'key', fromMs: null, toMs: null }])
  })

  test.each([
    ['account', { ...unknown }, { account: null }],
    ['model', { ...known, name: 'gpt-5.5' }, { model: 'gpt-5.5' }],
    ['day', { ...known, name: '2026-11-21' }, { day: '2026-11-21' }],
  ] as const)('names what it sums up by: %s', async (by, row, named) => {
    const at = await rig()
    at.sums.rows.push(row)
    expect(bodyOf('usage', await at.get(`/admin/api/usage?by=${by}`)).rows.map((one) => one.by)).toEqual([named])
  })

  test('takes days and moments', async () => {
    const at = await rig()
    await at.get('/admin/api/usage?by=day&from=2026-11-01&to=2026-11-21T08:30:00%2B02:00')
    expect(at.sums.asked).toEqual([{ by: 'day', fromMs: Date.UTC(2026, 10, 1), toMs: Date.UTC(2026, 10, 21, 6, 30) }])
  })

  test.each([
    ['by=tier', 'by', 'expected one of key, account, model, day'],
    ['from=yesterday', 'from', 'expected a day, such as 2026-11-21, or a moment'],
    ['to=2026-13-01', 'to', 'expected a day, such as 2026-11-21, or a moment'],
    ['since=2026-11-01', 'since', "'since' is not known here"],
  ])('refuses %s', async (query, param, message) => {
    const at = await rig()
    expect(problemOf(await at.get(`/admin/api/usage?${query}`))).toMatchObject({
      status: 400,
      code: 'invalid_query',
      param,
      message: expect.stringContaining(message) as string,
    })
  })

  test('says when the store does not answer', async () => {
    const at = await rig()
    at.turns.broken = new Error('The store could not be read: disk I/O error')
    expect(problemOf(await at.get('/admin/api/usage'))).toMatchObject({ status: 503, code: 'store_unavailable' })
  })
})
