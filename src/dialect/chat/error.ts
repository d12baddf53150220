import type { ErrorObject, Signal } from '../../core/failure.ts'
import { unknownEnd } from '../answer.ts'
import type { AnswerEnd } from '../dialect.ts'
import { isObject } from '../json.ts'
import { blank, readErrorEvent } from '../responses/error.ts'

export type ToldSignal = Extract<Signal, { kind: 'told' }>

/**
 * The error that an answer tells inside a 200: its `error` is an object, as a rule, and text with some. Routers of several upstreams put the status
 * into `code`.
 */
export function toldIn(answer: unknown): ToldSignal {
  const { error, status, headers } = readErrorEvent(answer)
  const said = isObject(answer) ? answer['error'] : null
  const code = isObject(said) ? said['code'] : null
  return {
    kind: 'told',
    status: status ?? (typeof code === 'number' && Number.isInteger(code) && code >= 400 && code < 600 ? code : null),
    headers,
    error: typeof said === 'string' ? { ...blank, message: said } : error,
  }
}

/** What the books hear of an answer that failed: what was told of it before still counts. */
export function failedEnd({ code, type }: ErrorObject, told: Pick<AnswerEnd, 'usage' | 'tierServed'>): AnswerEnd {
  return { ...unknownEnd, ...told, code: code ?? type }
}
