import type { ResponseId } from '../../core/ids.ts'
import { noUsage, readUsage } from '../../core/usage.ts'
import { Body, type Span } from '../../lib/body.ts'
import { parsedValue } from '../../lib/member-name.ts'
import { membersOf } from '../../lib/members.ts'
import { restored, unreadable } from '../answer.ts'
import type { AnswerEnd, SeenAnswer, Watched } from '../dialect.ts'
import { sealHash } from '../question.ts'
import { blank, readErrorObject } from './error.ts'

/** What a response object says of its end. */
export function endOf(response: Body): AnswerEnd {
  const id = response.value('id')
  const status = response.value('status')
  const tier = response.value('service_tier')
  const error = readErrorObject(response.value('error'))
  return {
    status: status === 'failed' || status === 'cancelled' ? 'failed' : status === 'incomplete' ? 'incomplete' : 'completed',
    response: typeof id === 'string' ? (id as ResponseId) : null,
    items: idsAt(response.bytes, response.items('output') ?? []),
    usage: readUsage(response.value('usage')),
    tierServed: typeof tier === 'string' ? tier : null,
    code: error?.code ?? null,
  }
}

/** Ids of items, each given as its JSON. */
export function idsOf(items: readonly Buffer[]): readonly string[] {
  return items.flatMap((json) => idsAt(json, [{ start: 0, end: json.length }]))
}

function idsAt(bytes: Buffer, items: readonly Span[]): readonly string[] {
  const ids: string[] = []
  for (const item of items) {
    const [span = null] = membersOf(bytes, item, 'id') ?? []
    const id = span === null ? null : parsedValue(bytes, span.start, span.end)
    if (typeof id === 'string') ids.push(id)
  }
  return ids
}

/** The items of a response that are objects. */
function outputOf(response: Body): readonly Body[] {
  const items: Body[] = []
  for (const span of response.items('output') ?? []) {
    const item = response.within(span)
    if (item !== null) items.push(item)
  }
  return items
}

/** Reads a whole JSON answer of any endpoint of this dialect. */
export function observeAnswer(bytes: Buffer, watched: Pick<Watched, 'endpoint' | 'restore'>): SeenAnswer {
  const answer = Body.of(bytes)
  if (answer === null) return unreadable(bytes)
  const { pieces, bytes: length } = answer.edited(restored(answer, watched.restore))
  const output = outputOf(answer)
  const said = endOf(answer)
  if (watched.endpoint === 'input_tokens') {
    return { end: { ...said, status: 'completed', response: null, items: [], usage: noUsage }, pieces, bytes: length, signal: null, sealed: [] }
  }
  // Its id names no answer that could be continued.
  if (watched.endpoint === 'compact') {
    return { end: { ...said, status: 'completed', response: null, items: [] }, pieces, bytes: length, signal: null, sealed: sealedIn(output) }
  }
  const error = readErrorObject(answer.value('error')) ?? blank
  const signal = answer.value('status') === 'failed' ? ({ kind: 'told', status: null, headers: {}, error } as const) : null
  return { end: said, pieces, bytes: length, signal, sealed: sealedIn(output) }
}

function sealedIn(output: readonly Body[]): readonly string[] {
  const sealed: string[] = []
  for (const item of output) {
    const seal = sealOf(item)
    if (seal !== null) sealed.push(seal)
  }
  return sealed
}

/** The hash of what an account sealed in an item; null: nothing is sealed in it. */
export function sealOf(item: Body): string | null {
  const content = isSealable(item.value('type')) ? item.value('encrypted_content') : null
  return typeof content === 'string' ? sealHash(content) : null
}

/** The same of an item of which nothing else is asked. */
export function sealIn(json: Buffer): string | null {
  const [type = null] = membersOf(json, { start: 0, end: json.length }, 'type') ?? []
  const item = type !== null && isSealable(parsedValue(json, type.start, type.end)) ? Body.of(json) : null
  return item === null ? null : sealOf(item)
}

const isSealable = (type: unknown): boolean => type === 'reasoning' || type === 'compaction'
