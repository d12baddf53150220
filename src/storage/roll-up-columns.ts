/** What turns are summed up by. */
export const dimensions = ['key', 'account', 'model', 'tier'] as const
export type Dimension = (typeof dimensions)[number]

/** Counts, all of them numbers. Where nothing is known of any turn, `usage_turns`, `charged_turns` and their like are 0. */
export const countColumns = [
  'turns',
  'completed',
  'incomplete',
  'failed',
  'cancelled',
  'refused',
  'unknown_turns',
  'usage_turns',
  'input_tokens',
  'cached_tokens',
  'cache_write_tokens',
  'long_cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'charged_turns',
  'estimated_turns',
  'notional_turns',
] as const

/** Sums of money, which may be more than a number holds exactly. */
export const moneyColumns = ['charge_nano_usd', 'charge_estimated_nano_usd', 'charge_notional_nano_usd'] as const

export type CountColumn = (typeof countColumns)[number]
export type MoneyColumn = (typeof moneyColumns)[number]

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs

/** Models that are summed up by name in an hour: their names come from clients. The others share a line. */
export const modelsPerHourMax = 1000
export const otherModels = '(other)'

/** Marks of how far the sums have got. */
export const marks = {
  /** Days before this moment are summed up by day too. */
  daysUntil: 'days_until',
  /** Turns that were settled before there were sums: counted up to this id, exclusive of the next. */
  countedTo: 'counted_to',
  /** The last of them; no such mark: all are counted. */
  toBeCountedTo: 'to_be_counted_to',
} as const
