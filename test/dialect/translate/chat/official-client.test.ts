import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream'
import { ResponseStream } from 'openai/lib/responses/ResponseStream'
import { Stream } from 'openai/streaming'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../src/dialect/json.ts'
import type { HubEvent } from '../../../../src/dialect/translate/hub.ts'
import { chunk, finish, readAll, usageChunk, writeAll } from './streams.ts'

/** The official client is fed with what is written here, as if it had come over a connection. */
function bodyOf(events: readonly string[]): Stream<unknown> {
  return Stream.fromSSEResponse(new Response(events.join('')), new AbortController())
}

const sse = (events: readonly HubEvent[]): readonly string[] =>
  events.map((event, at) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: at })}\n\n`)

const call = (index: number, entry: Json): Json => chunk({ tool_calls: [{ index, ...entry }] })
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const tokens = [{ token: 'Hel', logprob: -0.5, bytes: null, top_logprobs: [{ token: 'x', logprob: -1, bytes: null }] }]

const full = [
  chunk({ role: 'assistant', content: '' }),
  chunk({ content: 'Hel' }, { logprobs: { content: tokens, refusal: null } }),
  chunk({ content: 'lo' }),
  chunk({ annotations: [{ type: 'url_citation', url_citation: { start_index: 0, end_index: 1, title: 't', url: 'u' } }] }),
  chunk({ refusal: 'but no' }),
  call(0, { id: 'call_1', type: 'function', function: { name: 'lookup', arguments: '' } }),
  call(1, { id: 'call_2', type: 'custom', custom: { name: 'patch', input: '' } }),
  call(0, { function: { arguments: '{"q":' } }),
  call(1, { custom: { input: '***' } }),
  call(0, { function: { arguments: '1}' } }),
  finish('tool_calls'),
  usageChunk(usage),
]
const named = (id: string, name: string, input = ''): Json => ({ id, type: 'function', function: { name, arguments: input } })
const streams: readonly (readonly [title: string, chunks: readonly Json[], message: Json, finish: string])[] = [
  ['all that an answer may have', full, { content: 'Hello', refusal: 'but no', tool_calls: [{ id: 'call_1' }, { id: 'call_2' }] }, 'tool_calls'],
  ['a text alone', [chunk({ content: 'Hi' }), finish('stop'), usageChunk(usage)], { content: 'Hi', refusal: null }, 'stop'],
  [
    'calls alone, without ids',
    [call(0, { function: { name: 'a' } }), call(1, { function: { name: 'b', arguments: '{}' } }), finish('tool_calls')],
    { tool_calls: [named('call_abc_0', 'a'), named('call_abc_1', 'b', '{}')] },
    'tool_calls',
  ],
  [
    'calls with one id',
    [call(0, { id: 'x', function: { name: 'a' } }), call(1, { id: 'x', function: { name: 'b' } }), finish('tool_calls')],
    { tool_calls: [named('x', 'a'), named('call_abc_1', 'b')] },
    'tool_calls',
  ],
  [
    'a text behind a call',
    [call(0, { id: 'x', function: { name: 'a' } }), chunk({ content: 'Hi' }), finish('tool_calls')],
    { content: 'Hi', tool_calls: [named('x', 'a')] },
    'tool_calls',
  ],
  [
    'an answer that is cut short',
    [chunk({ content: 'Hi' }), call(0, { id: 'x', function: { name: 'a', arguments: '{' } }), finish('length')],
    { content: 'Hi', tool_calls: [named('x', 'a', '{')] },
    'length',
  ],
  ['an answer that was filtered', [chunk({ content: 'Hi' }), finish('content_filter')], { content: 'Hi' }, 'content_filter'],
  ['nothing', [finish('stop')], { role: 'assistant' }, 'stop'],
]

describe("the official client's helper for Responses takes", () => {
  test.each(streams)('%s', async (_title, chunks) => {
    const events = readAll(chunks)
    const final = await ResponseStream.fromReadableStream(bodyOf(sse(events)).toReadableStream()).finalResponse()
    const told = events.at(-1)?.['response'] as Json
    expect(final.status).toBe(told['status'])
    expect(final.output).toMatchObject(told['output'] as object)
  })

  test('each of its items as the deltas have made it, before it is closed', async () => {
    const stream = ResponseStream.fromReadableStream(bodyOf(sse(readAll(full))).toReadableStream())
    const snapshots: string[] = []
    stream.on('response.output_text.delta', (event) => void snapshots.push((event as unknown as { snapshot: string }).snapshot))
    stream.on('response.function_call_arguments.delta', (event) => void snapshots.push(event.snapshot))
    await stream.done()
    expect(snapshots).toEqual(['Hel', 'Hello', '{"q":', '{"q":1}'])
  })

  test('a failure without throwing', async () => {
    const final = await ResponseStream.fromReadableStream(bodyOf(sse(readAll([chunk({ content: 'Hi' })]))).toReadableStream()).finalResponse()
    expect(final).toMatchObject({ status: 'failed', error: { code: 'server_error' } })
  })
})

describe("the official client's helper for Chat takes", () => {
  test.each(streams)('%s', async (_title, chunks, message, reason) => {
    const { choices } = await ChatCompletionStream.fromReadableStream(bodyOf(writeAll(readAll(chunks))).toReadableStream()).finalChatCompletion()
    expect(choices).toMatchObject([{ message, finish_reason: reason }])
  })

  test('usage, sources, log probabilities and calls whole', async () => {
    const final = await ChatCompletionStream.fromReadableStream(bodyOf(writeAll(readAll(full))).toReadableStream()).finalChatCompletion()
    expect(final.usage).toMatchObject(usage)
    expect(final.choices[0]?.logprobs).toMatchObject({ content: [{ token: 'Hel', logprob: -0.5, top_logprobs: [{ token: 'x' }] }] })
    expect(final.choices[0]?.message).toMatchObject({
      annotations: [{ type: 'url_citation', url_citation: { start_index: 0, end_index: 1, title: 't', url: 'u' } }],
      tool_calls: [named('call_1', 'lookup', '{"q":1}'), { id: 'call_2', type: 'custom', custom: { name: 'patch', input: '***' } }],
    })
  })
})
