import type { TurnOpened, TurnSettled } from '../core/record.ts'

/** Rows cross between threads as arrays of primitives: the cheapest thing to clone and to bind. */
export type Cell = string | number | null
export type Row = readonly Cell[]

/** How a turn begins: the order of `openRow`, and the first columns of `settleRow`. */
export const openColumns = ['id', 'key', 'endpoint', 'transport', 'model', 'started_at', 'tier_requested'] as const

/** What a settle adds: the rest of `settleRow`, in order. */
export const settleColumns = [
  'outcome',
  'code',
  'first_output_ms',
  'duration_ms',
  'tier_sent',
  'tier_served',
  'tier_billed',
  'input_tokens',
  'cached_tokens',
  'cache_write_tokens',
  'long_cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'charge_nano_usd',
  'charge_estimated_nano_usd',
  'charge_notional_nano_usd',
  'account',
  'attempts',
] as const

export function openRow(turn: TurnOpened): Row {
  return [turn.id, turn.key, turn.endpoint, turn.transport, turn.model, Math.round(turn.startedAtMs), turn.tierRequested]
}

/** `account` is the last one tried; the earlier ones are `failoverRows`. */
export function settleRow(turn: TurnSettled): Row {
  const { opened, tier, usage, charge, attempts } = turn
  return [
    opened.id,
    opened.key,
    opened.endpoint,
    opened.transport,
    opened.model,
    Math.round(opened.startedAtMs),
    tier.requested,
    turn.outcome,
    turn.code,
    turn.firstOutputMs === null ? null : Math.round(turn.firstOutputMs),
    Math.round(turn.durationMs),
    tier.sent,
    tier.served,
    tier.billed,
    usage === null ? null : usage.inputTokens,
    usage === null ? null : usage.cachedTokens,
    usage === null ? null : usage.cacheWriteTokens,
    usage === null ? null : usage.longCacheWriteTokens,
    usage === null ? null : usage.outputTokens,
    usage === null ? null : usage.reasoningTokens,
    moneyCell(charge.nanoUsd),
    moneyCell(charge.estimatedNanoUsd),
    moneyCell(charge.notionalNanoUsd),
    attempts.at(-1)?.account ?? null,
    JSON.stringify(attempts),
  ]
}

/** A charge is never larger than what a number holds exactly: see `core/charge.ts`. */
function moneyCell(nanoUsd: bigint | null): Cell {
  return nanoUsd === null ? null : Number(nanoUsd)
}

/** One row for each other account that was tried before the last one: a turn is found by any of them. */
export function failoverRows(turn: TurnSettled): readonly Row[] {
  const { attempts, opened } = turn
  if (attempts.length < 2) return []
  const others = new Set(attempts.map((attempt) => attempt.account))
  const last = attempts.at(-1)
  if (last !== undefined) others.delete(last.account)
  return [...others].map((account) => [account, opened.id])
}
