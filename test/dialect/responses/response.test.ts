import { describe, expect, test } from 'vitest'
import { classify } from '../../../src/core/failure-table.ts'
import type { ClientModel } from '../../../src/core/ids.ts'
import type { Endpoint } from '../../../src/core/turn.ts'
import { noUsage } from '../../../src/core/usage.ts'
import { sealHash } from '../../../src/dialect/question.ts'
import { observeAnswer } from '../../../src/dialect/responses/response.ts'
import { now } from '../../support/signals.ts'

const observe = (said: string | object, endpoint: Endpoint = 'responses', restore: string | null = null) =>
  observeAnswer(Buffer.from(typeof said === 'string' ? said : JSON.stringify(said)), {
    endpoint,
    restore: restore as ClientModel | null,
  })
const textOf = ({ pieces }: { readonly pieces: readonly Buffer[] }) => Buffer.concat(pieces).toString()

const answer = {
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'gpt-5.5',
  service_tier: 'default',
  output: [
    { id: 'rs_1', type: 'reasoning', encrypted_content: 'sealed', summary: [] },
    { id: 'msg_1', type: 'message', content: [{ type: 'output_text', text: 'gpt-5.5' }] },
  ],
  usage: { input_tokens: 5, output_tokens: 2 },
}

describe('a whole answer', () => {
  test('tells its end', () => {
    expect(observe(answer)).toMatchObject({
      end: { status: 'completed', response: 'resp_1', items: ['rs_1', 'msg_1'], usage: { inputTokens: 5, outputTokens: 2 }, tierServed: 'default', code: null },
      signal: null,
      sealed: [sealHash('sealed')],
    })
  })

  test('goes out byte for byte where mapping changed nothing', () => {
    const text = ` ${JSON.stringify(answer, null, 2)}\n`
    const seen = observe(text)
    expect(textOf(seen)).toBe(text)
    expect(seen.bytes).toBe(Buffer.byteLength(text))
  })

  // A11
  test('carries the client’s name of the model, its output unaltered', () => {
    const seen = observe(answer, 'responses', 'alias')
    expect(textOf(seen)).toBe(JSON.stringify(answer).replace('"model":"gpt-5.5"', '"model":"alias"'))
    expect(seen.bytes).toBe(Buffer.byteLength(textOf(seen)))
  })

  test.each<[title: string, status: string, ends: string]>([
    ['that was cut short is incomplete', 'incomplete', 'incomplete'],
    ['that was cancelled has failed', 'cancelled', 'failed'],
  ])('%s, and is no signal', (_title, status, ends) => {
    expect(observe({ ...answer, status })).toMatchObject({ end: { status: ends }, signal: null })
  })

  // B32
  test('that says it failed is judged like a stream that did', () => {
    const seen = observe({ ...answer, status: 'failed', error: { code: 'server_is_overloaded', message: 'busy' } })
    expect(seen).toMatchObject({ end: { status: 'failed', code: 'server_is_overloaded', usage: { inputTokens: 5 } }, signal: { kind: 'told', status: null } })
    expect(seen.signal !== null && classify(seen.signal, now).kind).toBe('overload')
  })

  // B32
  test('that failed without saying why is judged too', () => {
    const seen = observe({ ...answer, status: 'failed', error: null })
    expect(seen.signal !== null && classify(seen.signal, now).kind).toBe('server')
  })

  // E17
  test.each([null, undefined, { input_tokens: 1 }, 'many'])('with usage %j leaves it unknown', (usage) => {
    expect(observe({ ...answer, usage }).end.usage).toBeNull()
  })

  test.each([
    ['no JSON', 'oh no'],
    ['cut off', '{"id":"resp_1","output":['],
    ['no object', '[]'],
    ['nothing', ''],
  ])('that is %s has ended badly, and its bytes are kept', (_title, text) => {
    const seen = observe(text)
    expect(seen).toMatchObject({ end: { status: 'failed', response: null, usage: null }, signal: { kind: 'ended' } })
    expect(textOf(seen)).toBe(text)
  })
})

describe('a compaction', () => {
  const compacted = {
    id: 'cmp_1',
    object: 'response.compaction',
    output: [{ id: 'i', type: 'compaction', encrypted_content: 'x' }],
    usage: { input_tokens: 9, output_tokens: 3 },
  }

  // B35
  test('is booked, and gives no id that could be continued', () => {
    expect(observe(compacted, 'compact')).toMatchObject({
      end: { status: 'completed', response: null, items: [], usage: { inputTokens: 9, outputTokens: 3 } },
      signal: null,
    })
  })
})

describe('a count of tokens', () => {
  // B35
  test('costs nothing', () => {
    const seen = observe({ object: 'response.input_tokens', input_tokens: 77 }, 'input_tokens')
    expect(seen).toMatchObject({ end: { status: 'completed', response: null, usage: noUsage }, signal: null, sealed: [] })
    expect(textOf(seen)).toBe('{"object":"response.input_tokens","input_tokens":77}')
  })
})
