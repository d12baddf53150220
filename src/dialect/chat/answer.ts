import { Body } from '../../lib/body.ts'
import { restored, unreadable } from '../answer.ts'
import type { AnswerEnd, SeenAnswer, Watched } from '../dialect.ts'
import { choicesIn, finishOf, isCutShort } from './choices.ts'
import { mannerOf } from './endpoints.ts'
import { failedEnd, toldIn } from './error.ts'

/** Reads a whole JSON answer of any endpoint. Vectors and pictures are not looked at. */
export function observeAnswer(bytes: Buffer, { endpoint, restore }: Watched): SeenAnswer {
  const answer = Body.of(bytes)
  if (answer === null) return unreadable(bytes)
  const tier = answer.value('service_tier')
  const told = { usage: mannerOf(endpoint).usage(answer), tierServed: typeof tier === 'string' ? tier : null }
  const error = answer.value('error')
  const signal = error ? toldIn({ error, status: answer.value('status'), headers: answer.value('headers') }) : null
  return {
    ...answer.edited(restored(answer, restore)),
    end: signal === null ? { ...told, status: statusOf(answer), response: null, items: [], code: null } : failedEnd(signal.error, told),
    signal,
    sealed: [],
  }
}

function statusOf(answer: Body): AnswerEnd['status'] {
  const isShort = choicesIn(answer.value('choices')).some((choice) => isCutShort(finishOf(choice) ?? ''))
  return isShort ? 'incomplete' : 'completed'
}
