import type { FaultSpec } from '../fault-spec.ts'
import type { HeaderValues } from '../frame.ts'
import { anyStatus, jsonType, secondsToReset, type At, type Instead, type SaidTrouble, type Say } from '../trouble.ts'
import { errorType, messagesErrorText } from './error.ts'

/** How an error is said unless the fault says otherwise. */
interface Usual {
  readonly status: number
  readonly message: string
  readonly code?: string | null
  readonly headers?: HeaderValues
}

function said(spec: FaultSpec, { requestId }: At, usual: Usual): Instead {
  const code = spec.code === undefined ? (usual.code ?? null) : spec.code
  const text = messagesErrorText({ type: errorType(usual.status), message: spec.message ?? usual.message, code }, requestId)
  return {
    status: spec.status ?? usual.status,
    headers: { ...jsonType, ...retryAfter(spec.retryAfterSeconds ?? null), ...usual.headers, ...spec.headers },
    text,
  }
}

const refusal =
  (status: number, message: string): Say =>
  (spec, at) =>
    said(spec, at, { status, message })

/** Whole seconds only. */
const retryAfter = (seconds: number | null): HeaderValues => (seconds === null ? {} : { 'retry-after': String(Math.ceil(seconds)) })

function status(spec: FaultSpec, { requestId }: At): Instead {
  const error = { type: errorType(spec.status ?? 500), message: spec.message ?? 'This answer was asked for.', code: spec.code ?? null }
  return anyStatus(spec, retryAfter(spec.retryAfterSeconds ?? null), messagesErrorText(error, requestId))
}

/** Money that is spent; where the code is left out, a window of a subscription that is used up. */
function quota(spec: FaultSpec, at: At): Instead {
  const seconds = secondsToReset(spec)
  if (spec.code === null) {
    const message = "This request would exceed your account's rate limit. Please try again later."
    return said(spec, at, { status: 429, message, headers: windowSpent(seconds, at.nowMs) })
  }
  const message = 'Your organization has reached its spend limit.'
  return said(spec, at, { status: 429, message, code: 'enforced_spend_limit_reached', headers: retryAfter(seconds) })
}

function windowSpent(seconds: number | null, nowMs: number): HeaderValues {
  const window = { 'anthropic-ratelimit-unified-status': 'rejected', 'anthropic-ratelimit-unified-representative-claim': 'five_hour' }
  const spent = { 'anthropic-ratelimit-unified-5h-status': 'rejected', 'anthropic-ratelimit-unified-5h-utilization': '1.0' }
  if (seconds === null) return { ...window, ...spent }
  const reset = String(Math.floor(nowMs / 1000) + Math.ceil(seconds))
  return { ...window, ...spent, 'anthropic-ratelimit-unified-reset': reset, 'anthropic-ratelimit-unified-5h-reset': reset }
}

/** A limit of spending that the customer set is told as a request that is wrong. Its reset comes with a full minute. */
function quotaSet(spec: FaultSpec, at: At): Instead {
  const seconds = secondsToReset(spec)
  const minute = seconds === null ? null : new Date(Math.ceil((at.nowMs + seconds * 1000) / 60_000) * 60_000).toISOString()
  const regain = minute === null ? '' : ` You will regain access on ${minute.slice(0, 10)} at ${minute.slice(11, 16)} UTC.`
  return said(spec, at, { status: 400, message: `You have reached your specified API usage limits.${regain}` })
}

function rate(spec: FaultSpec, at: At): Instead {
  const seconds = spec.retryAfterSeconds === undefined ? 1 : spec.retryAfterSeconds
  const message = 'This request would exceed the rate limit for your organization of 50 requests per minute.'
  if (seconds === null) return said(spec, at, { status: 429, message })
  const limit = { 'anthropic-ratelimit-requests-limit': '50', 'anthropic-ratelimit-requests-remaining': '0' }
  const reset = new Date(at.nowMs + seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
  return said(spec, at, { status: 429, message, headers: { ...limit, 'anthropic-ratelimit-requests-reset': reset, ...retryAfter(seconds) } })
}

/** What Anthropic says of each trouble. */
export const messagesTrouble: Readonly<Record<SaidTrouble, Say>> = {
  status,
  quota,
  'quota-403': quotaSet,
  rate,
  credential: refusal(401, 'invalid x-api-key'),
  'credential-bare': refusal(401, 'Unauthorized'),
  'token-invalidated': refusal(403, 'OAuth token has been revoked. Please obtain a new token.'),
  forbidden: refusal(403, 'Your API key does not have permission to use the specified resource.'),
  overload: refusal(529, 'Overloaded'),
  'overload-529': refusal(529, 'Overloaded'),
  server: refusal(500, 'Internal server error'),
  model: (spec, at) => said(spec, at, { status: 404, message: `model: ${at.model ?? 'unnamed'}` }),
  payment: refusal(402, 'Your account has a billing problem. Please update your payment details.'),
}
