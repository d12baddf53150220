import type { AnswerOf, BodyOf, contract, EndpointName, QueryOf } from './contract.ts'

/** Our "no" to the operator: code -> status. */
export const problems = {
  invalid_query: 400,
  invalid_json: 400,
  invalid_body: 400,
  unknown_account: 404,
  unknown_turn: 404,
  unknown_key: 404,
  provisioned: 409,
  name_taken: 409,
  too_many_keys: 409,
  precondition_failed: 412,
  body_too_large: 413,
  unsupported_encoding: 415,
  precondition_required: 428,
  store_unavailable: 503,
} as const

export type ProblemCode = keyof typeof problems

export interface Problem {
  readonly kind: 'problem'
  readonly code: ProblemCode
  readonly message: string
  /** The parameter, or the member of the body, that is at fault. */
  readonly param: string | null
}

/** What an endpoint has changed, for the audit log: nothing in it is a secret. */
export interface Change {
  readonly target: string | null
  /** Null: it was not there. */
  readonly before: unknown
  readonly after: unknown
}

interface Said<T, Changed> {
  readonly kind: 'answer'
  readonly body: T
  readonly etag: string | null
  readonly change: Changed
}

export type Answer<T> = Said<T, Change | null> | Problem
/** The answer of an endpoint that changes something: it says what. */
export type ChangeAnswer<T> = Said<T, Change> | Problem

/** A question that was understood. */
export interface Asked<Query, Body> {
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly body: Body
  /** The header as it came; never null where the endpoint is guarded by it. */
  readonly ifMatch: string | null
}

type AnswerFor<Name extends EndpointName> = (typeof contract)[Name]['effect'] extends 'none' ? Answer<AnswerOf<Name>> : ChangeAnswer<AnswerOf<Name>>

export type Handle<Name extends EndpointName> = (asked: Asked<QueryOf<Name>, BodyOf<Name>>) => Promise<AnswerFor<Name>>

/** What answers each of these endpoints. */
export type Handles<Names extends EndpointName> = { readonly [Name in Names]: Handle<Name> }

export function answer<T>(body: T, etag: string | null = null): Answer<T> {
  return { kind: 'answer', body, etag, change: null }
}

export function changed<T>(body: T, change: Change, etag: string | null = null): ChangeAnswer<T> {
  return { kind: 'answer', body, etag, change }
}

export function problem(code: ProblemCode, message: string, param: string | null = null): Problem {
  return { kind: 'problem', code, message, param }
}

/** What the store says, or that it says nothing: then nothing is wrong with the question. */
export async function fromStore<T>(asked: Promise<T>): Promise<{ readonly kind: 'value'; readonly value: T } | Problem> {
  try {
    return { kind: 'value', value: await asked }
  } catch (error) {
    return problem('store_unavailable', error instanceof Error ? error.message : String(error))
  }
}
