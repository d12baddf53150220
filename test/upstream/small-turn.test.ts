import { describe, expect, it } from 'vitest'
import type { Account } from '../../src/core/account.ts'
import type { UpstreamModel } from '../../src/core/ids.ts'
import { parseMapping } from '../../src/core/model.ts'
import { chat } from '../../src/dialect/chat/chat.ts'
import { messages } from '../../src/dialect/messages/messages.ts'
import { responses } from '../../src/dialect/responses/responses.ts'
import type { AnswerBody, AnswerReader, Call, Sent, Transport } from '../../src/ports/transport.ts'
import { probeAccount } from '../../src/upstream/probe.ts'
import { smallOf, smallTurn, textMax } from '../../src/upstream/small-turn.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { account } from './rig.ts'

const credential = { kind: 'api_key', apiKey: 'sk-secret-of-main' } as const

class WholeBody implements AnswerBody {
  readonly closed = Promise.resolve()
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  read(reader: AnswerReader): void {
    queueMicrotask(() => {
      reader.chunk(Buffer.from(this.#text))
      reader.end()
    })
  }

  pause(): void {}
  resume(): void {}
  cancel(): void {}
}

const answer = (status: number, body: unknown, type = 'application/json'): Sent => ({
  kind: 'answer',
  status,
  headers: { 'content-type': type },
  pass: [],
  body: new WholeBody(typeof body === 'string' ? body : JSON.stringify(body)),
})

function scripted(...answers: readonly Sent[]): Transport & { readonly calls: Call[] } {
  const calls: Call[] = []
  return {
    calls,
    send(call) {
      calls.push(call)
      const next = answers[calls.length - 1]
      return next === undefined ? Promise.reject(new Error('one call too many')) : Promise.resolve(next)
    },
  }
}

const asked = ({ method, path, body }: Call) => ({
  at: `${method} ${path}`,
  body: JSON.parse(Buffer.concat(body?.pieces ?? []).toString() || 'null') as unknown,
})
const at = (more: Partial<Account> = {}): Account => ({ ...account('https://upstream.test/v1'), ...more })
const turn = (transport: Transport, of: Account = at(), model: string | null = 'gpt-5.5') =>
  smallTurn({ transport, clock: new VirtualClock(), dialectNamed: () => responses }, { account: of, credential, model: model as UpstreamModel | null })

const usage = { input_tokens: 8, input_tokens_details: { cached_tokens: 0 }, output_tokens: 2, output_tokens_details: { reasoning_tokens: 0 } }
const whole = (text = 'pong') => ({ id: 'resp_1', status: 'completed', output: [{ type: 'message', content: [{ type: 'output_text', text }] }], usage })

describe('a small turn', () => {
  it('asks one question of a few tokens, and gives what was answered', async () => {
    const transport = scripted(answer(200, whole()))
    expect(await turn(transport)).toEqual({
      kind: 'answered',
      model: 'gpt-5.5',
      text: 'pong',
      usage: { inputTokens: 8, cachedTokens: 0, cacheWriteTokens: 0, longCacheWriteTokens: 0, outputTokens: 2, reasoningTokens: 0 },
    })
    expect(transport.calls.map(asked)).toEqual([{ at: 'POST /responses', body: { model: 'gpt-5.5', input: 'ping', max_output_tokens: 16, store: false } }])
  })

  it('asks an upstream that only streams for a stream, without what it does not take', async () => {
    const events = [
      { type: 'response.created', response: { id: 'resp_1', status: 'in_progress' } },
      { type: 'response.completed', response: whole() },
    ]
    const stream = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
    const transport = scripted(answer(200, stream, 'text/event-stream'))
    expect(await turn(transport, at({ upstream: 'codex' }))).toMatchObject({ kind: 'answered', text: 'pong' })
    expect(transport.calls.map(asked)).toMatchObject([{ body: { instructions: '', store: false, stream: true, input: [{ role: 'user' }] } }])
    expect(JSON.stringify(transport.calls.map(asked))).not.toContain('max_output_tokens')
  })

  it('gives the beginning of a long answer, and none of one that said nothing', async () => {
    expect(await turn(scripted(answer(200, whole('x'.repeat(1000)))))).toMatchObject({ text: 'x'.repeat(textMax) })
    expect(await turn(scripted(answer(200, { id: 'resp_1', status: 'incomplete', output: [] })))).toMatchObject({ kind: 'answered', text: '', usage: null })
  })

  it.each([
    ['an error', answer(401, { error: { code: 'invalid_api_key', message: 'no' } }), { kind: 'answer', status: 401 }],
    [
      'a failure inside a success',
      answer(200, { status: 'failed', error: { code: 'server_error', message: 'no' } }),
      { kind: 'told', error: { code: 'server_error' } },
    ],
    ['something else', answer(200, '<html>'), { kind: 'ended' }],
    ['an object that is no answer', answer(200, {}), { kind: 'ended' }],
    ['nothing', { kind: 'signal', signal: { kind: 'unreachable', why: 'refused', handedOver: false, detail: '' } }, { kind: 'unreachable' }],
  ] as const)('that comes to %s says so', async (_what, sent, signal) => {
    expect(await turn(scripted(sent))).toMatchObject({ kind: 'unwell', model: 'gpt-5.5', signal })
  })

  it.each([
    [
      'a failure',
      `data: ${JSON.stringify({ type: 'response.failed', response: { id: 'r', status: 'failed', error: { code: 'slow_down', message: 'no' } } })}\n\n`,
      'told',
    ],
    ['no end', `data: ${JSON.stringify({ type: 'response.created', response: { id: 'r' } })}\n\n`, 'ended'],
    ['an error in JSON', JSON.stringify({ error: { code: 'slow_down', message: 'no' } }), 'told'],
  ])('whose stream comes to %s says so', async (_what, body, kind) => {
    expect(await turn(scripted(answer(200, body, 'text/event-stream')), at({ upstream: 'codex' }))).toMatchObject({ kind: 'unwell', signal: { kind } })
  })
})

describe('a small turn with an account that speaks no Responses', () => {
  const spoken = { chat, messages }
  const turnIn = (dialect: keyof typeof spoken, transport: Transport) =>
    smallTurn(
      { transport, clock: new VirtualClock(), dialectNamed: (name) => ({ ...spoken, responses })[name] },
      { account: at({ dialects: [dialect] }), credential, model: 'm' as UpstreamModel },
    )
  const used = { inputTokens: 8, cachedTokens: 0, cacheWriteTokens: 0, longCacheWriteTokens: 0, outputTokens: 1, reasoningTokens: 0 }
  const chatAnswer = (content: string | null) => ({
    id: 'c',
    object: 'chat.completion',
    model: 'm',
    choices: [{ index: 0, finish_reason: 'length', message: { role: 'assistant', content } }],
    usage: { prompt_tokens: 8, completion_tokens: 1, total_tokens: 9 },
  })
  const messagesAnswer = (...content: object[]) => ({
    id: 'm',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content,
    stop_reason: 'max_tokens',
    usage: { input_tokens: 8, output_tokens: 1 },
  })
  const said = (text: string) => ({ type: 'text', text })

  it.each([
    ['chat', '/chat/completions', chatAnswer('pong'), 'pong'],
    ['chat', '/chat/completions', chatAnswer(null), ''],
    ['messages', '/messages', messagesAnswer(said('po'), { type: 'thinking', thinking: 'hm', signature: 's' }, said('ng')), 'pong'],
    ['messages', '/messages', messagesAnswer(), ''],
  ] as const)('is asked in %s at %s, and %j says what was answered', async (dialect, path, came, text) => {
    const transport = scripted(answer(200, came))
    expect(await turnIn(dialect, transport)).toEqual({ kind: 'answered', model: 'm', text, usage: used })
    expect(transport.calls.map(asked)).toEqual([{ at: `POST ${path}`, body: { model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'ping' }] } }])
  })

  it.each([
    ['chat', 200, { choices: [] }, { kind: 'ended', detail: 'what came back was no Chat Completions answer' }],
    ['chat', 401, { error: { code: 'invalid_api_key', message: 'no' } }, { kind: 'answer', status: 401, error: { code: 'invalid_api_key' } }],
    ['messages', 200, { type: 'completion' }, { kind: 'ended', detail: 'what came back was no Messages answer' }],
    ['messages', 200, { type: 'error', error: { type: 'overloaded_error', message: 'no' } }, { kind: 'told', error: { type: 'overloaded_error' } }],
    ['messages', 401, { type: 'error', error: { type: 'authentication_error', message: 'no' } }, { kind: 'answer', status: 401, error: { message: 'no' } }],
  ] as const)('is in %s unwell where %i with %j came back', async (dialect, status, came, signal) => {
    expect(await turnIn(dialect, scripted(answer(status, came)))).toMatchObject({ kind: 'unwell', model: 'm', signal })
  })
})

describe('a credential that the upstream repeats', () => {
  const { apiKey } = credential

  it.each([
    ['in an answer', answer(200, whole(`your key is ${apiKey}`))],
    ['in an error', answer(401, { error: { code: apiKey, message: `no: ${apiKey}`, param: apiKey, type: apiKey } })],
    ['in a failure inside a success', answer(200, { status: 'failed', error: { code: apiKey, message: apiKey } })],
  ])('is hidden %s', async (_where, sent) => {
    const said = JSON.stringify(await turn(scripted(sent)))
    expect(said).toContain('****')
    expect(said).not.toContain(apiKey)
  })

  it('is hidden in what a probe comes to', async () => {
    const transport = scripted(answer(401, { error: { code: apiKey, message: `no: ${apiKey}` } }))
    const probed = await probeAccount({ transport, clock: new VirtualClock(), dialectNamed: () => responses }, at(), credential)
    expect(probed).toMatchObject({ kind: 'unwell', signal: { error: { code: '****', message: 'no: ****' } } })
  })
})

describe('the model of a small turn that nobody named', () => {
  const list = { data: [{ id: 'gpt-5.5' }, { id: 'gpt-audio-mini' }, { id: 'gpt-5.5-mini' }, { id: 'text-embedding-4' }] }

  it('is the first that the mapping names', async () => {
    const transport = scripted(answer(200, whole()))
    expect(await turn(transport, at({ mapping: parseMapping({ a: 'mapped', b: 'other' }, false) }), null)).toMatchObject({ model: 'mapped' })
    expect(transport.calls).toHaveLength(1)
  })

  it('is else a small one that the upstream lists', async () => {
    const transport = scripted(answer(200, list), answer(200, whole()))
    expect(await turn(transport, at({ mapping: parseMapping({}, false) }), null)).toMatchObject({ kind: 'answered', model: 'gpt-5.5-mini' })
    expect(transport.calls.map((call) => `${call.method} ${call.path}`)).toEqual(['GET /models', 'POST /responses'])
  })

  it('is unknown where the upstream lists none', async () => {
    expect(await turn(scripted(answer(404, '')), at({ mapping: parseMapping({}, false) }), null)).toEqual({ kind: 'no-model' })
  })

  const names = list.data.map(({ id }) => id)
  it.each([
    ['none of those that the mapping does not yield', { 'gpt-*': 'other-*' }, true, names, null],
    ['one that a wildcard yields', { 'gpt-*': 'gpt-*' }, true, ['o3', 'gpt-5.5'], 'gpt-5.5'],
    ['none that stands for another', { 'gpt-5.5-mini': 'gpt-5.5' }, false, names, 'gpt-5.5'],
    ['one that answers in text rather than another', {}, false, ['dall-e-3', 'gpt-5.5'], 'gpt-5.5'],
    ['the only one there is', {}, false, ['whisper-1'], 'whisper-1'],
  ] as const)('is %s', (_what, mapping, onlyMapped, listed, model) => {
    expect(smallOf(at({ mapping: parseMapping(mapping, onlyMapped) }), listed)).toBe(model)
  })
})
