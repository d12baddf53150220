import type { CredentialKind } from './account.ts'
import type { AccountId, UpstreamModel } from './ids.ts'
import type { Fraction, Price, PriceTable } from './price.ts'
import { noUsage, type Usage } from './usage.ts'

/** What a turn costs. Unit: whole nanodollars, each rounded half up once. */
export interface Charge {
  /** What upstreams bill for it. Null: unknown, never zero. */
  readonly nanoUsd: bigint | null
  /** What it is thought to have cost beyond `nanoUsd`: usage that nobody told, tiers without a price. Null: nothing is, or nobody can tell. */
  readonly estimatedNanoUsd: bigint | null
  /** What subscriptions covered, at the prices of the list: no money, and so apart. Null: nothing, or it is unknown. */
  readonly notionalNanoUsd: bigint | null
}

/** What an attempt has used of its account. `tier`: as served, where it was told, else as sent. */
export type Used =
  /** Surely nothing that anybody bills. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'known'; readonly usage: Usage; readonly tier: string | null }
  /** It may have been served, and nobody said what it used. */
  | { readonly kind: 'guessed'; readonly inputTokens: number; readonly outputTokens: number; readonly tier: string | null }

/** One attempt, as far as money goes. */
export interface Served {
  readonly account: AccountId
  readonly model: UpstreamModel
  /** A subscription costs the same whatever it serves. */
  readonly paidBy: 'use' | 'subscription'
  /** When the attempt began. */
  readonly atMs: number
  readonly used: Used
}

/** What one attempt costs, in picodollars and exact. `price`: see `Price.text`. */
export type Bill =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'known'; readonly paidBy: Served['paidBy']; readonly cost: Fraction; readonly price: string | null }
  /** Its usage is unknown. `cost` is an estimate; null: there is no price either. */
  | { readonly kind: 'guessed'; readonly paidBy: Served['paidBy']; readonly cost: Fraction | null; readonly price: string | null }
  /** Its usage is known, and its price is not. */
  | { readonly kind: 'unpriced'; readonly paidBy: Served['paidBy']; readonly cost: Fraction | null }

const nothing: Bill = { kind: 'nothing' }
const free: Fraction = { over: 0n, under: 1n }

/** Nine million dollars: no turn costs that. Usage that would is malformed, and what it cost unknown; a JavaScript number still holds it. */
const nanoUsdMax = BigInt(Number.MAX_SAFE_INTEGER)

/** An access token is that of a subscription; who has an API key is billed by use. */
export function paidBy(credential: CredentialKind): Served['paidBy'] {
  return credential === 'oauth' ? 'subscription' : 'use'
}

export function billOf({ account, model, paidBy, atMs, used }: Served, prices: PriceTable): Bill {
  switch (used.kind) {
    case 'nothing':
      return nothing
    case 'known': {
      const { usage, tier } = used
      if (usage.inputTokens === 0 && usage.outputTokens === 0) return { kind: 'known', paidBy, cost: free, price: null }
      const priced = { account, model, tier, inputTokens: usage.inputTokens, atMs }
      const price = prices.find(priced)
      if (price !== null) return { kind: 'known', paidBy, cost: costOf(usage, price), price: price.text }
      const usual = prices.guess(priced)
      return { kind: 'unpriced', paidBy, cost: usual === null ? null : costOf(usage, usual) }
    }
    case 'guessed': {
      const { inputTokens, outputTokens, tier } = used
      const price = prices.guess({ account, model, tier, inputTokens, atMs })
      const usage: Usage = { ...noUsage, inputTokens, outputTokens }
      return { kind: 'guessed', paidBy, cost: price === null ? null : costOf(usage, price), price: price?.text ?? null }
    }
  }
}

/** Every token of input is billed at one rate (protocols.md 9.2, 9.3). */
function costOf({ inputTokens, cachedTokens, cacheWriteTokens, longCacheWriteTokens, outputTokens }: Usage, price: Price): Fraction {
  const uncached = Math.max(0, inputTokens - cachedTokens - cacheWriteTokens)
  let over = BigInt(uncached) * price.input + BigInt(outputTokens) * price.output
  if (cachedTokens > 0) over += BigInt(cachedTokens) * price.cached
  if (cacheWriteTokens > 0) over += BigInt(cacheWriteTokens - longCacheWriteTokens) * price.written
  if (longCacheWriteTokens > 0) over += BigInt(longCacheWriteTokens) * price.written1h
  return { over, under: price.under }
}

/**
 * What a turn costs, by the bills of all its attempts, the one that answered last. It is unknown where the answer's usage is, or where some usage has no price;
 * what is known of such a turn is then part of the estimate, so that `nanoUsd` and `estimatedNanoUsd` together are always all that is known.
 */
export function charge(bills: readonly Bill[]): Charge {
  const used = bills.filter((bill) => bill.kind !== 'nothing')
  const byUse = used.filter((bill) => bill.paidBy === 'use')
  const known = byUse.filter((bill) => bill.kind === 'known')
  const rest = byUse.filter((bill) => bill.kind !== 'known')
  const isUnknown = rest.some((bill) => bill.kind === 'unpriced') || (rest.length > 0 && !isUsageTold(bills.at(-1)))
  const nanoUsd = isUnknown ? null : (total(known) ?? 0n)
  return {
    nanoUsd: bounded(nanoUsd),
    estimatedNanoUsd: rest.length === 0 ? null : bounded(total(isUnknown ? byUse : rest)),
    notionalNanoUsd: notional(used.filter((bill) => bill.paidBy === 'subscription')),
  }
}

function isUsageTold(answer: Bill | undefined): boolean {
  return answer !== undefined && (answer.kind === 'known' || answer.kind === 'unpriced')
}

function notional(covered: readonly Exclude<Bill, { kind: 'nothing' }>[]): bigint | null {
  return covered.every((bill) => bill.kind === 'known') ? bounded(total(covered)) : null
}

function bounded(nanoUsd: bigint | null): bigint | null {
  return nanoUsd !== null && nanoUsd > nanoUsdMax ? null : nanoUsd
}

/** In nanodollars, rounded half up. Null: there is nothing to add. */
function total(bills: readonly { readonly cost: Fraction | null }[]): bigint | null {
  let sum: Fraction | null = null
  for (const { cost } of bills) if (cost !== null) sum = sum === null ? cost : plus(sum, cost)
  return sum === null ? null : (sum.over + 500n * sum.under) / (1000n * sum.under)
}

function plus(a: Fraction, b: Fraction): Fraction {
  return a.under === b.under ? { over: a.over + b.over, under: a.under } : { over: a.over * b.under + b.over * a.under, under: a.under * b.under }
}
