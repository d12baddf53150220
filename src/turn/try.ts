import type { Plan } from '../core/shape.ts'
import type { Dialect, Memo, Translation, UpstreamDialect } from '../dialect/dialect.ts'
import type { Pieces } from '../lib/body.ts'
import type { AttemptSpan } from '../ports/tracer.ts'
import type { Chosen } from './choose.ts'
import type { Course } from './course.ts'

/** An attempt from its beginning on, whether or not anything is sent. */
export interface Begun {
  readonly chosen: Chosen
  readonly startedAtMs: number
  /** Null: nobody follows it. */
  readonly span: AttemptSpan | null
}

/** What this attempt is to its course: the lease that it runs on, and what it sends. */
export interface Try extends Begun {
  readonly plan: Plan
  readonly speech: Speech
  /** Whether sealed items go along that this account is not known to have sealed. */
  readonly sendsForeign: boolean
  /** Calls the upstream off. */
  readonly breaker: AbortController
}

/** In which words an attempt is put to its account. */
export type Speech =
  /** The client's own. */
  | { readonly kind: 'native'; readonly dialect: Dialect }
  | { readonly kind: 'translated'; readonly translation: Translation; readonly text: Pieces; readonly memo: Memo }
  /** In none: its tokens are counted here, roughly, since the account has no way to count them. */
  | { readonly kind: 'estimated'; readonly dialect: Dialect }

/** What reads the answer. */
export function readerOf({ speech }: Pick<Try, 'speech'>): UpstreamDialect {
  return speech.kind === 'translated' ? speech.translation : speech.dialect
}

export function begin({ span, nowMs }: Course, chosen: Chosen): Begun {
  const { account, model } = chosen.lease
  return { chosen, startedAtMs: nowMs, span: span?.attempt({ account: account.id, model, startedAtMs: nowMs }) ?? null }
}
