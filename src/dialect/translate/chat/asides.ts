import { isObject, type Json } from '../../json.ts'

/** What stands beside the text of an answer: its sources, and how likely its tokens were. */

const sourceMembers = ['start_index', 'end_index', 'title', 'url'] as const

/** Chat knows sources on the web only (protocols.md 4.5). */
export function annotationsToHub(annotations: unknown): readonly Json[] {
  return objectsOf(annotations).flatMap(({ url_citation: source }) => (isObject(source) ? [{ type: 'url_citation', ...sourceOf(source) }] : []))
}

export function annotationsFromHub(annotations: unknown): readonly Json[] {
  return objectsOf(annotations).flatMap((each) => (each['type'] === 'url_citation' ? [{ type: 'url_citation', url_citation: sourceOf(each) }] : []))
}

function sourceOf(source: Json): Json {
  return Object.fromEntries(sourceMembers.flatMap((member) => (isScalar(source[member]) ? [[member, source[member]]] : [])))
}

/** Text, or a number; one that a double cannot hold is an object without a prototype, which JSON itself never makes. */
function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || (isObject(value) && Object.getPrototypeOf(value) === null)
}

/** The hub's answers always name the bytes of a token. */
export function logprobsToHub(logprobs: unknown): readonly Json[] {
  return objectsOf(logprobs).map((each) => ({ ...tokenOf(each, []), top_logprobs: objectsOf(each['top_logprobs']).map((top) => tokenOf(top, [])) }))
}

/** The hub's deltas may leave out what Chat requires. */
export function logprobsFromHub(logprobs: unknown): readonly Json[] {
  return objectsOf(logprobs).map((each) => ({ ...tokenOf(each, null), top_logprobs: objectsOf(each['top_logprobs']).map((top) => tokenOf(top, null)) }))
}

/** @param none what stands for bytes that are not told. */
function tokenOf({ token, logprob, bytes }: Json, none: readonly [] | null): Json {
  const isTold = Array.isArray(bytes) && bytes.every((byte) => typeof byte === 'number')
  return { token: isScalar(token) ? token : '', logprob: isScalar(logprob) ? logprob : 0, bytes: isTold ? bytes : none }
}

const none: readonly Json[] = []

export function objectsOf(list: unknown): readonly Json[] {
  return Array.isArray(list) && list.length > 0 ? list.filter((each: unknown) => isObject(each)) : none
}
