import { isObject, type Json } from '../json.ts'

/**
 * What Codex offers in every question, whether or not it is ever used: both merely widen what the model may do, and there is no way to turn the second
 * one off. Without them Codex works; who else asks for them wants them (clients.md).
 */
const offeredByCodex: ReadonlySet<unknown> = new Set(['web_search', 'tool_search'])

export function isOfferedByCodex({ type }: Json): boolean {
  return offeredByCodex.has(type)
}

/** Nobody else says of itself what Codex does. */
export function isCodexQuestion({ client_metadata: metadata }: Json): boolean {
  return isObject(metadata)
}
