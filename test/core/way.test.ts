import { describe, expect, test } from 'vitest'
import type { UpstreamKind } from '../../src/core/account.ts'
import type { DialectName, Endpoint, Turn } from '../../src/core/turn.ts'
import { isForeign, wayTo } from '../../src/core/way.ts'
import { account, upstreamName } from '../support/accounts.ts'

const turn = (endpoint: Endpoint, reasonsOverTools = false): Turn => ({
  endpoint,
  model: 'mine' as Turn['model'],
  tier: { kind: 'nothing' },
  stream: true,
  references: [],
  stored: false,
  leavesTrace: false,
  affinity: null,
  sealed: [],
  isCodex: false,
  reasonsOverTools,
  wantsUsage: true,
})
const speaking = (dialects: readonly DialectName[], upstream: UpstreamKind = 'openai') => account('a', { dialects, upstream })

describe('the dialect in which an account is asked', () => {
  test.each<[title: string, endpoint: Endpoint, dialects: readonly DialectName[], way: DialectName | null, foreign: boolean]>([
    ['is the client’s own where the account speaks it', 'chat', ['responses', 'chat'], 'chat', false],
    ['is Responses where it does not', 'messages', ['chat', 'responses'], 'responses', true],
    ['is Chat Completions where that is all there is', 'messages', ['chat'], 'chat', true],
    ['is Messages where that is all there is', 'responses', ['messages'], 'messages', true],
    ['is none for what has words in one dialect only', 'compact', ['chat', 'messages'], null, true],
    ['is none for embeddings of an account that has none', 'embeddings', ['responses'], null, true],
    ['is none for moderations of an account that has none', 'moderations', ['responses', 'messages'], null, true],
    ['is none for pictures of an account that has none', 'images', ['responses', 'messages'], null, true],
    ['is Chat Completions’ own for pictures', 'images', ['responses', 'chat'], 'chat', false],
    ['is of no account where tokens are only counted', 'count_tokens', ['responses'], 'messages', true],
  ])('%s', (_title, endpoint, dialects, way, foreign) => {
    expect(wayTo(speaking(dialects), upstreamName('m'), turn(endpoint))).toBe(way)
    expect(isForeign(speaking(dialects), turn(endpoint))).toBe(foreign)
  })

  test.each<[title: string, model: string, tools: boolean, upstream: UpstreamKind, dialects: readonly DialectName[], way: DialectName]>([
    ['a model that takes no tools on Chat is asked in Responses', 'gpt-6.1-sol', true, 'openai', ['responses', 'chat'], 'responses'],
    ['so is its older sister', 'gpt-5.5', true, 'openai', ['chat', 'responses'], 'responses'],
    ['without tools it is asked as it was', 'gpt-6.1-sol', false, 'openai', ['responses', 'chat'], 'chat'],
    ['a model that takes them is asked as it was', 'gpt-4.1', true, 'openai', ['responses', 'chat'], 'chat'],
    ['the first of the family takes them', 'gpt-5-mini', true, 'openai', ['responses', 'chat'], 'chat'],
    ['who else serves such a name may take them', 'gpt-6.1-sol', true, 'openai-compatible', ['responses', 'chat'], 'chat'],
    ['who speaks Chat alone is asked all the same', 'gpt-6.1-sol', true, 'openai', ['chat'], 'chat'],
  ])('%s', (_title, model, tools, upstream, dialects, way) => {
    expect(wayTo(speaking(dialects, upstream), upstreamName(model), turn('chat', tools))).toBe(way)
    expect(isForeign(speaking(dialects, upstream), turn('chat', tools))).toBe(false)
  })
})
