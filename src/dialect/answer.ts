import type { ClientModel } from '../core/ids.ts'
import type { Body, Edit } from '../lib/body.ts'
import type { AnswerEnd, SeenAnswer } from './dialect.ts'

/** The edit that gives an answer its client's name of the model back; none where mapping did not change it. */
export function restored(answer: Body | null, name: ClientModel | null): readonly Edit[] {
  if (name === null || answer === null || answer.span('model') === null) return []
  return [{ kind: 'set', member: 'model', json: JSON.stringify(name) }]
}

/** An end of which nothing is known. */
export const unknownEnd: AnswerEnd = { status: 'failed', response: null, items: [], usage: null, tierServed: null, code: null }

/** A whole answer that is no JSON object. */
export function unreadable(bytes: Buffer): SeenAnswer {
  return {
    end: unknownEnd,
    pieces: [bytes],
    bytes: bytes.length,
    signal: { kind: 'ended', detail: 'the answer is not a JSON object' },
    sealed: [],
  }
}
