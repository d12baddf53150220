import type { AccountShape, AttemptShape, TurnShape } from '../admin/contract.ts'
import { usdText } from '../core/key.ts'
import { plain, type Surroundings } from './surroundings.ts'
import { instantText } from './table.ts'

/** A turn in words: what was asked, what it came to, and why each account was tried. @param accounts as they stand now. */
export function turnText(turn: TurnShape, accounts: readonly AccountShape[], { paint }: Pick<Surroundings, 'paint'>): string {
  const facts: readonly (readonly [string, string])[] = [
    ['asked', `${turn.model}, ${turn.endpoint} over ${turn.transport}, by the key ${turn.key}`],
    ['began', instantText(turn.started_at)],
    ['tier', tierText(turn)],
    ['tokens', usageText(turn)],
    ['cost', chargeText(turn)],
  ]
  const lines = [
    `Turn ${turn.id} ${endText(turn)}.`,
    '',
    ...facts.map(([name, said]) => `  ${name.padEnd(8)}${plain(said)}`),
    '',
    ...(turn.attempts.length === 0 ? ['No account was tried.'] : turn.attempts.flatMap((attempt, at) => attemptLines(attempt, at + 1, accounts))),
  ]
  const [first = '', ...rest] = lines
  return `${[turn.outcome === 'completed' ? paint('green', plain(first)) : plain(first), ...rest].join('\n')}\n`
}

function endText(turn: TurnShape): string {
  if (turn.status === 'open') return 'is running'
  if (turn.status === 'interrupted') return 'was interrupted: the gateway ended while it ran'
  const code = turn.code === null ? '' : ` with ${turn.code}`
  const first = turn.first_output_ms === null ? '' : `, the first output after ${turn.first_output_ms} ms`
  const how = { completed: 'completed', incomplete: 'ended incomplete', failed: 'failed', cancelled: 'was called off', refused: 'was refused' }
  return `${how[turn.outcome ?? 'failed']}${code} after ${turn.duration_ms ?? 0} ms${first}`
}

function tierText({ tier }: TurnShape): string {
  const word = (said: string | null): string => said ?? "the upstream's default"
  if (tier.requested === null && tier.sent === null && tier.served === null) return "none asked for: the upstream's default"
  const parts = [`requested ${tier.requested ?? 'none'}`, `sent ${word(tier.sent)}`, `served ${tier.served ?? 'not said'}`, `billed ${word(tier.billed)}`]
  return parts.join(', ')
}

function usageText({ usage }: TurnShape): string {
  if (usage === null) return 'unknown'
  const { cached_tokens: cached, cache_write_tokens: written, long_cache_write_tokens: long } = usage
  const writes = long > 0 ? `${written} written to the cache, ${long} of them for an hour or longer` : `${written} written to the cache`
  const read = written > 0 ? `${cached} cached, ${writes}` : `${cached} cached`
  return `${usage.input_tokens} in (${read}), ${usage.output_tokens} out (${usage.reasoning_tokens} of them reasoning)`
}

/** What the turn costs; where that is unknown, why, and what can be said all the same. */
function chargeText(turn: TurnShape): string {
  const { charge_nano_usd: charge, charge_estimated_nano_usd: estimated, charge_notional_nano_usd: notional } = turn
  const covered = notional === null ? '' : `; a subscription covered what would cost ${dollars(notional)}`
  if (charge !== null) return `${dollars(charge)}${estimated === null ? '' : `, and about ${dollars(estimated)} for what nobody told the use of`}${covered}`
  if (turn.status !== 'settled') return 'unknown: it was not settled'
  const why = turn.usage === null ? 'the upstream did not tell the use' : `no price is known for ${pricelessText(turn)}`
  return `unknown, since ${why}${estimated === null ? '' : `; about ${dollars(estimated)} by estimate`}${covered}`
}

function pricelessText({ attempts, tier }: TurnShape): string {
  const model = attempts.findLast(({ price }) => price === null)?.upstream_model ?? 'its model'
  return `${model}${tier.billed === null || tier.billed === 'default' ? '' : ` at the tier ${tier.billed}`} (see "prices" in docs/configuration.md)`
}

function dollars(nanoUsd: string): string {
  return `${usdText(BigInt(nanoUsd))} USD`
}

/** In the words of the price lists. */
function priceText(price: string): string {
  const [input = '', cached = '', writes = '', output = ''] = price.split('/')
  const [written = '', long] = writes.split('+')
  const writing = long === undefined ? `${written} written to the cache` : `${written} written to the cache (${long} for an hour or longer)`
  return `${input} in, ${cached} cached, ${writing}, ${output} out, in USD per million tokens`
}

function attemptLines(attempt: AttemptShape, number: number, accounts: readonly AccountShape[]): readonly string[] {
  const others = attempt.not_chosen.map((other) => (other.account === null ? `${other.count} more (${other.why})` : `${other.account} (${other.why})`))
  const rest = attempt.outcome === 'failed' ? restText(accounts.find((account) => account.name === attempt.account)) : null
  return [
    `${number}. ${attemptText(attempt)}`,
    `   chosen: ${attempt.because}`,
    ...(others.length === 0 ? [] : [`   not chosen: ${others.join('; ')}`]),
    ...(attempt.price === null ? [] : [`   priced: ${priceText(attempt.price)}`]),
    ...(rest === null ? [] : [`   now: ${rest}`]),
  ].map(plain)
}

/** One attempt as a sentence. */
export function attemptText(attempt: AttemptShape): string {
  const { account, failure, status, code, outcome, duration_ms: ms, upstream_model: model } = attempt
  const kind = failure === null ? '' : ` (${failure})`
  switch (outcome) {
    case 'completed':
      return `${account} answered with ${model} in ${ms} ms.`
    case 'incomplete':
      return `${account} answered with ${model} and stopped short after ${ms} ms${code === null ? '' : `: ${code}`}.`
    case 'cancelled':
      return `${account} was called off after ${ms} ms.`
    case 'refused':
      return `${account} was not asked: ${code ?? 'refused'}.`
    case 'failed': {
      const said = [status, code].filter((part) => part !== null).join(' ')
      return said === '' ? `${account} ${silenceText(failure)} after ${ms} ms${kind}.` : `${account} answered ${said} after ${ms} ms${kind}.`
    }
  }
}

/** What an upstream did that gave neither status nor code. */
function silenceText(failure: AttemptShape['failure']): string {
  if (failure === 'network') return 'could not be reached, or broke off,'
  if (failure === 'silent') return 'had said nothing'
  return failure === 'broken-stream' ? 'stopped before the end of its answer' : 'failed'
}

/** Null: nothing is to be said of it. */
function restText(account: AccountShape | undefined): string | null {
  if (account === undefined) return 'this account is no longer configured'
  if (!account.enabled) return 'disabled by the operator'
  const { state, until, why } = account.health
  if (state === 'ready') return null
  return state === 'cooling' ? `cooling until ${instantText(until)}: ${why ?? 'unknown'}` : `retired: ${why ?? 'unknown'}`
}
