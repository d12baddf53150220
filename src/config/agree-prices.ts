import type { Path } from './problem.ts'
import type { Configuration } from './schema.ts'

interface Disagreement {
  readonly path: Path
  readonly message: string
}

type PriceSetting = Configuration['prices'][number]

/** What entries of `prices` ask of each other, and their fields of one another. */
export function priceFaults(prices: Configuration['prices']): readonly Disagreement[] {
  return prices.flatMap((price, index) => [
    ...twice(prices, index),
    ...longFaults(price.long, ['prices', index, 'long']),
    ...price.tiers.flatMap((tier, at) => {
      const path: Path = ['prices', index, 'tiers', at]
      const stoodBefore = price.tiers.findIndex((other) => other.tier === tier.tier) < at
      return [...(stoodBefore ? [{ path: [...path, 'tier'], message: 'stands twice: expected each tier once' }] : []), ...tierFaults(tier, path)]
    }),
  ])
}

/** Which of two prices would hold? */
function twice(prices: readonly PriceSetting[], index: number): readonly Disagreement[] {
  const price = prices[index]
  const first = prices.findIndex((other) => other.model === price?.model && other.from === price.from && sharesAccounts(other, price))
  if (first === index) return []
  return [{ path: ['prices', index, 'model'], message: `has a price already, in prices[${first}]: expected another model, other accounts or another "from"` }]
}

function sharesAccounts(one: PriceSetting, other: PriceSetting): boolean {
  if (one.accounts.length === 0 || other.accounts.length === 0) return one.accounts.length === other.accounts.length
  return one.accounts.some((account) => other.accounts.includes(account))
}

function tierFaults(
  { multiple, input, cached, written, written_1h: written1h, output, long }: PriceSetting['tiers'][number],
  path: Path,
): readonly Disagreement[] {
  const hasOwn = [input, cached, written, written1h, output].some((usd) => usd !== undefined) || long.length > 0
  if (multiple !== undefined) return hasOwn ? [{ path, message: 'has both a multiple and prices of its own: expected one of them' }] : []
  if (input === undefined || output === undefined) return [{ path, message: 'has no price: expected multiple, or input and output' }]
  return longFaults(long, [...path, 'long'])
}

function longFaults(long: PriceSetting['long'], path: Path): readonly Disagreement[] {
  return long.flatMap(({ above }, index) =>
    long.findIndex((other) => other.above === above) < index
      ? [{ path: [...path, index, 'above'], message: `stands twice (${above}): expected each number of tokens once` }]
      : [],
  )
}
