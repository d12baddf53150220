import { context, propagation, SpanStatusCode, trace, TraceFlags, type Attributes, type Context, type Span, type SpanOptions } from '@opentelemetry/api'

/** What a span of this test's SDK came to. */
export interface KeptSpan {
  readonly name: string
  readonly id: string
  readonly parent: string | null
  readonly trace: string
  readonly startMs: number
  attributes: Attributes
  endMs: number | null
  status: SpanStatusCode
}

/** Since `takeSpans`. */
export const spans: KeptSpan[] = []
function keep(name: string, options: SpanOptions = {}, of: Context = context.active()): Span {
  const parent = trace.getSpanContext(of)
  const kept: KeptSpan = {
    name,
    id: String(spans.length + 1).padStart(16, '0'),
    parent: parent?.spanId ?? null,
    trace: parent?.traceId ?? '1'.repeat(32),
    startMs: Number(options.startTime),
    attributes: { ...options.attributes },
    endMs: null,
    status: SpanStatusCode.UNSET,
  }
  spans.push(kept)
  const span: Span = {
    spanContext: () => ({
      traceId: kept.trace,
      spanId: kept.id,
      traceFlags: TraceFlags.SAMPLED,
      ...(parent?.traceState === undefined ? {} : { traceState: parent.traceState }),
    }),
    setAttribute: (key, value) => span.setAttributes({ [key]: value }),
    setAttributes: (more) => {
      if (kept.endMs === null) kept.attributes = { ...kept.attributes, ...more }
      return span
    },
    addEvent: () => span,
    addLink: () => span,
    addLinks: () => span,
    setStatus: ({ code }) => {
      kept.status = code
      return span
    },
    updateName: () => span,
    end: (at) => void (kept.endMs ??= Number(at)),
    isRecording: () => true,
    recordException: () => undefined,
  }
  return span
}

/** As the W3C has it; beside that it says what nobody outside should hear. */
const propagator = {
  fields: () => ['traceparent'],
  inject(of: Context, carrier: unknown) {
    const said = trace.getSpanContext(of)
    if (said === undefined) return
    Object.assign(carrier as object, { traceparent: `00-${said.traceId}-${said.spanId}-01`, baggage: 'team=blue' })
  },
  extract(of: Context, carrier: unknown) {
    const [, traceId = '', spanId = ''] = /^00-(\w{32})-(\w{16})-/.exec(String((carrier as Record<string, unknown>)['traceparent'])) ?? []
    return traceId === '' ? of : trace.setSpanContext(of, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true })
  },
}

/** Registers an SDK that keeps spans in memory. */
export function takeSpans(): void {
  spans.length = 0
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: keep, startActiveSpan: () => undefined as never }) })
  propagation.setGlobalPropagator(propagator)
}

/** As if none had ever been registered. */
export function leaveSpans(): void {
  trace.disable()
  propagation.disable()
  context.disable()
}
