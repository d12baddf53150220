import { header, type Headers } from '../lib/headers.ts'
import { hiddenText } from '../lib/hide.ts'
import type { ErrorObject, Signal } from './failure.ts'
import type { Why } from './health.ts'

/** An answer with a status that is no success, as evidence. @param error what its dialect found in the body. */
export function answerSignal(status: number, headers: Headers, body: Buffer, error: ErrorObject | null): Extract<Signal, { kind: 'answer' }> {
  return { kind: 'answer', status, headers, body: format(headers, body), error }
}

/** The same evidence, without these texts in what its upstream said. */
export function withoutSecrets<S extends Signal>(signal: S, secrets: readonly string[]): S {
  if ('detail' in signal) return { ...signal, detail: hiddenText(signal.detail, secrets) }
  if (!('error' in signal) || signal.error === null) return signal
  const { code, type, message, param } = signal.error
  const hide = (text: string | null): string | null => (text === null ? null : hiddenText(text, secrets))
  return { ...signal, error: { ...signal.error, code: hide(code), type: hide(type), message: hiddenText(message, secrets), param: hide(param) } }
}

/** What a trouble that is known already would be heard as again. */
export function signalOf({ status, code, advice }: Why): Signal {
  const error = { code, type: null, message: advice ?? '', param: null, resetsAt: null, resetsInSeconds: null }
  return { kind: 'answer', status: status ?? 401, headers: {}, body: 'json', error }
}

/** The body's own first letter decides; the content type is what edges lie about. */
function format(headers: Headers, body: Buffer): 'json' | 'html' | 'other' | 'empty' {
  const start = body.subarray(0, 512).toString('latin1').trimStart()
  if (start === '') return 'empty'
  if (start.startsWith('{') || start.startsWith('[')) return 'json'
  return start.startsWith('<') || /\bhtml\b/i.test(header(headers, 'content-type') ?? '') ? 'html' : 'other'
}
