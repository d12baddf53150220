import { afterEach, describe, expect, test } from 'vitest'
import type { TurnId } from '../../src/core/ids.ts'
import type { TurnRow } from '../../src/ports/stores.ts'
import { stopAll } from '../server/support.ts'
import { attempt, opened, settled } from '../storage/samples.ts'
import { bodyOf, problemOf, rig } from './support.ts'

afterEach(stopAll)

/** A turn that failed over once, as the books have it. */
function row(more: Partial<TurnRow> = {}): TurnRow {
  const turn = settled(opened(), {
    attempts: [
      attempt('main', {
        outcome: 'failed',
        failure: 'quota',
        status: 429,
        code: 'usage_limit_reached',
        durationMs: 90.4,
        notChosen: [
          { account: 'backup' as never, why: 'priority 20', count: 1 },
          { account: null, why: 'cooling', count: 12 },
        ],
      }),
      attempt('backup', { notChosen: [] }),
    ],
  })
  const { opened: begun, owned: _, ...rest } = turn
  const { tierRequested: __, ...first } = begun
  return { ...first, ...rest, status: 'settled', ...more }
}

describe('GET turns/{id}', () => {
  test('shows a turn with its attempts, and why the others were not chosen', async () => {
    const at = await rig()
    const turn = row()
    at.rows.push(turn)
    const answer = await at.get(`/admin/api/turns/${turn.id}`)
    expect(bodyOf('turn', answer)).toEqual({
      id: turn.id,
      key: 'laptop',
      endpoint: 'responses',
      transport: 'http',
      model: 'fast-model',
      status: 'settled',
      outcome: 'completed',
      code: null,
      started_at: '2026-11-21T00:00:00.000Z',
      first_output_ms: 412,
      duration_ms: 3120,
      tier: { requested: 'fast', sent: null, served: 'default', billed: 'default' },
      usage: { input_tokens: 1200, cached_tokens: 1000, cache_write_tokens: 150, long_cache_write_tokens: 50, output_tokens: 88, reasoning_tokens: 20 },
      charge_nano_usd: '4140000',
      charge_estimated_nano_usd: null,
      charge_notional_nano_usd: null,
      attempts: [
        {
          account: 'main',
          upstream_model: 'gpt-5.5',
          transport: 'http',
          outcome: 'failed',
          failure: 'quota',
          status: 429,
          code: 'usage_limit_reached',
          started_at: '2026-11-21T00:00:00.000Z',
          duration_ms: 90,
          because: 'priority 10, least loaded',
          not_chosen: [
            { account: 'backup', why: 'priority 20' },
            { account: null, why: 'cooling', count: 12 },
          ],
          price: '5/0.5/5/30',
        },
        {
          account: 'backup',
          upstream_model: 'gpt-5.5',
          transport: 'http',
          outcome: 'completed',
          failure: null,
          status: 200,
          code: null,
          started_at: '2026-11-21T00:00:00.000Z',
          duration_ms: 3120,
          because: 'priority 10, least loaded',
          not_chosen: [],
          price: '5/0.5/5/30',
        },
      ],
    })
  })

  test('an open turn has no outcome, an unknown usage is null and never zero', async () => {
    const at = await rig()
    const turn = row({ status: 'open', outcome: null, usage: null, durationMs: null, firstOutputMs: null, attempts: [] })
    at.rows.push(turn)
    expect(bodyOf('turn', await at.get(`/admin/api/turns/${turn.id}`))).toMatchObject({ status: 'open', outcome: null, usage: null, duration_ms: null })
  })

  test('a turn that nobody knows is 404', async () => {
    const at = await rig()
    expect(problemOf(await at.get('/admin/api/turns/nothing'))).toMatchObject({ status: 404, code: 'unknown_turn', param: 'id' })
  })
})

describe('GET turns', () => {
  test('passes every filter on', async () => {
    const at = await rig()
    const before = row().id
    await at.get(`/admin/api/turns?limit=7&before=${before}&key=laptop&account=main&status=settled&outcome=failed`)
    expect(at.queries).toEqual([{ limit: 7, before, key: 'laptop', account: 'main', status: 'settled', outcome: 'failed' }])
  })

  test('without parameters it is the newest 50', async () => {
    const at = await rig()
    await at.get('/admin/api/turns')
    expect(at.queries).toEqual([{ limit: 50, before: null, key: null, account: null, status: null, outcome: null }])
  })

  test('`next` names the last turn of a full page, and nothing on the last page', async () => {
    const at = await rig()
    at.rows.push(row(), row(), row())
    const first = bodyOf('turns', await at.get('/admin/api/turns?limit=2'))
    expect(first.turns.map((turn) => turn.id)).toEqual([at.rows[0]?.id, at.rows[1]?.id])
    expect(first.next).toBe(at.rows[1]?.id)
    expect(bodyOf('turns', await at.get('/admin/api/turns?limit=4')).next).toBeNull()
  })

  test.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=5&limit=6', 'limit'],
    ['before=yesterday', 'before'],
    ['status=done', 'status'],
    ['outcome=well', 'outcome'],
    ['key=a%20b', 'key'],
    ['acount=main', 'acount'],
  ])('%s is refused by the name of the parameter', async (query, param) => {
    const at = await rig()
    expect(problemOf(await at.get(`/admin/api/turns?${query}`))).toMatchObject({ status: 400, code: 'invalid_query', param })
    expect(at.queries).toEqual([])
  })

  test('the largest page is 100', async () => {
    const at = await rig()
    at.rows.push(...Array.from({ length: 101 }, () => row()))
    expect(bodyOf('turns', await at.get('/admin/api/turns?limit=100')).turns).toHaveLength(100)
  })

  test('a store that cannot be read is 503, and says why', async () => {
    const at = await rig()
    at.turns.broken = new Error('The store cannot be read at the moment.')
    const no = { status: 503, code: 'store_unavailable', message: 'The store cannot be read at the moment.' }
    expect(problemOf(await at.get('/admin/api/turns'))).toMatchObject(no)
    expect(problemOf(await at.get(`/admin/api/turns/${'x' as TurnId}`))).toMatchObject(no)
  })
})
