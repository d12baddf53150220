import type { Answer } from './answer.ts'
import type { Deed, Place, Told } from './deed.ts'
import type { JsonObject, Refuse, Refused } from './error.ts'
import type { Frame, HeaderValues } from './frame.ts'
import type { Asker, DialectName, Question, Request } from './question.ts'
import type { SaidTrouble, Say } from './trouble.ts'

type Failed = Extract<Deed, { kind: 'failed' }>

/** An event that fails: what is told, and where it is told. */
export interface Failing {
  readonly deed: Failed
  readonly transport: 'http' | 'websocket'
  /** How many events stand before it. */
  readonly sequence: number
}

/** One wire format of the simulated upstream: how it is asked, how it answers, and how it fails. */
export interface Dialect {
  readonly name: DialectName
  /** Of every answer, refusals included. */
  headers(requestId: string): HeaderValues
  refuser(requestId: string): Refuse
  /** Checks a body as strictly as a real service, and reads it. */
  read(request: Request, asker: Asker): Question | Refused
  /** The least that can be asked. */
  least(model: string, text: string, stream: boolean): JsonObject
  readonly trouble: Readonly<Record<SaidTrouble, Say>>
  /** What its services tell of their limits. */
  readonly limits: HeaderValues

  /** Headers of an answer proper. */
  told(said: Answer): HeaderValues
  /** Every event of an answer, what tells the end last. */
  events(said: Answer, paceMs: number): readonly Frame[]
  whole(said: Answer): string
  failedWhole(said: Answer, error: Told): string
  failedEvent(said: Answer, failing: Failing): Frame
  /** Where the places of an answer's events are. @param events how many it has. */
  place(place: Place, said: Answer, events: number): number
  /** An event that breaks off inside its JSON. */
  readonly malformed: Frame
  /** An event of a type that clients need not know. */
  extra(type: string): Frame
}

/** How one request is spoken to. */
export interface Voice {
  readonly dialect: Dialect
  readonly requestId: string
}
