import type { AttemptRecord } from '../core/record.ts'
import type { Exported } from './usage-export.ts'

/** What one side says of one model in one span of time. */
export interface Side {
  requests: number | null
  inputTokens: number
  cachedTokens: number | null
  outputTokens: number
}

export interface Compared {
  readonly startMs: number
  readonly endMs: number
  readonly model: string
  readonly verdict: 'same' | 'differs' | 'only in the ledger' | 'only upstream'
  readonly ledger: Side | null
  readonly upstream: Side | null
  /** Attempts of the ledger that may have used something, and nobody said how much. */
  readonly unknown: number
}

interface Cell {
  ledger: Side | null
  upstream: Side | null
  unknown: number
}

/** Spans of time of one length, from the first one of the export to its last. */
export interface Spans {
  readonly fromMs: number
  readonly toMs: number
  readonly lengthMs: number
}

/** Null: the spans overlap, or are not of one length. */
export function spansOf(entries: readonly Exported[]): Spans | null {
  const [first] = entries
  if (first === undefined) return null
  const lengthMs = first.endMs - first.startMs
  const fromMs = entries.reduce((least, { startMs }) => Math.min(least, startMs), first.startMs)
  const toMs = entries.reduce((most, { endMs }) => Math.max(most, endMs), first.endMs)
  const isEven = lengthMs > 0 && entries.every(({ startMs, endMs }) => endMs - startMs === lengthMs && (startMs - fromMs) % lengthMs === 0)
  return isEven ? { fromMs, toMs, lengthMs } : null
}

/** Puts what upstream exported beside what the ledger has of the same spans, in the order of time. */
export function compare(entries: readonly Exported[], spans: Spans, attempts: Iterable<AttemptRecord>): readonly Compared[] {
  const cells = new Map<string, Cell>()
  const cellOf = (atMs: number, model: string): Cell => {
    const key = `${Math.floor((atMs - spans.fromMs) / spans.lengthMs)} ${family(model)}`
    const known = cells.get(key)
    if (known !== undefined) return known
    const made: Cell = { ledger: null, upstream: null, unknown: 0 }
    cells.set(key, made)
    return made
  }
  for (const entry of entries) {
    const cell = cellOf(entry.startMs, entry.model)
    cell.upstream = sum(cell.upstream, entry)
  }
  for (const attempt of attempts) {
    const { usage, upstreamModel, startedAtMs } = attempt
    if (usage !== null) {
      const cell = cellOf(startedAtMs, upstreamModel)
      cell.ledger = sum(cell.ledger, { requests: 1, ...usage })
    } else if (mayHaveUsed(attempt)) cellOf(startedAtMs, upstreamModel).unknown += 1
  }
  return Array.from(cells, ([key, cell]) => compared(key, cell, spans)).toSorted((a, b) => a.startMs - b.startMs || a.model.localeCompare(b.model))
}

/** A dated snapshot counts as its model: upstreams export the one where we asked for the other. */
function family(model: string): string {
  return model.replace(/-\d{4}-\d{2}-\d{2}$/, '')
}

/** It was answered, or broken off in the middle of an answer. */
function mayHaveUsed({ outcome, firstOutputMs }: AttemptRecord): boolean {
  return outcome === 'completed' || outcome === 'incomplete' || outcome === 'cancelled' || (outcome === 'failed' && firstOutputMs !== null)
}

function sum(side: Side | null, more: Side): Side {
  if (side === null) return { requests: more.requests, inputTokens: more.inputTokens, cachedTokens: more.cachedTokens, outputTokens: more.outputTokens }
  side.requests = side.requests === null || more.requests === null ? null : side.requests + more.requests
  side.inputTokens += more.inputTokens
  side.cachedTokens = side.cachedTokens === null || more.cachedTokens === null ? null : side.cachedTokens + more.cachedTokens
  side.outputTokens += more.outputTokens
  return side
}

function compared(key: string, { ledger, upstream, unknown }: Cell, { fromMs, lengthMs }: Spans): Compared {
  const blank = key.indexOf(' ')
  const startMs = fromMs + Number(key.slice(0, blank)) * lengthMs
  return { startMs, endMs: startMs + lengthMs, model: key.slice(blank + 1), verdict: verdictOf(ledger, upstream), ledger, upstream, unknown }
}

function verdictOf(ledger: Side | null, upstream: Side | null): Compared['verdict'] {
  if (upstream === null || isNothing(upstream)) return ledger === null || isNothing(ledger) ? 'same' : 'only in the ledger'
  if (ledger === null) return 'only upstream'
  const isSame =
    ledger.inputTokens === upstream.inputTokens &&
    ledger.outputTokens === upstream.outputTokens &&
    (upstream.requests === null || ledger.requests === upstream.requests) &&
    (upstream.cachedTokens === null || ledger.cachedTokens === upstream.cachedTokens)
  return isSame ? 'same' : 'differs'
}

function isNothing({ inputTokens, outputTokens }: Side): boolean {
  return inputTokens === 0 && outputTokens === 0
}
