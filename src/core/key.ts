/** What a key may use; null: no limit. Days and months are those of UTC. */
export interface KeyLimits {
  /** Turns at once. */
  readonly concurrency: number | null
  /** WebSocket sessions open at once. */
  readonly sessions: number | null
  readonly requestsPerMinute: number | null
  readonly tokensPerMinute: number | null
  readonly nanoUsdPerDay: bigint | null
  readonly nanoUsdPerMonth: bigint | null
}

export const noLimits: KeyLimits = {
  concurrency: null,
  sessions: null,
  requestsPerMinute: null,
  tokensPerMinute: null,
  nanoUsdPerDay: null,
  nanoUsdPerMonth: null,
}

/** Limits as the operator writes them, in the configuration and in the admin API alike. */
export interface WrittenLimits {
  readonly concurrency: number | null
  readonly sessions: number | null
  readonly requests_per_minute: number | null
  readonly tokens_per_minute: number | null
  /** US dollars, at most a million. */
  readonly usd_per_day: number | null
  readonly usd_per_month: number | null
}

export function limitsOf(written: WrittenLimits): KeyLimits {
  return {
    concurrency: written.concurrency,
    sessions: written.sessions,
    requestsPerMinute: written.requests_per_minute,
    tokensPerMinute: written.tokens_per_minute,
    nanoUsdPerDay: written.usd_per_day === null ? null : nanoUsdOf(written.usd_per_day),
    nanoUsdPerMonth: written.usd_per_month === null ? null : nanoUsdOf(written.usd_per_month),
  }
}

/** What `limitsOf` reads back. */
export function writtenLimits(limits: KeyLimits): WrittenLimits {
  return {
    concurrency: limits.concurrency,
    sessions: limits.sessions,
    requests_per_minute: limits.requestsPerMinute,
    tokens_per_minute: limits.tokensPerMinute,
    usd_per_day: limits.nanoUsdPerDay === null ? null : usdOf(limits.nanoUsdPerDay),
    usd_per_month: limits.nanoUsdPerMonth === null ? null : usdOf(limits.nanoUsdPerMonth),
  }
}

const nanoPerUsd = 1_000_000_000

/** @param usd at most a million dollars: up to there the nearest nanodollar is exact. */
export function nanoUsdOf(usd: number): bigint {
  return BigInt(Math.round(usd * nanoPerUsd))
}

function usdOf(nanoUsd: bigint): number {
  return Number(nanoUsd) / nanoPerUsd
}

/** Dollars as people write them, with no more digits than they need and at least two. */
export function usdText(nanoUsd: bigint): string {
  const whole = nanoUsd / BigInt(nanoPerUsd)
  const rest = String(nanoUsd % BigInt(nanoPerUsd)).padStart(9, '0')
  return `${whole}.${rest.slice(0, 2)}${rest.slice(2).replace(/0+$/, '')}`
}
