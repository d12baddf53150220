import type { ErrorObject } from '../../core/failure.ts'

type Words = Pick<ErrorObject, 'code' | 'type'>

const trouble: Words = { code: 'server_error', type: 'server_error' }

/** Anthropic's words for what went wrong, in those on which clients of OpenAI's dialects act (protocols.md 1.6, 5.4, 5.8). An overload is decision 004's. */
const ownWords: ReadonlyMap<string, Words> = new Map([
  ['overloaded_error', trouble],
  ['api_error', trouble],
  ['timeout_error', trouble],
  ['rate_limit_error', { code: 'rate_limit_exceeded', type: 'rate_limit_error' }],
  ['billing_error', { code: 'insufficient_quota', type: 'insufficient_quota' }],
  ['authentication_error', { code: 'invalid_api_key', type: 'authentication_error' }],
  ['permission_error', { code: 'permission_denied', type: 'invalid_request_error' }],
  ['not_found_error', { code: 'model_not_found', type: 'invalid_request_error' }],
  ['request_too_large', { code: 'request_too_large', type: 'invalid_request_error' }],
  ['invalid_request_error', { code: null, type: 'invalid_request_error' }],
])

/** How Anthropic tells that a dialogue is longer than the model's context: Codex shortens it when it hears the code. */
const tooLong = /^prompt is too long\b/i

/** The same words for all but Anthropic's own types, which stand in `code` where its errors have none. */
export function inOwnWords(said: Words & Pick<ErrorObject, 'message'>): Words {
  const { code, type, message } = said
  if (code === 'invalid_request_error' && tooLong.test(message)) return { code: 'context_length_exceeded', type: 'invalid_request_error' }
  return ownWords.get(code ?? '') ?? { code, type }
}
