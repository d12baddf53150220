import { csvRows } from './csv.ts'

/** What an upstream says that one model used in a span of time. */
export interface Exported {
  readonly startMs: number
  readonly endMs: number
  readonly model: string
  /** Null: the export does not say. */
  readonly requests: number | null
  readonly inputTokens: number
  /** A part of the input. Null: the export does not say. */
  readonly cachedTokens: number | null
  readonly outputTokens: number
}

export type ReadExport = { readonly kind: 'read'; readonly entries: readonly Exported[] } | { readonly kind: 'wrong'; readonly why: string }

type Fields = ReadonlyMap<string, unknown>

/** The names of each column: OpenAI's, as its usage API and the export of its dashboard have them, and plain ones. */
const names = {
  start: ['start_time', 'start', 'start_time_iso', 'hour', 'timestamp', 'day', 'date'],
  end: ['end_time', 'end', 'end_time_iso'],
  model: ['model'],
  requests: ['num_model_requests', 'requests'],
  input: ['input_tokens'],
  cached: ['input_cached_tokens', 'cached_tokens'],
  output: ['output_tokens'],
} as const

const hourMs = 3_600_000
const dayMs = 24 * hourMs

class Wrong extends Error {}

/** Reads CSV with a heading, or JSON: pages of OpenAI's usage API, or a list of objects. */
export function readExport(text: string): ReadExport {
  try {
    const trimmed = text.replace(/^\uFEFF/, '').trim()
    const rows = /^[[{]/.test(trimmed) ? jsonRows(JSON.parse(trimmed)) : csvFields(trimmed)
    const entries = rows.map(exported)
    return { kind: 'read', entries }
  } catch (error) {
    if (error instanceof Wrong) return { kind: 'wrong', why: error.message }
    if (error instanceof SyntaxError) return { kind: 'wrong', why: `it looks like JSON and is none: ${error.message}` }
    throw error
  }
}

function csvFields(text: string): readonly Fields[] {
  const [heading = [], ...rows] = csvRows(text)
  const columns = heading.map((name) => name.trim().toLowerCase())
  return rows.map((row, at) => {
    if (row.length !== columns.length) throw new Wrong(`line ${at + 2} has ${row.length} cells, and the heading ${columns.length}`)
    return new Map(columns.map((name, column) => [name, row[column]]))
  })
}

/** A bucket's span holds for each of its results. */
function jsonRows(value: unknown): readonly Fields[] {
  if (Array.isArray(value)) return value.flatMap(jsonRows)
  if (typeof value !== 'object' || value === null) throw new Wrong('it holds something that is no object')
  const fields = new Map<string, unknown>(Object.entries(value))
  for (const list of ['data', 'rows']) if (Array.isArray(fields.get(list))) return jsonRows(fields.get(list))
  const results = fields.get('results')
  if (!Array.isArray(results)) return [fields]
  return jsonRows(results).map((result) => new Map([...fields, ...result]))
}

function exported(fields: Fields, at: number): Exported {
  const where = `entry ${at + 1}`
  const [startName, start] = pick(fields, names.start) ?? []
  if (startName === undefined) throw new Wrong(`${where} does not say when: it needs one of ${names.start.join(', ')}`)
  const startMs = instant(start, where)
  const end = pick(fields, names.end)
  const model = pick(fields, names.model)?.[1]
  if (typeof model !== 'string' || model === '') throw new Wrong(`${where} names no model: export the usage grouped by model`)
  const tokens = (which: 'input' | 'output'): number => {
    const found = pick(fields, names[which])
    if (found === undefined) throw new Wrong(`${where} has no ${names[which][0]}`)
    return whole(found[1], where)
  }
  const maybe = (which: 'requests' | 'cached'): number | null => {
    const found = pick(fields, names[which])
    return found === undefined ? null : whole(found[1], where)
  }
  return {
    startMs,
    endMs: end === undefined ? startMs + (startName === 'day' || startName === 'date' ? dayMs : hourMs) : instant(end[1], where),
    model,
    requests: maybe('requests'),
    inputTokens: tokens('input'),
    cachedTokens: maybe('cached'),
    outputTokens: tokens('output'),
  }
}

/** The first of these names that has a value. */
function pick(fields: Fields, from: readonly string[]): readonly [name: string, value: unknown] | undefined {
  for (const name of from) {
    const value = fields.get(name)
    if (value !== undefined && value !== null && value !== '') return [name, value]
  }
  return undefined
}

/** Seconds since the epoch, or ISO 8601, in UTC where it does not say. */
function instant(value: unknown, where: string): number {
  const text = String(value).trim()
  if (/^\d{9,10}$/.test(text)) return Number(text) * 1000
  const iso = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}:\d{2})?$/.exec(text)
  const ms = iso === null ? Number.NaN : Date.parse(`${text.replace(' ', 'T')}${iso[1] !== undefined && iso[4] === undefined ? 'Z' : ''}`)
  if (Number.isNaN(ms)) throw new Wrong(`${where} has a time that cannot be read: expected seconds since 1970, or a moment such as 2026-11-21T08:00:00Z`)
  return ms
}

function whole(value: unknown, where: string): number {
  const number = typeof value === 'number' ? value : Number(String(value).trim())
  if (!Number.isSafeInteger(number) || number < 0) throw new Wrong(`${where} has a count that is no whole number`)
  return number
}
