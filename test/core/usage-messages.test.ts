import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { noUsage, readMessagesUsage } from '../../src/core/usage.ts'

const whole = {
  input_tokens: 10,
  cache_creation_input_tokens: 20,
  cache_read_input_tokens: 100,
  cache_creation: { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 15 },
  output_tokens: 30,
  output_tokens_details: { thinking_tokens: 25 },
  server_tool_use: null,
  service_tier: 'standard',
  speed: 'standard',
}

describe('the usage of a message', () => {
  test('is read whole: what caches gave and took is part of the input', () => {
    expect(readMessagesUsage(whole)).toEqual({
      inputTokens: 130,
      cachedTokens: 100,
      cacheWriteTokens: 20,
      longCacheWriteTokens: 15,
      outputTokens: 30,
      reasoningTokens: 25,
    })
  })

  test.each([
    [{ input_tokens: 5, output_tokens: 2 }],
    [
      {
        input_tokens: 5,
        output_tokens: 2,
        cache_creation_input_tokens: null,
        cache_read_input_tokens: null,
        cache_creation: null,
        output_tokens_details: null,
      },
    ],
    [{ input_tokens: 5, output_tokens: 2, cache_creation: {}, output_tokens_details: { thinking_tokens: null } }],
  ])('is without what it does not say: %j', (value) => {
    expect(readMessagesUsage(value)).toEqual({ ...noUsage, inputTokens: 5, outputTokens: 2 })
  })

  test('is of short writes where it does not tell them apart', () => {
    expect(readMessagesUsage({ ...whole, cache_creation: undefined })).toMatchObject({ cacheWriteTokens: 20, longCacheWriteTokens: 0 })
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
    ['in words', { ...whole, input_tokens: '10' }],
    ['negative', { ...whole, output_tokens: -1 }],
    ['broken', { ...whole, cache_read_input_tokens: 1.5 }],
    ['beyond counting', { ...whole, output_tokens: 2 ** 53 }],
    ['beyond counting together', { ...whole, input_tokens: Number.MAX_SAFE_INTEGER }],
    ['with a wrong cache', { ...whole, cache_creation_input_tokens: 'all' }],
    ['with details that are no object', { ...whole, output_tokens_details: 7 }],
    ['with a wrong detail', { ...whole, cache_creation: { ephemeral_1h_input_tokens: -1 } }],
    ['with more written for long than was written', { ...whole, cache_creation: { ephemeral_1h_input_tokens: 21 } }],
  ])('is unknown when it is %s', (_title, value) => expect(readMessagesUsage(value)).toBeNull())

  // E17
  test('is unknown or sound, whatever came', () => {
    const figure = fc.oneof(fc.anything(), fc.integer({ min: 0 }), fc.constant(undefined))
    const odd = fc.record({
      input_tokens: figure,
      output_tokens: figure,
      cache_creation_input_tokens: figure,
      cache_read_input_tokens: figure,
      cache_creation: fc.oneof(fc.anything(), fc.record({ ephemeral_1h_input_tokens: figure })),
    })
    fc.assert(
      fc.property(fc.oneof(fc.anything(), odd), (value) => {
        const usage = readMessagesUsage(value)
        if (usage === null) return
        for (const tokens of Object.values(usage)) expect(Number.isSafeInteger(tokens) && tokens >= 0).toBe(true)
        expect(usage.cachedTokens + usage.cacheWriteTokens).toBeLessThanOrEqual(usage.inputTokens)
        expect(usage.longCacheWriteTokens).toBeLessThanOrEqual(usage.cacheWriteTokens)
      }),
    )
  })
})
