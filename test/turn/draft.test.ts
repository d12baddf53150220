import { describe, expect, test } from 'vitest'
import type { Bill, Used } from '../../src/core/charge.ts'
import type { AttemptRecord } from '../../src/core/record.ts'
import type { Usage } from '../../src/core/usage.ts'
import { Draft, ownedBy, type Told } from '../../src/turn/draft.ts'
import type { Ask } from '../../src/turn/world.ts'
import { accountId, upstreamName } from '../support/accounts.ts'

const asked = {
  id: 't',
  caller: { key: 'k' },
  turn: { endpoint: 'responses', model: 'm', tier: { kind: 'known', tier: 'priority', raw: 'fast' } },
} as unknown as Ask
const used = (tokens: number): Usage => ({
  inputTokens: tokens,
  cachedTokens: tokens * 3,
  cacheWriteTokens: tokens * 7,
  longCacheWriteTokens: tokens * 5,
  outputTokens: tokens * 11,
  reasoningTokens: tokens * 13,
})

function attempt(startedAtMs: number, durationMs: number, usage: Usage | null = null): AttemptRecord {
  const rest = { transport: 'http', outcome: 'failed', failure: null, status: null, code: null, firstOutputMs: null, because: '', notChosen: [] } as const
  return { account: accountId('a'), upstreamModel: upstreamName('m'), ...rest, startedAtMs, durationMs, usage, price: null }
}

const nothing: Bill = { kind: 'nothing' }
const answered = (usage: Usage | null, tierServed: string | null = null) => ({ outcome: 'completed', code: null, usage, tierServed, owned: null }) as const

describe('the record of a turn', () => {
  test('counts what failed attempts are known to have used', () => {
    const draft = new Draft(asked, 1000)
    draft.attempted(attempt(1000, 10, used(5)), nothing)
    draft.attempted(attempt(1010, 10, used(7)), nothing)
    expect(draft.settled(answered(used(7)), 1020).usage).toEqual(used(12))
  })

  // E17
  test('knows no usage where the answer told none', () => {
    const draft = new Draft(asked, 1000)
    draft.attempted(attempt(1000, 10, used(5)), nothing)
    draft.attempted(attempt(1010, 10), nothing)
    expect(draft.settled(answered(null), 1020).usage).toBeNull()
  })

  // C15
  test.each([
    ['the tier that was served', 'fast', 'flex', 'flex', 'flex'],
    ['the normal word for the tier that was served', null, 'fast', 'fast', 'priority'],
    ['the tier that was sent, where the upstream did not say', 'priority', null, null, 'priority'],
    ['no tier, where none was sent and none was told', null, null, null, null],
  ])('bills %s', (_, sent, told, served, billed) => {
    const draft = new Draft(asked, 1000)
    draft.sending(sent)
    expect(draft.settled(answered(null, told), 1020).tier).toEqual({ requested: 'fast', sent, served, billed })
  })

  // G4
  test.each<readonly [title: string, told: Told, used: Used]>([
    [
      'what its upstream told, at the tier that was served',
      { usage: used(5), tierServed: 'flex', guessedOutput: 9 },
      { kind: 'known', usage: used(5), tier: 'flex' },
    ],
    [
      'at the tier that was sent, where the upstream did not say',
      { usage: used(5), tierServed: null, guessedOutput: 9 },
      { kind: 'known', usage: used(5), tier: 'priority' },
    ],
    [
      'what was said to it and what came back, where it told nothing',
      { usage: null, tierServed: null, guessedOutput: 9 },
      { kind: 'guessed', inputTokens: 100, outputTokens: 9, tier: 'priority' },
    ],
    ['nothing, where it refused', { usage: null, tierServed: null, guessedOutput: null }, { kind: 'nothing' }],
  ])('takes an attempt to have used %s', (_title, told, expected) => {
    const draft = new Draft(asked, 1000)
    draft.sending('priority')
    draft.said(400)
    expect(draft.used(told)).toEqual(expected)
  })

  test('takes an attempt that was given up before anything was said to have used nothing', () => {
    const draft = new Draft(asked, 1000)
    draft.sending('priority')
    draft.said(400)
    draft.sending('priority')
    expect(draft.used({ usage: null, tierServed: null, guessedOutput: 0 })).toEqual({ kind: 'nothing' })
  })

  // G3
  test('charges for all of its attempts', () => {
    const draft = new Draft(asked, 1000)
    const bill = (picoUsd: bigint): Bill => ({ kind: 'known', paidBy: 'use', cost: { over: picoUsd, under: 1n }, price: '1/1/1/1' })
    draft.attempted(attempt(1000, 10, used(5)), bill(400n))
    draft.attempted(attempt(1010, 10, used(7)), bill(1400n))
    expect(draft.settled(answered(used(7)), 1020).charge).toEqual({ nanoUsd: 2n, estimatedNanoUsd: null, notionalNanoUsd: null })
  })

  test('knows what the gateway added itself: neither waits, nor failed attempts, nor the upstream', () => {
    const draft = new Draft(asked, 1000)
    draft.attempted(attempt(1001, 100), nothing)
    draft.waited(50)
    draft.upstreamAnswered(1452)
    draft.firstOutput(1454)
    draft.attempted(attempt(1152, 310), nothing)
    // 1 ms before the first attempt, 1 ms between the wait and the second, 2 ms from the upstream's output to ours.
    expect(draft.overheadMs(1000)).toBe(4)
  })

  test('knows of no addition where no output was given', () => {
    const draft = new Draft(asked, 1000)
    draft.attempted(attempt(1001, 100), nothing)
    expect(draft.overheadMs(1000)).toBeNull()
  })
})

test('what an upstream stored belongs to its account; what it stored without an id belongs to nobody', () => {
  expect(ownedBy(['resp_1', null, 'msg_1'], accountId('a'))).toEqual({ ids: ['resp_1', 'msg_1'], account: 'a' })
  expect(ownedBy([null, null], accountId('a'))).toBeNull()
})
