import type { ErrorObject } from '../../core/failure.ts'
import { catalogue } from '../../core/refusal.ts'
import type { Told } from '../dialect.ts'
import { inOwnWords } from '../responses/own-words.ts'
import { retell as retellAsResponses } from '../responses/tell.ts'

/* Chat Completions says errors in the words of Responses. */

/** 529 is Anthropic's: clients of this dialect know an overload as 503. */
export function retell(status: number, error: ErrorObject): Told {
  return retellAsResponses(status === 529 ? 503 : status, error)
}

const types: Readonly<Record<string, { readonly type: string }>> = catalogue

/** An event with an error, at which clients throw, and no `[DONE]`: what follows is the connection's end (protocols.md 8.3). A code that is not ours is an upstream's trouble. */
export function failInBand(told: { readonly code: string; readonly message: string }): Buffer {
  const { message } = told
  const { code, type } = inOwnWords({ ...told, type: null })
  const error = { message, type: type ?? types[code ?? '']?.type ?? 'server_error', param: null, code }
  return Buffer.from(`data: ${JSON.stringify({ error })}\n\n`)
}

const comment = Buffer.from(': keep-alive\n\n')

/** A comment, since clients of this dialect take every event for a chunk. */
export function keepAlive(): Buffer {
  return comment
}
