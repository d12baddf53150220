import type { AnswerOf, BodyOf, EndpointName, QueryOf } from './contract.ts'

/** Our "no" to the operator: code -> status. */
export const problems = {
  invalid_query: 400,
  invalid_json: 400,
  invalid_body: 400,
  unknown_account: 404,
  unknown_turn: 404,
  provisioned: 409,
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

export type Answer<T> = { readonly kind: 'answer'; readonly body: T; readonly etag: string | null } | Problem

/** A question that was understood. */
export interface Asked<Query, Body> {
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly body: Body
  /** The header as it came; never null where the endpoint is guarded by it. */
  readonly ifMatch: string | null
}

export type Handle<Name extends EndpointName> = (asked: Asked<QueryOf<Name>, BodyOf<Name>>) => Promise<Answer<AnswerOf<Name>>>

/** What answers each of these endpoints. */
export type Handles<Names extends EndpointName> = { readonly [Name in Names]: Handle<Name> }

export function answer<T>(body: T, etag: string | null = null): Answer<T> {
  return { kind: 'answer', body, etag }
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
