import { billOf, charge, paidBy } from '../core/charge.ts'
import { guessedInput } from '../core/guess.ts'
import type { TurnSettled } from '../core/record.ts'
import type { Candidate } from '../core/route.ts'
import type { Spent } from '../ports/limits.ts'
import type { Settings } from '../ports/settings.ts'
import type { Ask, World } from './world.ts'

/** Most answers are shorter. */
const outputTokensGuess = 1000
/** So many of the accounts that may serve a turn are looked at: what they charge hardly differs. */
const accountsLookedAt = 8

/** What a turn will come to, as far as its question tells: what the dearest account asks for it, where the key has a budget. */
export function expectedOf(world: World, ask: Ask, { prices }: Settings): Spent {
  const { caller, turn, body } = ask
  const inputTokens = guessedInput(body.value.bytes.length)
  const tokens = inputTokens + outputTokensGuess
  if (caller.limits.nanoUsdPerDay === null && caller.limits.nanoUsdPerMonth === null) return { tokens, nanoUsd: 0n }
  const used = { kind: 'guessed', inputTokens, outputTokens: outputTokensGuess, tier: turn.tier.kind === 'known' ? turn.tier.raw : null } as const
  const cost = ({ account, model }: Candidate): bigint => {
    if (model === null) return 0n
    return charge([billOf({ account: account.id, model, paidBy: paidBy(account.credentialKind), atMs: ask.receivedAtMs, used }, prices)]).estimatedNanoUsd ?? 0n
  }
  const costs = world.accounts.candidates(caller.pools, turn.model).slice(0, accountsLookedAt).map(cost)
  return { tokens, nanoUsd: costs.reduce((dearest, one) => (one > dearest ? one : dearest), 0n) }
}

/** What it came to. Where nobody knows how many tokens an answer took, they are those that were expected. */
export function spentOf({ usage, attempts, charge: came }: TurnSettled, expected: Spent): Spent {
  const nanoUsd = (came.nanoUsd ?? 0n) + (came.estimatedNanoUsd ?? 0n)
  if (usage !== null) return { tokens: usage.inputTokens + usage.outputTokens, nanoUsd }
  return { tokens: attempts.some((attempt) => attempt.firstOutputMs !== null) ? expected.tokens : 0, nanoUsd }
}
