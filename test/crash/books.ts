import Sqlite from 'better-sqlite3'
import type { Seen } from './clients.ts'

interface Row {
  readonly model: string
  readonly status: string
  readonly input: number | null
  readonly output: number | null
  readonly cached: number | null
  readonly reasoning: number | null
}

/** What is on the books, and what should be. */
export interface Audit {
  /** Turns on the books, and how many of them are settled. */
  readonly turns: number
  readonly settled: number
  /** What must not be, one line each. */
  readonly misses: readonly string[]
}

/** Holds what clients saw against the books of a gateway that has been started again. */
export function audit(file: string, seen: readonly Seen[]): Audit {
  const books = new Sqlite(file, { readonly: true })
  try {
    const rows = books
      .prepare<[], Row>(
        `select model, status, input_tokens as input, output_tokens as output, cached_tokens as cached, reasoning_tokens as reasoning from turns`,
      )
      .all()
    const byModel = Map.groupBy(rows, ({ model }) => model)
    const settled = rows.filter(({ status }) => status === 'settled').length
    const counted = books.prepare<[], number>(`select coalesce(sum(turns), 0) from roll_ups where span = 'hour' and dimension = 'tier'`).pluck().get()
    const integrity = String(books.pragma('integrity_check', { simple: true }))
    return {
      turns: rows.length,
      settled,
      misses: [
        ...seen.flatMap((turn) => missesOf(turn, byModel.get(turn.model) ?? [])),
        ...[...byModel].flatMap(([model, found]) => (found.length > 1 ? [`${model} is there ${found.length} times`] : [])),
        ...rows.flatMap(({ model, status }) => (status === 'open' ? [`${model} is open, and nothing runs`] : [])),
        ...(counted === settled ? [] : [`${settled} turns are settled, and the sums have ${counted}`]),
        ...(integrity === 'ok' ? [] : [`integrity_check says ${integrity}`]),
      ],
    }
  } finally {
    books.close()
  }
}

function missesOf({ model, transport, hasOutput, usage }: Seen, [row]: readonly Row[]): readonly string[] {
  if (row === undefined) return usage !== null || hasOutput ? [`${model} (${transport}) had ${usage === null ? 'output' : 'its end'}, and is not there`] : []
  if (usage === null) return []
  if (row.status !== 'settled') return [`${model} (${transport}) had its end, and is ${row.status}`]
  const isSame = row.input === usage.input && row.output === usage.output && row.cached === usage.cached && row.reasoning === usage.reasoning
  return isSame ? [] : [`${model} (${transport}) was told ${JSON.stringify(usage)}, and the books have ${JSON.stringify(row)}`]
}
