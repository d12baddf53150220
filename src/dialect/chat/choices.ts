import { isObject, type Json } from '../json.ts'

/** The choices of a chunk or a whole answer, such as are objects. */
export function choicesIn(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** Which of the answers it belongs to; one that does not say so is the first. */
export function indexOf(choice: Json): number {
  const index = choice['index']
  return typeof index === 'number' ? index : 0
}

/** Why a choice is over; null while it is not, for which some upstreams write an empty text. */
export function finishOf(choice: Json): string | null {
  const finish = choice['finish_reason']
  return typeof finish === 'string' && finish !== '' ? finish : null
}

/** Whether a choice ended before the model was done with it. */
export function isCutShort(finish: string): boolean {
  return finish === 'length' || finish === 'content_filter'
}

/** Whether a chunk brings something of a choice, and does not merely announce who speaks. */
export function saysSomething(choice: Json): boolean {
  if (finishOf(choice) !== null) return true
  const delta = choice['delta']
  return isObject(delta) && Object.entries(delta).some(([name, value]) => name !== 'role' && !isEmpty(value))
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}
