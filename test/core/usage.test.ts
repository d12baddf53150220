import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { noUsage, readChatUsage, readUsage, type Usage } from '../../src/core/usage.ts'

const whole = {
  input_tokens: 120,
  input_tokens_details: { cached_tokens: 100, cache_write_tokens: 10, cache_write_tokens_details: { ttl_30m_tokens: 4, ttl_12h_tokens: 6 } },
  output_tokens: 30,
  output_tokens_details: { reasoning_tokens: 20 },
  total_tokens: 150,
}

describe('the usage of an answer', () => {
  const read: Usage = { inputTokens: 120, cachedTokens: 100, cacheWriteTokens: 10, longCacheWriteTokens: 0, outputTokens: 30, reasoningTokens: 20 }

  test('is read whole; all of its cache writes are billed alike', () => expect(readUsage(whole)).toEqual(read))

  test('is without what its details do not say', () => {
    const bare: Usage = { ...noUsage, inputTokens: 5, outputTokens: 2 }
    expect(readUsage({ input_tokens: 5, output_tokens: 2 })).toEqual(bare)
    expect(readUsage({ input_tokens: 5, output_tokens: 2, input_tokens_details: null, output_tokens_details: {} })).toEqual(bare)
    expect(readUsage({ input_tokens: 5, output_tokens: 2, input_tokens_details: { cached_tokens: null } })).toEqual(bare)
  })

  // E17
  test.each<[title: string, value: unknown]>([
    ['absent', undefined],
    ['null', null],
    ['a word', 'many'],
    ['a list', [1, 2]],
    ['empty', {}],
    ['without input', { output_tokens: 2 }],
    ['without output', { input_tokens: 2 }],
    ['in words', { ...whole, input_tokens: '120' }],
    ['negative', { ...whole, output_tokens: -1 }],
    ['broken', { ...whole, output_tokens: 1.5 }],
    ['beyond counting', { ...whole, output_tokens: 2 ** 53 }],
    ['NaN', { ...whole, input_tokens: Number.NaN }],
    ['with details that are no object', { ...whole, input_tokens_details: 7 }],
    ['with a wrong detail', { ...whole, output_tokens_details: { reasoning_tokens: 'all' } }],
    ['with a negative detail', { ...whole, input_tokens_details: { cached_tokens: -1 } }],
    ['with more taken from a cache than was read', { ...whole, input_tokens_details: { cached_tokens: 121 } }],
    ['with more cached and written than was read', { ...whole, input_tokens_details: { cached_tokens: 100, cache_write_tokens: 21 } }],
  ])('is unknown when it is %s', (_title, value) => {
    expect(readUsage(value)).toBeNull()
  })

  // E17
  test('is unknown or sound, whatever came', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.record({ input_tokens: fc.anything(), output_tokens: fc.integer(), input_tokens_details: fc.anything() })),
        (value) => {
          const usage = readUsage(value)
          if (usage === null) return
          for (const tokens of Object.values(usage)) expect(Number.isSafeInteger(tokens) && tokens >= 0).toBe(true)
          expect(usage.cachedTokens + usage.cacheWriteTokens).toBeLessThanOrEqual(usage.inputTokens)
          expect(usage.longCacheWriteTokens).toBeLessThanOrEqual(usage.cacheWriteTokens)
        },
      ),
    )
  })
})

describe('the usage of an answer of Chat Completions', () => {
  const chat = {
    prompt_tokens: 120,
    completion_tokens: 30,
    total_tokens: 150,
    prompt_tokens_details: { cached_tokens: 100, cache_write_tokens: 10, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 20, accepted_prediction_tokens: 0 },
  }

  test('says the same in other words', () => expect(readChatUsage(chat)).toEqual(readUsage(whole)))

  test('is without what its details do not say', () => {
    expect(readChatUsage({ prompt_tokens: 5, completion_tokens: 2, prompt_tokens_details: null })).toEqual({ ...noUsage, inputTokens: 5, outputTokens: 2 })
  })

  // E17
  test.each<[title: string, value: unknown]>([
    ['null', null],
    ['in the words of Responses', whole],
    ['without an output', { prompt_tokens: 5 }],
    ['in words', { ...chat, prompt_tokens: '120' }],
    ['with a wrong detail', { ...chat, completion_tokens_details: { reasoning_tokens: 0.5 } }],
    ['with more cached and written than was read', { ...chat, prompt_tokens_details: { cached_tokens: 120, cache_write_tokens: 1 } }],
  ])('is unknown when it is %s', (_title, value) => {
    expect(readChatUsage(value)).toBeNull()
  })
})
