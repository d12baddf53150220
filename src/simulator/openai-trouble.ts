import { errorText } from './error.ts'
import type { FaultSpec } from './fault-spec.ts'
import { anyStatus, jsonType, secondsToReset, type At, type Instead, type SaidTrouble, type Say } from './trouble.ts'

/** OpenAI's hints, in seconds and in milliseconds. @param otherwise where none was asked for; null: no hint. */
export function retryAfter(spec: FaultSpec, otherwise: number | null): { readonly [name: string]: string } {
  const seconds = spec.retryAfterSeconds === undefined ? otherwise : spec.retryAfterSeconds
  return seconds === null ? {} : { 'retry-after': String(Math.ceil(seconds)), 'retry-after-ms': String(Math.round(seconds * 1000)) }
}

/** A refusal with a fixed error, as OpenAI says it. */
function refusal(status: number, error: { readonly message: string; readonly type: string; readonly code?: string }): Say {
  return (spec) => {
    const code = spec.code === undefined ? (error.code ?? null) : spec.code
    return {
      status: spec.status ?? status,
      headers: { ...jsonType, ...retryAfter(spec, null), ...spec.headers },
      text: errorText({ message: spec.message ?? error.message, type: error.type, param: null, code }),
    }
  }
}

function status(spec: FaultSpec): Instead {
  const error = { message: spec.message ?? 'This answer was asked for.', type: 'server_error', param: null, code: spec.code ?? null }
  return anyStatus(spec, retryAfter(spec, null), errorText(error))
}

/** As the accounts of a subscription say it. */
function usageLimit(spec: FaultSpec, { nowMs }: At): Instead {
  const seconds = secondsToReset(spec)
  const reset = seconds === null ? {} : { resets_at: Math.floor(nowMs / 1000) + seconds, resets_in_seconds: seconds }
  const message = spec.message ?? 'The usage limit has been reached'
  const text = JSON.stringify({ error: { type: 'usage_limit_reached', message, plan_type: 'plus', ...reset } })
  return { status: spec.status ?? 429, headers: { ...jsonType, ...spec.headers }, text }
}

/** As the accounts of an API key say it: with no reset but `retry-after`. */
function insufficientQuota(spec: FaultSpec): Instead {
  const seconds = secondsToReset(spec)
  const message = spec.message ?? 'You exceeded your current quota, please check your plan and billing details.'
  const text = errorText({ message, type: 'insufficient_quota', param: null, code: spec.code === undefined ? 'insufficient_quota' : spec.code })
  return {
    status: spec.status ?? 429,
    headers: { ...jsonType, ...(seconds === null ? {} : { 'retry-after': String(Math.ceil(seconds)) }), ...spec.headers },
    text,
  }
}

function rate(spec: FaultSpec): Instead {
  const hint = retryAfter(spec, 1)
  const seconds = hint['retry-after'] ?? null
  const message = spec.message ?? `Rate limit reached for requests.${seconds === null ? '' : ` Please try again in ${seconds}s.`}`
  const text = errorText({ message, type: 'requests', param: null, code: spec.code === undefined ? 'rate_limit_exceeded' : spec.code })
  return { status: spec.status ?? 429, headers: { ...jsonType, ...hint, ...spec.headers }, text }
}

function model(spec: FaultSpec, at: At): Instead {
  const text = errorText({
    message: spec.message ?? `The model \`${at.model ?? 'unnamed'}\` does not exist or you do not have access to it.`,
    type: 'invalid_request_error',
    param: 'model',
    code: spec.code === undefined ? 'model_not_found' : spec.code,
  })
  return { status: spec.status ?? 404, headers: { ...jsonType, ...spec.headers }, text }
}

/** What the Responses API says of each trouble. */
export const responsesTrouble: Readonly<Record<SaidTrouble, Say>> = {
  status,
  quota: usageLimit,
  'quota-403': refusal(403, { message: 'usage limit reached', type: 'forbidden_error' }),
  rate,
  credential: refusal(401, { message: 'Incorrect API key provided.', type: 'invalid_request_error', code: 'invalid_api_key' }),
  'credential-bare': refusal(401, { message: 'Unauthorized', type: 'invalid_request_error' }),
  'token-invalidated': refusal(401, { message: 'This token has been invalidated. Sign in again.', type: 'invalid_request_error', code: 'token_invalidated' }),
  forbidden: refusal(403, { message: 'This account may not do that.', type: 'permission_error' }),
  overload: refusal(503, { message: 'Our servers are currently overloaded.', type: 'service_unavailable_error', code: 'server_is_overloaded' }),
  'overload-529': refusal(529, { message: 'Overloaded', type: 'overloaded_error' }),
  server: refusal(500, { message: 'The server had an error while processing the request.', type: 'server_error', code: 'server_error' }),
  model,
  payment: refusal(402, { message: 'Payment is required before further use.', type: 'billing_error' }),
}

/** What Chat Completions says of them: it knows no subscriptions. */
export const chatTrouble: Readonly<Record<SaidTrouble, Say>> = { ...responsesTrouble, quota: insufficientQuota }
