import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../../../src/dialect/json.ts'
import type { HubEvent } from '../../../../src/dialect/translate/hub.ts'
import { messagesTranslator } from '../../../../src/dialect/translate/messages/translator.ts'
import { responsesTranslator } from '../../../../src/dialect/translate/responses-translator.ts'
import { upstream } from '../../../support/upstream.ts'
import {
  argumentsDelta,
  callAdded,
  callEvents,
  callItem,
  completed,
  created,
  done,
  incomplete,
  messageItem,
  reasoningItem,
  response,
  summaryDelta,
  textDelta,
  textEvents,
} from './hub-events.ts'
import { blockStart, blockStop, ending, readAll, start, stop, telling, textBlock, thinkingBlock, toolBlock } from './support.ts'

/** Serves these bytes, whatever is asked. */
const serving = (bytes: readonly Buffer[] | Json) =>
  upstream((_request, answer) => {
    answer.setHeader('content-type', Array.isArray(bytes) ? 'text/event-stream' : 'application/json')
    answer.end(Array.isArray(bytes) ? Buffer.concat(bytes) : JSON.stringify(bytes))
  })

const anthropic = async (bytes: readonly Buffer[] | Json) => new Anthropic({ apiKey: 'k', baseURL: (await serving(bytes)).replace(/\/v1$/, ''), maxRetries: 0 })
const openai = async (bytes: readonly Buffer[] | Json) => new OpenAI({ apiKey: 'k', baseURL: await serving(bytes), maxRetries: 0 })

const asked = { model: 'm', max_tokens: 64, messages: [{ role: 'user' as const, content: 'hi' }] }

function written(...events: readonly HubEvent[]): readonly Buffer[] {
  const writer = messagesTranslator.writer(telling())
  return events.flatMap((event) => writer.write(event))
}

describe('Anthropic’s client reads what is written', () => {
  it('of thoughts, a text and two calls', async () => {
    const stream = (
      await anthropic(
        written(
          created,
          summaryDelta(0, 'h'),
          summaryDelta(0, 'm'),
          done(0, reasoningItem(0, 'gAAA', 'hm')),
          ...textEvents(1, 'Let me ', 'see.'),
          ...callEvents(2, '{"q"', ':1}'),
          ...callEvents(3, '{}'),
          completed(),
        ),
      )
    ).messages.stream(asked)
    const heard: string[] = []
    stream.on('text', (delta) => heard.push(delta))
    stream.on('thinking', (delta) => heard.push(delta))
    const message = await stream.finalMessage()
    expect(heard).toEqual(['h', 'm', 'Let me ', 'see.'])
    expect(message).toMatchObject({
      id: 'msg_abc',
      model: 'gpt-up',
      stop_reason: 'tool_use',
      content: [
        { type: 'thinking', thinking: 'hm', signature: 'turnout.responses.gAAA' },
        { type: 'text', text: 'Let me see.' },
        { type: 'tool_use', id: 'call_2', name: 'lookup', input: { q: 1 } },
        { type: 'tool_use', id: 'call_3', name: 'lookup', input: {} },
      ],
      usage: {
        input_tokens: 10,
        cache_creation_input_tokens: 5,
        cache_read_input_tokens: 100,
        output_tokens: 30,
        output_tokens_details: { thinking_tokens: 20 },
      },
    })
  })

  it('of items that overlap', async () => {
    const events = [created, textDelta(0, 'a'), callAdded(1), callAdded(2), argumentsDelta(1, '{}'), textDelta(0, 'b')]
    const ends = [done(0, messageItem(0, 'ab')), done(1, callItem(1, '{}')), done(2, callItem(2, '{"q":1}')), completed()]
    const message = await (await anthropic(written(...events, ...ends))).messages.stream(asked).finalMessage()
    expect(message.content).toMatchObject([{ text: 'a' }, { id: 'call_1' }, { text: 'b' }, { id: 'call_2', input: { q: 1 } }])
  })

  it('of a call that a limit cut', async () => {
    const events = [created, callAdded(0), argumentsDelta(0, '{"q": 1, "r"'), incomplete('max_output_tokens')]
    const message = await (await anthropic(written(...events))).messages.stream(asked).finalMessage()
    expect(message).toMatchObject({ stop_reason: 'max_tokens', content: [{ type: 'tool_use', input: { q: 1 } }] })
  })

  it('as a whole', async () => {
    const whole = messagesTranslator.answerFromHub(response({ output: [messageItem(0, 'Hi'), callItem(1, '{"q":1}')] }), telling())
    const message = await (await anthropic(whole)).messages.create(asked)
    expect(message).toMatchObject({ stop_reason: 'tool_use', content: [{ text: 'Hi' }, { input: { q: 1 } }], usage: { input_tokens: 10 } })
  })
})

const memo = { customTools: new Set(['apply_patch']), toolNames: new Map<string, string>() }

function hubBytes(...events: readonly Json[]): readonly Buffer[] {
  const writer = responsesTranslator.writer(telling())
  return readAll(events, { memo }).flatMap((event) => writer.write(event))
}

describe('OpenAI’s client reads what is read', () => {
  it('of thoughts, a text, a call and a patch', async () => {
    const bytes = hubBytes(
      start(),
      { type: 'ping' },
      ...thinkingBlock(0, 'EqQB', 'h', 'm'),
      blockStart(1, { type: 'redacted_thinking', data: 'EqQC' }),
      blockStop(1),
      ...textBlock(2, 'Let me ', 'see.'),
      ...toolBlock(3, 'lookup', '{"q"', ':1}'),
      ...toolBlock(4, 'apply_patch', '{"input":"*** Begin', ' Patch"}'),
      ...toolBlock(5, 'now'),
      ending('tool_use'),
      stop,
    )
    const stream = (await openai(bytes)).responses.stream({ model: 'm', input: 'hi' })
    let heard = ''
    stream.on('response.output_text.delta', (event) => (heard += event.delta))
    const final = await stream.finalResponse()
    expect(heard).toBe('Let me see.')
    expect(final).toMatchObject({
      id: 'resp_abc',
      status: 'completed',
      output_text: 'Let me see.',
      usage: { input_tokens: 115, output_tokens: 30, total_tokens: 145 },
      output: [
        { type: 'reasoning', summary: [{ text: 'hm' }] },
        { type: 'reasoning', summary: [] },
        { type: 'message', status: 'completed' },
        { type: 'function_call', call_id: 'toolu_3', name: 'lookup', arguments: '{"q":1}' },
        { type: 'custom_tool_call', call_id: 'toolu_4', name: 'apply_patch', input: '*** Begin Patch' },
        { type: 'function_call', call_id: 'toolu_5', name: 'now', arguments: '{}' },
      ],
    })
  })

  it('of an answer that a limit cut', async () => {
    const stream = (await openai(hubBytes(start(), ...textBlock(0, 'a'), ending('max_tokens'), stop))).responses.stream({ model: 'm', input: 'hi' })
    expect(await stream.finalResponse()).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output_text: 'a' })
  })

  it('of an answer that broke off', async () => {
    const stream = (await openai(hubBytes(start(), ...textBlock(0, 'a')))).responses.stream({ model: 'm', input: 'hi' })
    expect(await stream.finalResponse()).toMatchObject({ status: 'failed', error: { code: 'server_error' } })
  })

  it('as a whole', async () => {
    const content = [
      { type: 'text', text: 'Hi' },
      { type: 'tool_use', id: 't', name: 'lookup', input: { q: 1 } },
    ]
    const message = { id: 'msg_abc', model: 'claude-up', content, stop_reason: 'tool_use', usage: { input_tokens: 1, output_tokens: 2 } }
    const answer = await (await openai(messagesTranslator.answerToHub(message, telling()))).responses.create({ model: 'm', input: 'hi' })
    expect(answer).toMatchObject({ id: 'resp_abc', output_text: 'Hi', usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 } })
  })
})
