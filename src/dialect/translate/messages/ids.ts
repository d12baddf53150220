import type { Telling } from '../hub.ts'

/** What an upstream puts before its ids; behind it stands what is the answer's own. */
const prefix = /^(?:msg|resp|chatcmpl)[_-]/

/** What the ids of an answer and of its items are made of: the same for the same answer, and never empty. */
export function coreOf(id: unknown, { startedAtS }: Pick<Telling, 'startedAtS'>): string {
  const core = typeof id === 'string' ? id.replace(prefix, '') : ''
  return core === '' ? String(startedAtS) : core
}

/** What the hub's items are, and how their ids begin. */
const itemPrefixes = { message: 'msg', reasoning: 'rs', function_call: 'fc', custom_tool_call: 'ctc' } as const

export type ItemType = keyof typeof itemPrefixes

/** @param index of the item in the answer. */
export function itemId(type: ItemType, core: string, index: number): string {
  return `${itemPrefixes[type]}_${core}_${index}`
}

/** Readers of both refuse a call without an id. */
export function callIdOf(id: unknown, core: string, index: number): string {
  return typeof id === 'string' && id !== '' ? id : `call_${core}_${index}`
}
