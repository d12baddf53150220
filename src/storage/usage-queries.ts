import type { Database } from 'better-sqlite3'
import { usageRowsMax, type UsageBy, type UsageQuery, type UsageRow } from '../ports/usage-books.ts'
import { firstIdAt } from './retention.ts'
import { countColumns, dayMs, hourMs, marks, moneyColumns, type CountColumn, type Dimension, type MoneyColumn } from './roll-up-columns.ts'

type Sums = Record<CountColumn | MoneyColumn, bigint>
type Line = Sums & { readonly name: string | bigint }

/** Every turn has one tier: summed up over all of them it is counted once. */
const dimensionOf: Readonly<Record<UsageBy, Dimension>> = { key: 'key', account: 'account', model: 'model', day: 'tier' }
const sums = [...countColumns, ...moneyColumns]
const endOfTimeMs = 8_640_000_000_000_000

/** Answers from the sums by hour and by day, and never from the turns themselves, but for those that were interrupted. */
export class UsageQueries {
  readonly #db: Database
  readonly #statements = new Map<UsageBy, { readonly lines: ReturnType<typeof prepareLines>; readonly interrupted: ReturnType<typeof prepareInterrupted> }>()
  readonly #daysUntil

  constructor(db: Database) {
    this.#db = db
    this.#daysUntil = db.prepare<[string], string>('select value from marks where name = ?').pluck()
  }

  sum(query: UsageQuery): readonly UsageRow[] {
    // One transaction: a day that is summed up meanwhile is neither missed nor taken twice.
    const rows = this.#db.transaction(() => this.#rows(query))()
    const sorted = query.by === 'day' ? rows.toSorted((a, b) => (a.name ?? '').localeCompare(b.name ?? '')) : rows.toSorted(mostFirst)
    return sorted.slice(0, usageRowsMax)
  }

  #rows({ by, fromMs, toMs }: UsageQuery): readonly UsageRow[] {
    const { lines, interrupted } = this.#prepared(by)
    const from = Math.floor((fromMs ?? 0) / hourMs) * hourMs
    const to = Math.ceil((toMs ?? endOfTimeMs) / hourMs) * hourMs
    const totals = new Map<string, Sums>()
    for (const [span, startMs, endMs] of partsOf(from, to, Number(this.#daysUntil.get(marks.daysUntil) ?? 0)))
      for (const line of lines.all(span, dimensionOf[by], startMs, endMs)) add(totals, String(line.name), line)
    for (const { name, turns } of interrupted.all(firstIdAt(from), firstIdAt(to))) add(totals, String(name ?? ''), { ...nothing, turns, unknown_turns: turns })
    return Array.from(totals, ([name, total]) => rowOf(by, name, total))
  }

  #prepared(by: UsageBy) {
    const known = this.#statements.get(by)
    if (known !== undefined) return known
    const made = { lines: prepareLines(this.#db, by), interrupted: prepareInterrupted(this.#db, by) }
    this.#statements.set(by, made)
    return made
  }
}

/** Whole days from the sums by day, as far as there are any; the hours before and behind from those by hour. */
function partsOf(fromMs: number, toMs: number, daysUntilMs: number): readonly (readonly [span: 'hour' | 'day', startMs: number, endMs: number])[] {
  const firstDayMs = Math.ceil(fromMs / dayMs) * dayMs
  const lastDayMs = Math.min(Math.floor(toMs / dayMs) * dayMs, daysUntilMs)
  if (firstDayMs >= lastDayMs) return [['hour', fromMs, toMs]]
  return [
    ['hour', fromMs, firstDayMs],
    ['day', firstDayMs, lastDayMs],
    ['hour', lastDayMs, toMs],
  ]
}

function prepareLines(db: Database, by: UsageBy) {
  const name = by === 'day' ? `starts_at / ${dayMs}` : 'name'
  return db
    .prepare<[string, string, number, number], Line>(
      `select ${name} as name, ${sums.map((sum) => `sum(${sum}) as ${sum}`).join(', ')} from roll_ups
       where span = ? and dimension = ? and starts_at >= ? and starts_at < ? group by 1`,
    )
    .safeIntegers()
}

/** Turns that a crash cut off were never settled: they are few, and found by the index of those that are not. */
function prepareInterrupted(db: Database, by: UsageBy) {
  const name = by === 'day' ? `started_at / ${dayMs}` : by
  return db
    .prepare<[string, string], { readonly name: string | bigint | null; readonly turns: bigint }>(
      `select ${name} as name, count(*) as turns from turns
       where status = 'interrupted' and status <> 'settled' and id >= ? and id < ? group by 1`,
    )
    .safeIntegers()
}

const nothing = Object.fromEntries(sums.map((sum) => [sum, 0n])) as Sums

function add(totals: Map<string, Sums>, name: string, more: Sums): void {
  const total = totals.get(name)
  if (total === undefined) totals.set(name, { ...more })
  else for (const sum of sums) total[sum] += more[sum]
}

function rowOf(by: UsageBy, name: string, total: Sums): UsageRow {
  const money = (known: CountColumn, sum: MoneyColumn) => (total[known] === 0n ? null : total[sum])
  return {
    name: by === 'day' ? new Date(Number(name) * dayMs).toISOString().slice(0, 10) : name === '' ? null : name,
    turns: Number(total.turns),
    usage:
      total.usage_turns === 0n
        ? null
        : {
            inputTokens: Number(total.input_tokens),
            cachedTokens: Number(total.cached_tokens),
            cacheWriteTokens: Number(total.cache_write_tokens),
            longCacheWriteTokens: Number(total.long_cache_write_tokens),
            outputTokens: Number(total.output_tokens),
            reasoningTokens: Number(total.reasoning_tokens),
          },
    charge: {
      nanoUsd: money('charged_turns', 'charge_nano_usd'),
      estimatedNanoUsd: money('estimated_turns', 'charge_estimated_nano_usd'),
      notionalNanoUsd: money('notional_turns', 'charge_notional_nano_usd'),
    },
    unknownTurns: Number(total.unknown_turns),
  }
}

function mostFirst(a: UsageRow, b: UsageRow): number {
  return b.turns - a.turns || (a.name ?? '').localeCompare(b.name ?? '')
}
