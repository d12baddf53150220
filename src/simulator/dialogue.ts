import type { JsonObject } from './error.ts'

/** What a model has before it, as links that all continuations share. */
export interface Dialogue {
  readonly before: Dialogue | null
  readonly items: readonly JsonObject[]
  /** About as many as all items take as JSON, those of the links before included. */
  readonly bytes: number
}

/** A dialogue that has grown to this is not continued; an answer to it is the last. */
export const dialogueBytesMax = 64 * 1024 * 1024

export function continued(before: Dialogue | null, items: readonly JsonObject[], bytes: number): Dialogue {
  return { before, items, bytes: bytes + (before?.bytes ?? 0) }
}

/** All items, the oldest first. */
export function itemsOf(dialogue: Dialogue): readonly JsonObject[] {
  const links: (readonly JsonObject[])[] = []
  for (let link: Dialogue | null = dialogue; link !== null; link = link.before) links.push(link.items)
  return links.toReversed().flat()
}
