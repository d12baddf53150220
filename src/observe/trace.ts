import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer as Api,
} from '@opentelemetry/api'
import type { AttemptRecord, TurnOpened, TurnSettled } from '../core/record.ts'
import { dialectOf } from '../core/turn.ts'
import type { Headers } from '../lib/headers.ts'
import type { AttemptSpan, Tracer, TurnSpan } from '../ports/tracer.ts'
import { genAi, operations, providers, usageAttributes } from './genai.ts'

/** What we say of a turn for which the conventions have no name. Values are names of the configuration and words of ours, and the client's name of a model. */
const own = {
  turn: 'turnout.turn',
  key: 'turnout.key',
  endpoint: 'turnout.endpoint',
  transport: 'turnout.transport',
  outcome: 'turnout.outcome',
  code: 'turnout.code',
  attempts: 'turnout.attempts',
  firstOutputMs: 'turnout.first_output_ms',
  account: 'turnout.account',
  attempt: 'turnout.attempt',
  because: 'turnout.because',
  failure: 'turnout.failure',
} as const

/**
 * Spans by way of OpenTelemetry's API, which does nothing until somebody registers an SDK in this process (`NODE_OPTIONS="--import …"`): where spans go,
 * and how many, is said there.
 */
export function openTelemetry(version: string): Tracer {
  const api = trace.getTracer('turnout', version)
  return { turn: ({ opened, receivedAtMs, headers }) => new OneTurn(api, opened, receivedAtMs, parentOf(headers)) }
}

/** Whether somebody in this process takes spans. */
export function isAnybodyThere(): boolean {
  // Never ended, so that nobody gets to see it.
  const span = trace.getTracer('turnout').startSpan('is anybody there', { root: true })
  return trace.isSpanContextValid(span.spanContext())
}

/** An SDK that watches the server has opened a span for the request already; else the client says where the turn belongs. */
function parentOf(headers: Headers): Context {
  const active = context.active()
  return trace.getSpan(active) === undefined ? propagation.extract(ROOT_CONTEXT, headers) : active
}

class OneTurn implements TurnSpan {
  readonly #api: Api
  readonly #opened: TurnOpened
  readonly #span: Span
  readonly #context: Context
  /** The one that has not ended. */
  #attempt: OneAttempt | null = null
  #attempts = 0

  constructor(api: Api, opened: TurnOpened, receivedAtMs: number, parent: Context) {
    this.#api = api
    this.#opened = opened
    const operation = operations[opened.endpoint]
    const attributes: Attributes = {
      [genAi.operation]: operation,
      [genAi.requestModel]: opened.model,
      [own.turn]: opened.id,
      [own.key]: opened.key,
      [own.endpoint]: opened.endpoint,
      [own.transport]: opened.transport,
    }
    this.#span = api.startSpan(`turn ${opened.model}`, { kind: SpanKind.SERVER, startTime: receivedAtMs, attributes }, parent)
    this.#context = trace.setSpan(parent, this.#span)
  }

  attempt({ account, model, startedAtMs }: Parameters<TurnSpan['attempt']>[0]): AttemptSpan {
    this.#attempt?.abandon(startedAtMs)
    this.#attempts++
    const operation = operations[this.#opened.endpoint]
    const attributes: Attributes = {
      [genAi.operation]: operation,
      [genAi.provider]: providers[dialectOf(this.#opened.endpoint)],
      [genAi.requestModel]: model,
      [own.turn]: this.#opened.id,
      [own.account]: account,
      [own.attempt]: this.#attempts,
    }
    const span = this.#api.startSpan(`${operation} ${model}`, { kind: SpanKind.CLIENT, startTime: startedAtMs, attributes }, this.#context)
    this.#attempt = new OneAttempt(span, trace.setSpan(this.#context, span))
    return this.#attempt
  }

  settled({ outcome, code, firstOutputMs, tier, attempts }: TurnSettled): void {
    this.#span.setAttributes({
      [own.outcome]: outcome,
      [own.attempts]: attempts.length,
      ...(code === null ? {} : { [own.code]: code }),
      ...(firstOutputMs === null ? {} : { [own.firstOutputMs]: Math.round(firstOutputMs) }),
      ...(tier.requested === null ? {} : { [genAi.tierRequested]: tier.requested }),
      ...(tier.served === null ? {} : { [genAi.tierServed]: tier.served }),
    })
    if (outcome === 'failed') fail(this.#span, code ?? 'unknown')
  }

  close(atMs: number): void {
    this.#attempt?.abandon(atMs)
    this.#span.end(atMs)
  }
}

class OneAttempt implements AttemptSpan {
  readonly headers: Headers
  readonly #span: Span
  #state: 'open' | 'ended' = 'open'

  constructor(span: Span, of: Context) {
    this.#span = span
    this.headers = told(of)
  }

  ended({ transport, outcome, failure, status, code, startedAtMs, durationMs, because, usage }: AttemptRecord): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#span.setAttributes({
      [own.transport]: transport,
      [own.outcome]: outcome,
      [own.because]: because,
      ...(failure === null ? {} : { [own.failure]: failure }),
      ...(code === null ? {} : { [own.code]: code }),
      ...(status === null ? {} : { [genAi.status]: status }),
      ...(usage === null ? {} : usageAttributes(usage)),
    })
    if (outcome === 'failed') fail(this.#span, failure ?? code ?? 'unknown')
    this.#span.end(startedAtMs + durationMs)
  }

  /** Nobody wrote down how it ended: a bug did. */
  abandon(atMs: number): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    fail(this.#span, 'bug')
    this.#span.end(atMs)
  }
}

function fail(span: Span, type: string): void {
  span.setAttribute(genAi.errorType, type)
  span.setStatus({ code: SpanStatusCode.ERROR })
}

/** Nothing where no SDK is there; of what an SDK says, `baggage` and whatever else is for our own house stays here. */
function told(of: Context): Headers {
  const said: Record<string, string> = {}
  propagation.inject(of, said)
  const { traceparent, tracestate } = said
  return traceparent === undefined ? {} : { traceparent, tracestate }
}
