import type { Account } from '../core/account.ts'
import { classify } from '../core/failure-table.ts'
import type { Health, Why } from '../core/health.ts'
import type { AttemptRecord, NotChosen } from '../core/record.ts'
import { inWords } from '../core/route.ts'
import { standingWindows } from '../core/windows.ts'
import type { Usage } from '../core/usage.ts'
import type { LiveAccount } from '../pool/live-account.ts'
import type { Probed } from '../pool/probes.ts'
import type { TurnRow } from '../ports/stores.ts'
import type { SmallTurn } from '../upstream/small-turn.ts'
import type { AccountShape, AttemptShape, TestedShape, TurnShape } from './contract.ts'

/** How the program's own values look in the admin API. */

/** Pairs that an account shows; those that rest longest come first. */
export const pairsShownMax = 100

export function instant(ms: number): string {
  return new Date(ms).toISOString()
}

export function shownAccount(live: LiveAccount, nowMs: number): AccountShape {
  const resting = [...live.pairs].map(([model, { condition }]) => ({ model, health: shownHealth(condition.health, nowMs) }))
  const pairs = resting.filter(({ health }) => health.state !== 'ready').sort((a, b) => (b.health.until ?? '').localeCompare(a.health.until ?? ''))
  return {
    name: live.account.id,
    upstream: live.account.upstream,
    dialects: [...live.account.dialects],
    enabled: live.enabled,
    provisioned: true,
    health: withSocket(shownHealth(live.self.condition.health, nowMs), live, nowMs),
    pairs: pairs.slice(0, pairsShownMax),
    leases: live.inFlight,
    windows: standingWindows(live.windows, nowMs).map((window) => ({
      minutes: window.minutes,
      used_percent: window.usedPercent,
      resets_at: window.resetsAtMs === null ? null : instant(window.resetsAtMs),
    })),
    last_failures: live.pastFailures.map(({ atMs, kind, status, code }) => ({ at: instant(atMs), kind, status, code })),
  }
}

/** An account that is well may still be one whose sessions take the bridge. */
function withSocket(health: AccountShape['health'], live: LiveAccount, nowMs: number): AccountShape['health'] {
  const { noWebSocket } = live
  if (health.why !== null || noWebSocket === null || live.speaksWebSocket(nowMs)) return health
  const status = noWebSocket.status === null ? '' : ` with status ${noWebSocket.status}`
  return { ...health, why: `its upstream refused WebSocket${status}: turns of sessions go over HTTP until ${instant(noWebSocket.untilMs)}` }
}

/** A cooling that is over by now shows as ready: the next turn is given to it. */
function shownHealth(health: Health, nowMs: number): AccountShape['health'] {
  if (health.kind === 'retired') return { state: 'retired', until: null, why: explained(health.why) }
  if (health.kind === 'cooling' && health.untilMs > nowMs) return { state: 'cooling', until: instant(health.untilMs), why: explained(health.why) }
  return { state: 'ready', until: null, why: null }
}

/** With what there is to be done about it. */
function explained(why: Why): string {
  return why.advice === undefined ? inWords(why) : `${inWords(why)}: ${why.advice}`
}

interface Tested {
  readonly account: Account
  readonly tookMs: number
}

/** What a turn came to that was made. */
type Came = Exclude<SmallTurn, { readonly kind: 'no-model' }>

const nothingWrong = { outcome: 'well', kind: null, status: null, code: null, message: null } as const

/** What asking an upstream came to. */
export function shownTest({ account, tookMs }: Tested, came: Probed | Came, nowMs: number): TestedShape {
  const asked = { account: account.id, model: 'model' in came ? came.model : null, text: null, usage: null, duration_ms: Math.round(tookMs) }
  if (came.kind === 'well') return { ...asked, ...nothingWrong }
  if (came.kind === 'answered') return { ...asked, ...nothingWrong, text: came.text, usage: came.usage === null ? null : shownUsage(came.usage) }
  const { kind, status, code, message, because } = classify(came.signal, nowMs)
  return {
    ...asked,
    outcome: 'unwell',
    kind,
    status,
    code,
    message: message === '' ? because : message,
  }
}

export function shownTurn(row: TurnRow): TurnShape {
  const { usage, tier, charge } = row
  return {
    id: row.id,
    key: row.key,
    endpoint: row.endpoint,
    transport: row.transport,
    model: row.model,
    status: row.status,
    outcome: row.outcome,
    code: row.code,
    started_at: instant(row.startedAtMs),
    first_output_ms: row.firstOutputMs,
    duration_ms: row.durationMs,
    tier: { requested: tier.requested, sent: tier.sent, served: tier.served, billed: tier.billed },
    usage: usage === null ? null : shownUsage(usage),
    charge_nano_usd: money(charge.nanoUsd),
    charge_estimated_nano_usd: money(charge.estimatedNanoUsd),
    charge_notional_nano_usd: money(charge.notionalNanoUsd),
    attempts: row.attempts.map(shownAttempt),
  }
}

export function shownUsage(usage: Usage): NonNullable<TurnShape['usage']> {
  return {
    input_tokens: usage.inputTokens,
    cached_tokens: usage.cachedTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    long_cache_write_tokens: usage.longCacheWriteTokens,
    output_tokens: usage.outputTokens,
    reasoning_tokens: usage.reasoningTokens,
  }
}

/** A string, since JSON's numbers end where large sums begin. */
export function money(nanoUsd: bigint | null): string | null {
  return nanoUsd === null ? null : String(nanoUsd)
}

function shownAttempt(attempt: AttemptRecord): AttemptShape {
  return {
    account: attempt.account,
    upstream_model: attempt.upstreamModel,
    transport: attempt.transport,
    outcome: attempt.outcome,
    failure: attempt.failure,
    status: attempt.status,
    code: attempt.code,
    started_at: instant(attempt.startedAtMs),
    duration_ms: Math.round(attempt.durationMs),
    because: attempt.because,
    not_chosen: attempt.notChosen.map(shownNotChosen),
    // Records from before prices were kept have none.
    price: attempt.price ?? null,
  }
}

function shownNotChosen({ account, why, count }: NotChosen): AttemptShape['not_chosen'][number] {
  return account === null ? { account, why, count } : { account, why }
}
