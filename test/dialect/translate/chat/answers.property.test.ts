import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../src/dialect/json.ts'
import { chatTranslator } from '../../../../src/dialect/translate/chat/translator.ts'
import type { HubEvent } from '../../../../src/dialect/translate/hub.ts'
import { chunk, dataOf, finish, gathered, readAll, telling, usageChunk, writeAll } from './streams.ts'

const text = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' })

const usage = {
  prompt_tokens: 120,
  completion_tokens: 30,
  total_tokens: 150,
  prompt_tokens_details: { cached_tokens: 100, cache_write_tokens: 10, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 20, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
}

interface Answer {
  readonly pieces: readonly string[]
  readonly refusals: readonly string[]
  readonly calls: readonly { readonly type: 'function' | 'custom'; readonly name: string; readonly pieces: readonly string[] }[]
  readonly isCut: boolean
}
const answer: fc.Arbitrary<Answer> = fc.record({
  pieces: fc.array(text),
  refusals: fc.array(text, { maxLength: 2 }),
  calls: fc.array(fc.record({ type: fc.constantFrom('function', 'custom'), name: text, pieces: fc.array(text) }), { maxLength: 3 }),
  isCut: fc.boolean(),
})

const reasonOf = ({ calls, isCut }: Answer): string => (isCut ? 'length' : calls.length > 0 ? 'tool_calls' : 'stop')

function entryOf(index: number, { type, name }: Answer['calls'][number], input: string, isFirst: boolean): Json {
  const named = isFirst ? { name } : {}
  const inner = type === 'function' ? { ...named, arguments: input } : { ...named, input }
  return { ...(isFirst ? { id: `call_${index}`, type } : {}), index, [type]: inner }
}

function chunksOf(all: Answer): readonly Json[] {
  return [
    chunk({ role: 'assistant', content: '' }),
    ...all.pieces.map((content) => chunk({ content })),
    ...all.refusals.map((refusal) => chunk({ refusal })),
    ...all.calls
      .flatMap((call, index) => [entryOf(index, call, '', true), ...call.pieces.map((input) => entryOf(index, call, input, false))])
      .map((entry) => chunk({ tool_calls: [entry] })),
    finish(reasonOf(all)),
    usageChunk(usage),
  ]
}

function wholeOf(all: Answer): Json {
  const content = all.pieces.join('')
  const refusal = all.refusals.join('')
  const calls = all.calls.map((call, index) => {
    const { index: _index, ...entry } = entryOf(index, call, call.pieces.join(''), true)
    return entry
  })
  const isSilent = content === '' && (refusal !== '' || calls.length > 0)
  return {
    id: 'chatcmpl-abc',
    object: 'chat.completion',
    created: 1_795_000_005,
    model: 'gpt-5.5',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: isSilent ? null : content,
          refusal: refusal === '' ? null : refusal,
          annotations: [],
          ...(calls.length === 0 ? {} : { tool_calls: calls }),
        },
        logprobs: null,
        finish_reason: reasonOf(all),
      },
    ],
    usage,
  }
}

const terminalOf = (events: readonly HubEvent[]): Json => events.at(-1)?.['response'] as Json

describe('an answer', () => {
  test('is the same in the hub, whether it came whole or as a stream', () => {
    fc.assert(
      fc.property(answer, (all) => {
        expect(terminalOf(readAll(chunksOf(all)))).toEqual(chatTranslator.answerToHub(wholeOf(all), telling))
      }),
    )
  })

  test('is itself again after the way there and back', () => {
    fc.assert(
      fc.property(answer, (all) => {
        const whole = wholeOf(all)
        expect(chatTranslator.answerFromHub(chatTranslator.answerToHub(whole, telling), telling)).toEqual(whole)
      }),
    )
  })

  test('as a stream says the same after the way there and back', () => {
    fc.assert(
      fc.property(answer, (all) => {
        expect(gathered(dataOf(writeAll(readAll(chunksOf(all)))))).toEqual(gathered([...chunksOf(all), null]))
      }),
    )
  })

  test('of the hub says the same as a stream of Chat and as a whole', () => {
    fc.assert(
      fc.property(answer, (all) => {
        const events = readAll(chunksOf(all))
        const whole = chatTranslator.answerFromHub(terminalOf(events), telling)
        const { message, finish_reason: reason } = (whole['choices'] as readonly { message: Json; finish_reason: unknown }[])[0] ?? {
          message: {},
          finish_reason: null,
        }
        const stream = gathered(dataOf(writeAll(events)))
        expect({ text: stream.text, refusal: stream.refusal, finish: stream.finish, usage: stream.usage }).toEqual({
          text: message['content'] ?? '',
          refusal: message['refusal'] ?? '',
          finish: reason,
          usage: whole['usage'],
        })
      }),
    )
  })

  test('of the hub comes back from Chat with the same items', () => {
    fc.assert(
      fc.property(answer, (all) => {
        const events = readAll(chunksOf(all))
        const chunks = dataOf(writeAll(events)).flatMap((each) => (each === null ? [] : [each]))
        expect(terminalOf(readAll(chunks))).toEqual(terminalOf(events))
      }),
    )
  })
})
