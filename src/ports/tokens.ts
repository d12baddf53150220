import type { Account } from '../core/account.ts'

/** A wish for another access token. */
export interface RefreshWish {
  /** Whose proxy and reach it takes. */
  readonly account: Account
  readonly tokenUrl: string
  readonly clientId: string
  /** Many token endpoints take each of these once, and give the next one with the answer. */
  readonly refreshToken: string
  readonly signal: AbortSignal
}

/** What a token endpoint answered. */
export type Refreshed =
  /** Null: it said nothing of it, and the old one stays. */
  | { readonly kind: 'renewed'; readonly accessToken: string | null; readonly refreshToken: string | null; readonly expiresInMs: number | null }
  /** No later try can go better. `code`: as the endpoint named it. */
  | { readonly kind: 'refused'; readonly status: number; readonly code: string | null; readonly fault: 'token' | 'client' }
  /** A later try may go better. `exchanged`: whether the refresh token may have been used up all the same. */
  | {
      readonly kind: 'failed'
      readonly status: number | null
      readonly why: string
      readonly exchanged: 'surely-not' | 'perhaps'
      readonly retryAfterMs: number | null
    }

/** Talks to token endpoints. */
export interface Tokens {
  /** Asks once. Bounded in time; rejects only with the signal's reason. */
  refresh(wish: RefreshWish): Promise<Refreshed>
}
