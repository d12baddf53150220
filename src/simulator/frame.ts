import type { JsonObject } from './error.ts'

export type HeaderValues = { readonly [name: string]: string | readonly string[] }

/** One event of a stream, or a body that is said whole. */
export interface Frame {
  /** Before it, after the one in front of it. */
  readonly waitMs: number
  /** The event's type; empty: it has none; null: it is no event. */
  readonly event: string | null
  /** Its JSON. */
  readonly text: string
}

/** As it goes over HTTP. */
export function sse({ event, text }: Frame): string {
  if (event === null) return text
  return event === '' ? `data: ${text}\n\n` : `event: ${event}\ndata: ${text}\n\n`
}

/** Any event that has no place in the count. */
export function frame(fields: JsonObject & { readonly type: string }): Frame {
  return { waitMs: 0, event: fields.type, text: JSON.stringify(fields) }
}

/** An event without a type, as Chat Completions knows no other. */
export function unnamed(text: string, waitMs = 0): Frame {
  return { waitMs, event: '', text }
}

const padding = 'k3Vx0aQ9ZbWm7RtL'

/** The member, behind others, that hides how long the deltas of a stream are. @param nth the place of the event. */
export function obfuscation(nth: number): string {
  return `,"obfuscation":"${padding.slice(0, 1 + ((nth * 7) % padding.length))}"`
}
