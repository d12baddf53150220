import { context, ROOT_CONTEXT, SpanStatusCode, trace, TraceFlags, type ContextManager } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AccountId, ClientModel, KeyId, TurnId, UpstreamModel } from '../../src/core/ids.ts'
import type { AttemptRecord, TurnOpened, TurnSettled } from '../../src/core/record.ts'
import { isAnybodyThere, openTelemetry } from '../../src/observe/trace.ts'
import { leaveSpans, spans, takeSpans } from '../support/spans.ts'

const clientTrace = '0af7651916cd43dd8448eb211c80319c'
const clientSpan = 'b7ad6b7169203331'

const opened: TurnOpened = {
  id: 'turn-1' as TurnId,
  key: 'laptop' as KeyId,
  endpoint: 'responses',
  transport: 'http',
  model: 'fast-model' as ClientModel,
  startedAtMs: 1010,
  tierRequested: 'fast',
}

const attempt: AttemptRecord = {
  account: 'main' as AccountId,
  upstreamModel: 'gpt-5.5' as UpstreamModel,
  transport: 'http',
  outcome: 'completed',
  failure: null,
  status: 200,
  code: null,
  startedAtMs: 1020,
  firstOutputMs: 5,
  durationMs: 80,
  because: 'priority 1',
  notChosen: [],
  usage: { inputTokens: 1200, cachedTokens: 1000, cacheWriteTokens: 3, longCacheWriteTokens: 2, outputTokens: 88, reasoningTokens: 20 },
  price: null,
}

const settled: TurnSettled = {
  opened,
  outcome: 'completed',
  code: null,
  firstOutputMs: 412.4,
  durationMs: 90,
  tier: { requested: 'fast', sent: null, served: 'default', billed: 'default' },
  usage: attempt.usage,
  charge: { nanoUsd: null, estimatedNanoUsd: null, notionalNanoUsd: null },
  attempts: [attempt],
  owned: null,
}

const turn = (headers = {}) => openTelemetry('0.1.0').turn({ opened, receivedAtMs: 1000, headers })
const begun = { account: attempt.account, model: attempt.upstreamModel, startedAtMs: 1020 }

beforeEach(takeSpans)
afterEach(leaveSpans)

describe('a turn that is followed', () => {
  test('is a span from its request to its last byte, with one child for each attempt', () => {
    const span = turn()
    const failed = span.attempt({ ...begun, account: 'first' as AccountId })
    failed.ended({
      ...attempt,
      account: 'first' as AccountId,
      outcome: 'failed',
      failure: 'quota',
      status: 429,
      code: 'usage_limit_reached',
      usage: null,
      durationMs: 10,
    })
    span.attempt({ ...begun, startedAtMs: 1040 }).ended({ ...attempt, startedAtMs: 1040 })
    span.settled({ ...settled, attempts: [attempt, attempt] })
    span.close(1130)
    expect(spans.map(({ name, parent, startMs, endMs, status }) => ({ name, parent, startMs, endMs, status }))).toEqual([
      { name: 'turn fast-model', parent: null, startMs: 1000, endMs: 1130, status: SpanStatusCode.UNSET },
      { name: 'chat gpt-5.5', parent: spans[0]?.id, startMs: 1020, endMs: 1030, status: SpanStatusCode.ERROR },
      { name: 'chat gpt-5.5', parent: spans[0]?.id, startMs: 1040, endMs: 1120, status: SpanStatusCode.UNSET },
    ])
  })

  test.each([
    ['responses', 'chat', 'openai'],
    ['input_tokens', 'count_tokens', 'openai'],
    ['chat', 'chat', 'openai'],
    ['embeddings', 'embeddings', 'openai'],
    ['moderations', 'moderate', 'openai'],
    ['images', 'generate_images', 'openai'],
    ['messages', 'chat', 'anthropic'],
    ['count_tokens', 'count_tokens', 'anthropic'],
  ] as const)('of %s is by the conventions %s, in the protocol of %s', (endpoint, operation, provider) => {
    const span = openTelemetry('0.1.0').turn({ opened: { ...opened, endpoint }, receivedAtMs: 1000, headers: {} })
    span.attempt(begun).ended(attempt)
    span.close(1130)
    expect(spans[1]?.name).toBe(`${operation} gpt-5.5`)
    expect(spans[1]?.attributes).toMatchObject({ 'gen_ai.operation.name': operation, 'gen_ai.provider.name': provider })
  })

  test('says what the conventions have a name for by that name, and the rest by ours', () => {
    const span = turn()
    span.attempt(begun).ended(attempt)
    span.settled(settled)
    span.close(1130)
    expect(spans.map(({ attributes }) => attributes)).toEqual([
      {
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': 'fast-model',
        'openai.request.service_tier': 'fast',
        'openai.response.service_tier': 'default',
        'turnout.turn': 'turn-1',
        'turnout.key': 'laptop',
        'turnout.endpoint': 'responses',
        'turnout.transport': 'http',
        'turnout.outcome': 'completed',
        'turnout.attempts': 1,
        'turnout.first_output_ms': 412,
      },
      {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'gpt-5.5',
        'gen_ai.usage.input_tokens': 1200,
        'gen_ai.usage.output_tokens': 88,
        'gen_ai.usage.cache_read.input_tokens': 1000,
        'gen_ai.usage.cache_creation.input_tokens': 3,
        'http.response.status_code': 200,
        'turnout.turn': 'turn-1',
        'turnout.account': 'main',
        'turnout.attempt': 1,
        'turnout.transport': 'http',
        'turnout.outcome': 'completed',
        'turnout.because': 'priority 1',
      },
    ])
  })

  test.each([
    ['failed', SpanStatusCode.ERROR, 'server_error'],
    ['refused', SpanStatusCode.UNSET, undefined],
    ['cancelled', SpanStatusCode.UNSET, undefined],
  ] as const)('is an error where it %s: only what is nobody else’s fault counts', (outcome, status, type) => {
    const span = turn()
    span.settled({ ...settled, outcome, code: 'server_error' })
    span.close(1130)
    expect([spans[0]?.status, spans[0]?.attributes['error.type']]).toEqual([status, type])
  })

  test('goes on where the client left off, and its upstream where the attempt is', () => {
    const said = turn({ traceparent: `00-${clientTrace}-${clientSpan}-01`, tracestate: 'old=1' }).attempt(begun).headers
    expect(spans.map(({ parent, trace: of }) => [of, parent])).toEqual([
      [clientTrace, clientSpan],
      [clientTrace, spans[0]?.id],
    ])
    expect(said).toEqual({ traceparent: `00-${clientTrace}-${spans[1]?.id}-01`, tracestate: undefined })
  })

  test('goes on from what an SDK has opened for the request already', () => {
    const watching = trace.setSpanContext(ROOT_CONTEXT, { traceId: '2'.repeat(32), spanId: '3'.repeat(16), traceFlags: TraceFlags.SAMPLED })
    const manager: ContextManager = {
      active: () => watching,
      with: (_of, run, self, ...args) => run.call(self, ...args),
      bind: (_of, target) => target,
      enable: () => manager,
      disable: () => manager,
    }
    context.setGlobalContextManager(manager)
    turn({ traceparent: `00-${clientTrace}-${clientSpan}-01` })
    expect([spans[0]?.trace, spans[0]?.parent]).toEqual(['2'.repeat(32), '3'.repeat(16)])
  })

  test('ends an attempt of which nobody wrote down how it ended, and ends none twice', () => {
    const span = turn()
    const first = span.attempt(begun)
    span.attempt({ ...begun, startedAtMs: 1050 })
    first.ended(attempt)
    span.close(1130)
    expect(spans.map(({ endMs, status, attributes }) => [endMs, status, attributes['error.type']])).toEqual([
      [1130, SpanStatusCode.UNSET, undefined],
      [1050, SpanStatusCode.ERROR, 'bug'],
      [1130, SpanStatusCode.ERROR, 'bug'],
    ])
  })
})

describe('where no SDK is loaded', () => {
  beforeEach(leaveSpans)

  test('nobody is there, and the client’s own headers pass as they are', () => {
    expect(isAnybodyThere()).toBe(false)
    const span = turn({ traceparent: `00-${clientTrace}-${clientSpan}-01` })
    expect(span.attempt(begun).headers).toEqual({})
    span.close(1130)
    expect(spans).toEqual([])
  })
})

test('somebody is there who has registered', () => expect(isAnybodyThere()).toBe(true))
