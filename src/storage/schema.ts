/** The tables as kysely sees them. Whole numbers may come as text or bigint from a database other than SQLite: read them with `whole`. */
export interface Tables {
  turns: TurnsTable
  failovers: { account: string; turn: string }
  owners: { id: string; account: string; key: string; created_at: number }
  account_memory: { account: string; generation: string; enabled: number; state: string; updated_at: number }
  entities: { name: string; version: number; json: string | null }
}

export interface TurnsTable {
  id: string
  key: string
  endpoint: string
  transport: string
  model: string
  started_at: number
  tier_requested: string | null
  status: string
  outcome: string | null
  code: string | null
  first_output_ms: number | null
  duration_ms: number | null
  tier_sent: string | null
  tier_served: string | null
  tier_billed: string | null
  input_tokens: number | null
  cached_tokens: number | null
  cache_write_tokens: number | null
  long_cache_write_tokens: number | null
  output_tokens: number | null
  reasoning_tokens: number | null
  charge_nano_usd: number | null
  charge_estimated_nano_usd: number | null
  charge_notional_nano_usd: number | null
  account: string | null
  attempts: string | null
}

/** How many migrations a file must have seen. Stands apart from them, so that an up-to-date file is opened without loading kysely. */
export const schemaVersion = 5

/** Marks a SQLite file as Turnout's ("TRNT"). */
export const applicationId = 0x54524e54

/** A whole number as a driver gives it: number, bigint or digits. Throws where it is none, or too large to be exact. */
export function whole(value: unknown): number {
  const number = typeof value === 'number' ? value : Number(value)
  if (value === null || value === '' || !Number.isSafeInteger(number)) throw new RangeError(`not a whole number that can be held exactly: ${String(value)}`)
  return number
}
