import type { Account, Credential } from '../core/account.ts'
import type { Failure, FailureKind } from '../core/failure.ts'
import { fresh, isKept, type Condition } from '../core/health.ts'
import type { UpstreamModel } from '../core/ids.ts'
import { exhaustedUntil, longestResetAt, withWindows, type Window } from '../core/windows.ts'
import type { Lease } from '../ports/pool.ts'
import type { AccountMemory } from '../ports/stores.ts'

/** A failure as the operator is shown it. */
export interface PastFailure {
  readonly atMs: number
  readonly kind: FailureKind
  readonly status: number | null
  readonly code: string | null
}

/** How many past failures an account keeps. */
export const pastFailuresMax = 8

/** How long an upstream that refused WebSocket is believed. Unit: milliseconds. */
export const noWebSocketMs = 3_600_000

/** A refused WebSocket, and for how long it is not tried again. */
export interface NoWebSocket {
  readonly untilMs: number
  readonly status: number | null
}

/** The condition of an account or of a pair, and the lease whose turn is finding out if it is well again. */
export interface Tended {
  condition: Condition
  prover: Lease | null
}

/** An account as it stands: what the configuration says, how it is doing, and what runs on it. */
export class LiveAccount {
  account: Account
  credential: Credential
  enabled = true
  inFlight = 0
  readonly self: Tended = { condition: fresh, prover: null }
  /** Only pairs that are not fresh. */
  readonly pairs = new Map<UpstreamModel, Tended>()
  readonly pastFailures: PastFailure[] = []
  /** Set when the upstream refused WebSocket as something that it does not speak. */
  noWebSocket: NoWebSocket | null = null

  /** Of the account's quota, as its answers told; what a new process does not know it soon hears. */
  windows: readonly Window[] = []

  constructor(account: Account, credential: Credential) {
    this.account = account
    this.credential = credential
  }

  /** Takes over a changed configuration. A new credential, or another place, makes everything learnt so far void. */
  configure(account: Account, credential: Credential): void {
    const isAnother = account.generation !== this.account.generation || account.baseUrl !== this.account.baseUrl
    if (isAnother || account.proxy !== this.account.proxy) this.noWebSocket = null
    this.account = account
    this.credential = credential
    if (!isAnother) return
    this.windows = []
    this.forgive()
  }

  metered(windows: readonly Window[]): void {
    this.windows = withWindows(this.windows, windows)
  }

  /** When the longest window of the account is reset, for a pool that prefers by it: nothing where that is not known, or where a window is used up. */
  resets(nowMs: number): { readonly resetsAtMs: number } | null {
    const resetsAtMs = longestResetAt(this.windows, nowMs)
    return resetsAtMs === null || exhaustedUntil(this.windows, nowMs) !== null ? null : { resetsAtMs }
  }

  /** In one word, for the operator. */
  state(nowMs: number): 'ready' | 'cooling' | 'retired' | 'disabled' {
    if (!this.enabled) return 'disabled'
    const { health } = this.self.condition
    return health.kind === 'cooling' && health.untilMs <= nowMs ? 'ready' : health.kind
  }

  speaksWebSocket(nowMs: number): boolean {
    return this.noWebSocket === null || this.noWebSocket.untilMs <= nowMs
  }

  forgive(): void {
    this.noWebSocket = null
    this.self.condition = fresh
    this.pairs.clear()
  }

  /** What a restart must not forget of it. */
  memory(): AccountMemory {
    const { account, enabled, self } = this
    const pairs = [...this.pairs].filter(([, pair]) => isKept(pair.condition)).map(([model, pair]) => ({ model, condition: pair.condition }))
    return { account: account.id, generation: account.generation, enabled, condition: isKept(self.condition) ? self.condition : fresh, pairs }
  }

  remember(failure: Failure, atMs: number): void {
    this.pastFailures.push({ atMs, kind: failure.kind, status: failure.status, code: failure.code })
    if (this.pastFailures.length > pastFailuresMax) this.pastFailures.shift()
  }
}
