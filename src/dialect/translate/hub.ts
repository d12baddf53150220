import type { Refusal } from '../../core/refusal.ts'
import type { Json } from '../json.ts'
import type { Memo, Watched } from '../dialect.ts'

/**
 * The hub of the translations is the Responses API (protocols.md 1): a question goes from its client's dialect into Responses, and from there into the upstream's;
 * an answer comes back the same way. So each of the other dialects needs one translator, and no pair needs its own.
 */

/** One event of a Responses stream as its JSON, without `sequence_number`: whoever writes it down counts. */
export interface HubEvent extends Json {
  readonly type: string
}

/** What is known of an answer beside itself. */
export type Telling = Pick<Watched, 'restore' | 'model' | 'wantsUsage' | 'startedAtS' | 'memo'>

export type Translated =
  | { readonly kind: 'translated'; readonly question: Json; readonly memo: Memo }
  /** Something in it has no words there: a refusal that names the member. */
  | { readonly kind: 'unsayable'; readonly refusal: Refusal }

/** Reads an upstream's stream into the hub. Stateful, but pure. */
export interface StreamReader {
  /** One event: the name that it stands under, where it has one, and its JSON. The terminal event comes out of the last one, or of `close`. Never throws. */
  read(name: string | null, data: Json): readonly HubEvent[]
  /**
   * Takes the text of events that differ from the one read last in their text alone, where that was one delta without asides. False: it is more than is kept;
   * the next event that is read is told so.
   */
  grow(text: string): boolean
  /** What a clean end of the stream still brings. */
  close(): readonly HubEvent[]
}

/** Writes a stream out of the hub for a client. Stateful, but pure. */
export interface StreamWriter {
  /** The bytes of whole server-sent events, one buffer each. Of the terminal event: all that the client still gets. Never throws. */
  write(event: HubEvent): readonly Buffer[]
  /** How the delta was written that came last. Asked for behind one without asides that was one buffer. Null: there is none. */
  lastDelta(): DeltaForm | null
  /** Takes note of so many more events like the one written last, which others have written, with this text in all. */
  grow(text: string, events: number): void
}

/** A delta as the client gets it, so that others like it can be put together without being written anew. */
export interface DeltaForm {
  /** Up to its text, which stands there as a JSON string without its quotes. */
  readonly before: string
  /** From its text to its number. */
  readonly behind: string
  /** Of the next event; null: events have none. */
  readonly number: number | null
  readonly end: string
}

/** Between one dialect and the hub. All of it is pure. */
export interface Translator {
  /** A question of this dialect, as one of the hub. */
  toHub(question: Json): Translated
  /** A question of the hub, in this dialect. */
  fromHub(question: Json): Translated
  /** A whole answer of this dialect, as the hub's response object. */
  answerToHub(answer: Json, telling: Telling): Json
  /** The hub's response object, as a whole answer of this dialect. */
  answerFromHub(response: Json, telling: Telling): Json
  reader(telling: Telling): StreamReader
  writer(telling: Telling): StreamWriter
}

export const noMemo: Memo = { customTools: new Set(), toolNames: new Map() }
