import { describe, expect, test } from 'vitest'
import type { AttemptRecord } from '../../src/core/record.ts'
import type { Usage } from '../../src/core/usage.ts'
import { Draft, ownedBy } from '../../src/turn/draft.ts'
import type { Ask } from '../../src/turn/world.ts'
import { accountId, upstreamName } from '../support/accounts.ts'

const asked = {
  id: 't',
  caller: { key: 'k' },
  turn: { endpoint: 'responses', model: 'm', tier: { kind: 'known', tier: 'priority', raw: 'fast' } },
} as unknown as Ask
const used = (tokens: number): Usage => ({ inputTokens: tokens, cachedTokens: 0, cacheWriteTokens: 0, outputTokens: tokens, reasoningTokens: 0 })

function attempt(startedAtMs: number, durationMs: number, usage: Usage | null = null): AttemptRecord {
  const rest = { transport: 'http', outcome: 'failed', failure: null, status: null, code: null, firstOutputMs: null, because: '', notChosen: [] } as const
  return { account: accountId('a'), upstreamModel: upstreamName('m'), ...rest, startedAtMs, durationMs, usage }
}

const answered = (usage: Usage | null, tierServed: string | null = null) => ({ outcome: 'completed', code: null, usage, tierServed, owned: null }) as const

describe('the record of a turn', () => {
  test('counts what failed attempts are known to have used', () => {
    const draft = new Draft(asked, 1000)
    draft.attempted(attempt(1000, 10, used(5)))
    draft.attempted(attempt(1010, 10, used(7)))
    expect(draft.settled(answered(used(7)), 1020).usage).toEqual(used(12))
  })

  // E17
  test('knows no usage where the answer told none', () => {
    const draft = new Draft(asked, 1000)
    draft.attempted(attempt(1000, 10, used(5)))
    draft.attempted(attempt(1010, 10))
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

  test('knows what the gateway added itself: neither waits, nor failed attempts, nor the upstream', () => {
    const draft = new Draft(asked, 1000)
    draft.attempted(attempt(1001, 100))
    draft.waited(50)
    draft.upstreamAnswered(1452)
    draft.firstOutput(1454)
    draft.attempted(attempt(1152, 310))
    // 1 ms before the first attempt, 1 ms between the wait and the second, 2 ms from the upstream's output to ours.
    expect(draft.overheadMs(1000)).toBe(4)
  })

  test('knows of no addition where no output was given', () => {
    const draft = new Draft(asked, 1000)
    draft.attempted(attempt(1001, 100))
    expect(draft.overheadMs(1000)).toBeNull()
  })
})

test('what an upstream stored belongs to its account; what it stored without an id belongs to nobody', () => {
  expect(ownedBy(['resp_1', null, 'msg_1'], accountId('a'))).toEqual({ ids: ['resp_1', 'msg_1'], account: 'a' })
  expect(ownedBy([null, null], accountId('a'))).toBeNull()
})
