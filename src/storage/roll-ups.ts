import type { Database } from 'better-sqlite3'
import { countColumns, dayMs, dimensions, hourMs, marks, modelsPerHourMax, moneyColumns, otherModels } from './roll-up-columns.ts'
import type { CountColumn, Dimension } from './roll-up-columns.ts'
import { openColumns, settleColumns } from './rows.ts'
import type { Cell, Row } from './rows.ts'

/** Turns of one step in which earlier ones are counted: short enough that a turn does not feel it. */
export const countedPerStep = 500
/** Hours whose names of models are remembered. */
const hoursRememberedMax = 4

const columns: readonly string[] = [...openColumns, ...settleColumns]
const at = (name: string): number => columns.indexOf(name)
/** Where each is in a row that settles a turn. */
const cells = {
  id: at('id'),
  startedAt: at('started_at'),
  outcome: at('outcome'),
  firstOutput: at('first_output_ms'),
  key: at('key'),
  account: at('account'),
  model: at('model'),
  tier: at('tier_billed'),
  money: moneyColumns.map(at),
  tokens: ['input_tokens', 'cached_tokens', 'cache_write_tokens', 'long_cache_write_tokens', 'output_tokens', 'reasoning_tokens'].map(at),
}
const [inputCell = -1] = cells.tokens
const [chargeCell = -1] = cells.money
const countAt = (name: string): number => countColumns.indexOf(name as CountColumn)
/** Where each is in the counts of a sum. */
const counted = {
  turns: countAt('turns'),
  unknown: countAt('unknown_turns'),
  usage: countAt('usage_turns'),
  tokens: countAt('input_tokens'),
  money: ['charged_turns', 'estimated_turns', 'notional_turns'].map(countAt),
  outcomes: new Map<Cell, number>(['completed', 'incomplete', 'failed', 'cancelled', 'refused'].map((name) => [name, countAt(name)])),
}

/** What turns of one hour come to, by one dimension and name. */
interface Sum {
  /** In the order of `countColumns`. */
  readonly counts: number[]
  /** In the order of `moneyColumns`. */
  readonly money: bigint[]
}

/** A part of the turns that were settled before there were sums: those after one id, up to another. */
interface Earlier {
  readonly after: string
  readonly to: string
}

/**
 * Sums of turns by the hour in which they began, kept in the transaction that settles them, so that each is counted exactly once. Sums by
 * day are made of them when a day is over.
 */
export class RollUps {
  readonly #db: Database
  readonly #statements
  /** What the open transaction adds, by the beginning of the hour, dimension and name. */
  readonly #pending = new Map<number, Record<Dimension, Map<string, Sum>>>()
  /** Names of models that have a line of their own, by hour. */
  readonly #models = new Map<number, Set<string>>()
  #daysUntilMs: number
  #earlier: Earlier | null

  constructor(db: Database) {
    this.#db = db
    this.#statements = prepare(db)
    this.#daysUntilMs = Number(this.#mark(marks.daysUntil) ?? 0)
    const to = this.#mark(marks.toBeCountedTo)
    this.#earlier = to === null ? null : { after: this.#mark(marks.countedTo) ?? '', to }
  }

  /** Turns of higher ids may not be counted yet, and must not be deleted; null: all are counted. */
  get countedTo(): string | null {
    return this.#earlier?.after ?? null
  }

  /** A turn that is settled now, and was not before. */
  count(row: Row): void {
    if (this.#earlier === null) return this.#add(row)
    const id = String(row[cells.id])
    // Those between are met on the way.
    if (id <= this.#earlier.after || id > this.#earlier.to) this.#add(row)
  }

  /** Writes what was counted, as a part of the transaction that is open. */
  write(): void {
    for (const [hourStartMs, sums] of this.#pending) {
      const dayStartMs = startOf(hourStartMs, dayMs)
      for (const dimension of dimensions) {
        for (const [name, { counts, money }] of sums[dimension]) {
          this.#statements.add.run('hour', dimension, hourStartMs, name, ...counts, ...money)
          if (hourStartMs < this.#daysUntilMs) this.#statements.add.run('day', dimension, dayStartMs, name, ...counts, ...money)
        }
      }
    }
    this.#pending.clear()
  }

  /** The transaction was not committed. */
  discard(): void {
    if (this.#pending.size > 0) this.#models.clear()
    this.#pending.clear()
  }

  /** Counts some of the turns settled before there were sums, in a transaction of its own. False: none are left. */
  countEarlier(): boolean {
    const earlier = this.#earlier
    if (earlier === null) return false
    this.#earlier = this.#atomically(() => {
      const rows = this.#statements.earlier.all(earlier.after, earlier.to, countedPerStep) as Row[]
      for (const [status, ...row] of rows) if (status === 'settled') this.#add(row)
      this.write()
      const last = rows.at(-1)
      if (last === undefined || rows.length < countedPerStep) {
        this.#statements.forget.run(marks.countedTo, marks.toBeCountedTo)
        return null
      }
      const after = String(last[1])
      this.#statements.setMark.run(marks.countedTo, after)
      return { after, to: earlier.to }
    })
    return this.#earlier !== null
  }

  /** Sums up by day the first day that is not yet, if it ended before `beforeMs`, in a transaction of its own. False: there is none. */
  sumUpDay(beforeMs: number): boolean {
    if (this.#earlier !== null) return false
    const firstMs = this.#statements.firstHour.get(this.#daysUntilMs)
    if (typeof firstMs !== 'number') return false
    const startMs = startOf(firstMs, dayMs)
    const endMs = startMs + dayMs
    if (endMs > beforeMs) return false
    this.#daysUntilMs = this.#atomically(() => {
      this.#statements.sumUp.run(startMs, startMs, endMs)
      this.#statements.setMark.run(marks.daysUntil, String(endMs))
      return endMs
    })
    return true
  }

  #add(row: Row): void {
    const hourStartMs = startOf(Number(row[cells.startedAt]), hourMs)
    let sums = this.#pending.get(hourStartMs)
    if (sums === undefined) {
      sums = { key: new Map(), account: new Map(), model: new Map(), tier: new Map() }
      this.#pending.set(hourStartMs, sums)
    }
    addTo(sums.key, String(row[cells.key]), row)
    addTo(sums.account, String(row[cells.account] ?? ''), row)
    addTo(sums.model, this.#lineOf(String(row[cells.model]), hourStartMs), row)
    addTo(sums.tier, String(row[cells.tier] ?? ''), row)
  }

  /** The name under which turns of this model are summed up in this hour. */
  #lineOf(model: string, hourStartMs: number): string {
    let known = this.#models.get(hourStartMs)
    if (known === undefined) {
      known = new Set(this.#statements.models.all(hourStartMs))
      const [oldest] = this.#models.keys()
      if (this.#models.size >= hoursRememberedMax && oldest !== undefined) this.#models.delete(oldest)
      this.#models.set(hourStartMs, known)
    }
    if (!known.has(model) && known.size >= modelsPerHourMax) return otherModels
    known.add(model)
    return model
  }

  #mark(name: string): string | null {
    return this.#statements.mark.get(name) ?? null
  }

  #atomically<T>(work: () => T): T {
    try {
      return this.#db.transaction(work).immediate()
    } catch (error) {
      this.discard()
      throw error
    }
  }
}

function addTo(sums: Map<string, Sum>, name: string, row: Row): void {
  let sum = sums.get(name)
  if (sum === undefined) {
    sum = { counts: countColumns.map(() => 0), money: moneyColumns.map(() => 0n) }
    sums.set(name, sum)
  }
  const { counts, money } = sum
  const count = (index: number, more: number): void => void (counts[index] = (counts[index] ?? 0) + more)
  count(counted.turns, 1)
  const outcome = counted.outcomes.get(row[cells.outcome] ?? null)
  if (outcome !== undefined) count(outcome, 1)
  if (isUnknown(row)) count(counted.unknown, 1)
  if (row[inputCell] !== null) {
    count(counted.usage, 1)
    for (let i = 0; i < cells.tokens.length; i++) count(counted.tokens + i, Number(row[cells.tokens[i] ?? -1] ?? 0))
  }
  for (let i = 0; i < cells.money.length; i++) {
    const amount = row[cells.money[i] ?? -1] ?? null
    if (amount === null) continue
    count(counted.money[i] ?? -1, 1)
    if (amount !== 0) money[i] = (money[i] ?? 0n) + BigInt(amount)
  }
}

/** Whether a turn used, or may have used, what its sums do not hold: its usage is unknown, or what it cost. */
function isUnknown(row: Row): boolean {
  if (row[cells.account] === null || row[cells.outcome] === 'refused') return false
  return row[chargeCell] === null || (row[inputCell] === null && row[cells.firstOutput] !== null)
}

function startOf(ms: number, spanMs: number): number {
  return Math.floor(ms / spanMs) * spanMs
}

function prepare(db: Database) {
  const sums = [...countColumns, ...moneyColumns]
  const ofTurn = columns.map((name) => (name === 'attempts' ? 'null' : name)).join(', ')
  return {
    add: db.prepare(
      `insert into roll_ups (span, dimension, starts_at, name, ${sums.join(', ')}) values (?, ?, ?, ?, ${sums.map(() => '?').join(', ')})
       on conflict (span, dimension, starts_at, name) do update set ${sums.map((name) => `${name} = roll_ups.${name} + excluded.${name}`).join(', ')}`,
    ),
    sumUp: db.prepare<[number, number, number]>(
      `insert into roll_ups (span, dimension, starts_at, name, ${sums.join(', ')})
       select 'day', dimension, ?, name, ${sums.map((name) => `sum(${name})`).join(', ')} from roll_ups
       where span = 'hour' and dimension in (${dimensions.map((name) => `'${name}'`).join(', ')}) and starts_at >= ? and starts_at < ? group by dimension, name`,
    ),
    firstHour: db.prepare<[number], number | null>(`select min(starts_at) from roll_ups where span = 'hour' and dimension = 'tier' and starts_at >= ?`).pluck(),
    models: db.prepare<[number], string>(`select name from roll_ups where span = 'hour' and dimension = 'model' and starts_at = ?`).pluck(),
    earlier: db.prepare<[string, string, number]>(`select status, ${ofTurn} from turns where id > ? and id <= ? order by id limit ?`).raw(),
    mark: db.prepare<[string], string>('select value from marks where name = ?').pluck(),
    setMark: db.prepare<[string, string]>('insert into marks (name, value) values (?, ?) on conflict (name) do update set value = excluded.value'),
    forget: db.prepare<[string, string]>('delete from marks where name in (?, ?)'),
  }
}
