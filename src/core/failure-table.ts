import type { Headers } from '../lib/headers.ts'
import type { Blame, ErrorObject, Failure, FailureKind, Signal } from './failure.ts'
import { isSubscriptionSpent, quotaResetAt, rateResetAt, retryAfter } from './hints.ts'

/** What a kind of failure means, whatever signal it came from. `docs/failures.md` says the same in words. */
interface Meaning {
  readonly blame: Blame
  /** May the turn go on elsewhere: on another account; on a second one only; on the same one; or not at all. */
  readonly another: 'yes' | 'once' | 'same' | 'no'
  /** What becomes of a session's wish to stay with the account. */
  readonly pin: 'release' | 'keep'
}

export const meanings: Readonly<Record<FailureKind, Meaning>> = {
  credential: { blame: 'account', another: 'yes', pin: 'release' },
  quota: { blame: 'account', another: 'yes', pin: 'release' },
  forbidden: { blame: 'account', another: 'once', pin: 'release' },
  'edge-block': { blame: 'upstream', another: 'yes', pin: 'keep' },
  rate: { blame: 'pair', another: 'yes', pin: 'release' },
  model: { blame: 'pair', another: 'yes', pin: 'release' },
  overload: { blame: 'upstream', another: 'yes', pin: 'keep' },
  server: { blame: 'upstream', another: 'yes', pin: 'keep' },
  network: { blame: 'upstream', another: 'yes', pin: 'keep' },
  silent: { blame: 'upstream', another: 'yes', pin: 'release' },
  transport: { blame: 'nobody', another: 'same', pin: 'keep' },
  'lost-continuation': { blame: 'request', another: 'no', pin: 'keep' },
  'foreign-state': { blame: 'request', another: 'same', pin: 'keep' },
  request: { blame: 'request', another: 'no', pin: 'keep' },
  'broken-stream': { blame: 'upstream', another: 'yes', pin: 'keep' },
}

/** A signal with its parts laid out, so that a row reads as one line. */
interface Evidence {
  readonly signal: Signal
  /** Null inside a 200 that named none, and where no answer came. */
  readonly status: number | null
  readonly error: ErrorObject | null
  readonly codes: readonly string[]
  /** The error object's own words: what it quotes may be the client's text, and is left out. */
  readonly words: string
  readonly body: 'json' | 'html' | 'other' | 'empty' | null
}

interface Row {
  readonly kind: FailureKind
  readonly because: string
  readonly when: (e: Evidence) => boolean
  readonly final?: true
}

const is = (e: Evidence, ...codes: readonly string[]) => e.codes.some((code) => codes.includes(code))
const like = (e: Evidence, pattern: RegExp) => e.codes.some((code) => pattern.test(code))

/**
 * Order is part of the meaning: structured codes first, then statuses, then wording; the specific before the general.
 * What is the request's fault whatever the status stands before the general statuses.
 */
const table: readonly Row[] = [
  { kind: 'network', because: 'no answer came from the upstream', when: (e) => e.signal.kind === 'unreachable' },
  { kind: 'silent', because: 'nothing came in time', when: (e) => e.signal.kind === 'silent' },
  { kind: 'broken-stream', because: 'the answer stopped before its end', when: (e) => e.signal.kind === 'ended' },

  { kind: 'transport', because: 'the upstream does not speak WebSocket', when: isHandshakeForNothing },
  { kind: 'foreign-state', because: 'it holds reasoning that another account sealed', when: (e) => is(e, 'invalid_encrypted_content') },
  { kind: 'lost-continuation', because: 'it names an answer that this account does not have', when: (e) => is(e, 'previous_response_not_found') },
  { kind: 'lost-continuation', because: 'the upstream’s connection has reached its end', when: (e) => is(e, 'websocket_connection_limit_reached') },
  { kind: 'request', because: 'the context window is exceeded', when: (e) => is(e, 'context_length_exceeded') },
  {
    kind: 'request',
    because: 'a content policy refuses it',
    when: (e) => like(e, /(^|_)(content|cyber|bio|misalignment)_policy(_violation)?$|^invalid_prompt$/),
  },

  {
    kind: 'credential',
    because: 'the credential is named as dead',
    final: true,
    when: (e) => is(e, 'invalid_api_key', 'token_invalidated', 'token_revoked', 'account_deactivated'),
  },
  { kind: 'credential', because: 'the account is deactivated', final: true, when: (e) => e.status === 402 && like(e, /^deactivated_/) },
  {
    kind: 'quota',
    because: 'the quota is spent',
    when: (e) => is(e, 'usage_limit_reached', 'insufficient_quota', 'credit_balance_exhausted') || like(e, /_(spend|usage)_limit_(exceeded|reached)$/),
  },
  { kind: 'quota', because: 'a 403 words a spent quota', when: (e) => e.status === 403 && is(e, 'forbidden_error') && /\busage limit\b/i.test(e.words) },
  { kind: 'quota', because: 'a window of the subscription is used up', when: (e) => e.status === 429 && isSubscriptionSpent(headersOf(e.signal)) },
  { kind: 'quota', because: 'an invalid request words a spent quota', when: saysQuotaIsSpent },
  { kind: 'edge-block', because: 'the region is not served', when: (e) => is(e, 'unsupported_country_region_territory') },
  { kind: 'model', because: 'this account cannot serve this model', when: (e) => is(e, 'model_not_found', 'usage_not_included') },
  { kind: 'overload', because: 'the upstream is overloaded', when: (e) => is(e, 'server_is_overloaded', 'slow_down', 'overloaded_error') },
  { kind: 'rate', because: 'too many requests', when: (e) => e.signal.kind === 'told' && is(e, 'rate_limit_exceeded', 'rate_limit_error') },

  { kind: 'transport', because: 'the upstream does not speak WebSocket', when: (e) => e.status === 426 },
  {
    kind: 'edge-block',
    because: 'something in front of the upstream answered',
    when: (e) => (e.status === 403 || e.status === 429 || e.status === 503) && e.body === 'html',
  },
  { kind: 'credential', because: 'the credential was refused', when: (e) => e.status === 401 },
  { kind: 'quota', because: 'payment is required', when: (e) => e.status === 402 },
  {
    kind: 'request',
    because: 'the context window is exceeded',
    when: (e) => /\bcontext (window|length)\b.*\bexceed|\bexceed\w*\b.*\bcontext (window|length)\b|\bmaximum context length\b/i.test(e.words),
  },
  { kind: 'rate', because: 'too many requests', when: (e) => e.status === 429 },
  { kind: 'overload', because: 'the upstream is overloaded', when: (e) => e.status === 529 || e.status === 503 },
  { kind: 'overload', because: 'the model is at capacity', when: (e) => speaksOfModel(e) && modelAtCapacity.test(e.words) },
  {
    kind: 'lost-continuation',
    because: 'it names an answer that this account does not have',
    when: (e) => e.status === 404 && /\bresponse with id\b|\bprevious response\b/i.test(e.words),
  },
  { kind: 'model', because: 'this account cannot serve this model', when: saysModelIsMissing },
  {
    kind: 'model',
    because: 'this account cannot serve this model',
    when: (e) => e.status === 404 && is(e, 'not_found_error') && /^model: \S/.test(e.words),
  },
  {
    kind: 'credential',
    because: 'the credential was revoked',
    when: (e) => e.status === 403 && is(e, 'permission_error') && /^oauth token has been revoked\b/i.test(e.words),
  },
  { kind: 'forbidden', because: 'the upstream forbids it', when: (e) => e.status === 403 && e.body === 'json' },
  { kind: 'forbidden', because: 'the upstream forbids it', when: (e) => e.status === 403 && e.signal.kind === 'told' },
  { kind: 'edge-block', because: 'something in front of the upstream answered', when: (e) => e.status === 403 },
  {
    kind: 'server',
    because: 'the base URL leads nowhere',
    when: (e) => (e.status === 404 || e.status === 405) && e.body !== 'json' && e.signal.kind === 'answer',
  },
  { kind: 'server', because: 'the upstream redirects, which is not followed', when: (e) => e.signal.kind === 'answer' && e.signal.status < 400 },
  { kind: 'server', because: 'the upstream failed', when: (e) => e.status !== null && (e.status >= 500 || e.status === 408) },
  { kind: 'request', because: 'the upstream refuses the request', when: (e) => e.status !== null },
  {
    kind: 'request',
    because: 'the upstream refuses the request',
    when: (e) => like(e, /^(invalid|unsupported|image|empty|failed_to_download|data_residency)_/),
  },
  { kind: 'server', because: 'the upstream failed', when: () => true },
]

/** A handshake names no model and no answer, so that whatever its body says, nothing but WebSocket is missing. */
function isHandshakeForNothing({ signal, status }: Evidence): boolean {
  return signal.kind === 'answer' && signal.over === 'websocket-handshake' && (status === 404 || status === 405 || status === 426)
}

/*
 * Anthropic tells of spent money as of an invalid request. The sentence must stand alone: what a client wrote is echoed with a colon behind it, and that of a
 * time of day stands between digits.
 */
const quotaSpent = /^(?:your credit balance is too low to access the \w+ api|you have reached your specified (?:\w+ )?api usage limits)\b(?:[^:]|\d:\d)*$/i

function saysQuotaIsSpent(e: Evidence): boolean {
  return e.status === 400 && is(e, 'invalid_request_error') && quotaSpent.test(e.words)
}

/*
 * The message must begin with the model, so that a client's text, echoed, cannot name a model away.
 * A point inside a name (`gpt-5.5`) ends no sentence.
 */
const theModel = String.raw`^(?:(?:the|this|requested|selected|your) )*(?:… )?model\b(?:[^.:]|[.:]\b)*\b`
const modelAtCapacity = new RegExp(`${theModel}at capacity\\b`, 'i')
const modelMissing = new RegExp(
  String.raw`${theModel}(?:does not exist|do(?:es)? not have access|not (?:found|exist|available|accessible)|not supported\b[^.:]*\baccount)\b`,
  'i',
)
const noAccess = /^(?:you|your \w+|(?:this|the) account)\b(?:[^.:]|[.:]\b)*\b(?:no|not have) access to\b(?:[^.:]|[.:]\b)*\bmodel\b/i

function saysModelIsMissing(e: Evidence): boolean {
  if (e.status !== 400 && e.status !== 403 && e.status !== 404) return false
  return speaksOfModel(e) && !like(e, /^unsupported_/) && (modelMissing.test(e.words) || noAccess.test(e.words))
}

/** Whether the error is about the model or about nothing named: another `param` is a member that the client wrote. */
function speaksOfModel({ error }: Evidence): boolean {
  return error !== null && (error.param === null || error.param === 'model')
}

/** Classifies raw evidence, once, for every way that it can come. */
export function classify(signal: Signal, nowMs: number): Failure {
  const e = evidence(signal)
  const row = table.find((candidate) => candidate.when(e))
  const kind = row?.kind ?? 'request'
  return {
    kind,
    blame: meanings[kind].blame,
    because: row?.because ?? 'the upstream refuses the request',
    status: e.status,
    code: e.codes[0] ?? null,
    message: e.error?.message ?? detail(signal),
    resetAtMs: resetAt(kind, signal, e.error, nowMs),
    ambiguous: isAmbiguous(signal),
    final: row?.final ?? false,
  }
}

/** The kinds and rows in the order of the table, for docs and tests. */
export const rows: readonly { readonly kind: FailureKind; readonly because: string }[] = table.map(({ kind, because }) => ({ kind, because }))

/** How much of a message is searched for wording: what an upstream has to say comes first, and patterns must not be fed megabytes. Unit: characters. */
const wordsMax = 2048

function headersOf(signal: Signal): Headers {
  return signal.kind === 'answer' || signal.kind === 'told' ? signal.headers : {}
}

function evidence(signal: Signal): Evidence {
  const error = signal.kind === 'answer' || signal.kind === 'told' ? signal.error : null
  return {
    signal,
    status: signal.kind === 'answer' || signal.kind === 'told' ? signal.status : null,
    error,
    codes: [error?.code, error?.type].filter((code) => code !== null && code !== undefined),
    words: (error?.message ?? '').slice(0, wordsMax).replaceAll(/`[^`]*`|"[^"]*"|(?<=^|\s)'[^']*'/g, '…'),
    body: signal.kind === 'answer' ? signal.body : null,
  }
}

function resetAt(kind: FailureKind, signal: Signal, error: ErrorObject | null, nowMs: number): number | null {
  if (signal.kind !== 'answer' && signal.kind !== 'told') return null
  if (kind === 'quota') return quotaResetAt(error, signal.headers, nowMs)
  if (kind === 'rate') return rateResetAt(error, signal.headers, nowMs)
  return kind === 'overload' ? retryAfter(signal.headers, nowMs) : null
}

/** Whether the request may have been served and billed although nothing final was heard of it. */
function isAmbiguous(signal: Signal): boolean {
  return signal.kind === 'silent' || signal.kind === 'ended' || (signal.kind === 'unreachable' && signal.handedOver)
}

function detail(signal: Signal): string {
  switch (signal.kind) {
    case 'answer':
    case 'told':
      return ''
    case 'unreachable':
    case 'ended':
      return signal.detail
    case 'silent':
      return `nothing came while waiting for the ${signal.waitingFor}`
  }
}
