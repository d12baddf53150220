import { existsSync, readFileSync, statSync } from 'node:fs'
import { attemptsBetween } from '../storage/attempts.ts'
import { StoreError } from '../storage/store-error.ts'
import { compare, spansOf, type Compared, type Side } from './comparison.ts'
import { findPlace } from './place.ts'
import { failed, giveUp, printJson, type CommonOptions, type ExitCode, type Failed, type Surroundings } from './surroundings.ts'
import { instantText, table, type Cell } from './table.ts'
import { readExport } from './usage-export.ts'

export interface ReconcileOptions extends CommonOptions {
  readonly account?: string | undefined
}

const fileBytesMax = 256 * 1024 * 1024

/** `turnout reconcile FILE`: reads the store beside whoever serves. Exits 1 where the two sides differ. */
export async function reconcile(file: string, options: ReconcileOptions, surroundings: Surroundings): Promise<ExitCode> {
  const rows = compareFile(file, options, surroundings)
  if ('kind' in rows) return giveUp(rows, surroundings)
  const differing = rows.filter(({ verdict }) => verdict !== 'same')
  if (options.json === true) printJson({ rows: rows.map(shown) }, surroundings)
  else surroundings.out(text(rows, differing, surroundings))
  return differing.length === 0 ? 0 : 1
}

function compareFile(file: string, options: ReconcileOptions, surroundings: Surroundings): readonly Compared[] | Failed {
  const place = findPlace(options, surroundings)
  if (place.kind === 'failed') return place
  const { account } = options
  if (account !== undefined && !place.configuration.accounts.some(({ name }) => name === account))
    return failed(2, `--account: no account is named '${account}' in ${options.config}.`)
  if (!existsSync(file)) return failed(2, `There is no file ${file}.`)
  if (statSync(file).size > fileBytesMax) return failed(2, `${file} is larger than ${fileBytesMax} bytes: export a shorter time.`)
  const read = readExport(readFileSync(file, 'utf8'))
  if (read.kind === 'wrong') return failed(2, `${file} is no usage export that can be read: ${read.why}. See docs/ledger.md.`)
  if (read.entries.length === 0) return failed(2, `${file} holds no entry.`)
  const spans = spansOf(read.entries)
  if (spans === null) return failed(2, `The entries of ${file} are not of one length, or overlap: export one file by minute, by hour or by day.`)
  try {
    const attempts = existsSync(place.places.store) ? attemptsBetween(place.places.store, spans.fromMs, spans.toMs) : []
    return compare(read.entries, spans, account === undefined ? attempts : of(account, attempts))
  } catch (error) {
    if (error instanceof StoreError) return failed(1, error.message)
    throw error
  }
}

function* of<Attempt extends { readonly account: string }>(account: string, attempts: Iterable<Attempt>): Generator<Attempt> {
  for (const attempt of attempts) if (attempt.account === account) yield attempt
}

function text(rows: readonly Compared[], differing: readonly Compared[], surroundings: Surroundings): string {
  const unknown = rows.reduce((sum, row) => sum + row.unknown, 0)
  const note = unknown === 0 ? '' : `${unknown} attempts in the ledger have an unknown usage, which upstream may have counted.\n`
  if (differing.length === 0) return `The ledger and the export agree, in ${rows.length} of ${rows.length} lines.\n${note}`
  const headings = ['START', 'MODEL', 'VERDICT', 'IN', 'UPSTREAM IN', 'OUT', 'UPSTREAM OUT', 'REQUESTS', 'UPSTREAM REQUESTS', 'UNKNOWN']
  return `${table(headings, differing.map(line), surroundings)}\n${differing.length} of ${rows.length} lines differ. The ledger has ${total(differing, 'ledger')}, upstream ${total(differing, 'upstream')} in them.\n${note}`
}

function line({ startMs, model, verdict, ledger, upstream, unknown }: Compared): readonly Cell[] {
  const number = (value: number | null | undefined): string => (value === null || value === undefined ? '-' : String(value))
  return [
    instantText(new Date(startMs).toISOString()),
    model,
    { text: verdict, colour: verdict === 'differs' ? 'yellow' : 'red' },
    number(ledger?.inputTokens),
    number(upstream?.inputTokens),
    number(ledger?.outputTokens),
    number(upstream?.outputTokens),
    number(ledger?.requests),
    number(upstream?.requests),
    unknown === 0 ? '-' : String(unknown),
  ]
}

function total(rows: readonly Compared[], which: 'ledger' | 'upstream'): string {
  const sides = rows.flatMap((row) => row[which] ?? [])
  const sum = (of: (side: Side) => number): number => sides.reduce((all, side) => all + of(side), 0)
  return `${sum((side) => side.inputTokens)} tokens in and ${sum((side) => side.outputTokens)} out`
}

function shown({ startMs, endMs, model, verdict, ledger, upstream, unknown }: Compared): object {
  const side = (of: Side | null): object | null =>
    of === null ? null : { requests: of.requests, input_tokens: of.inputTokens, cached_tokens: of.cachedTokens, output_tokens: of.outputTokens }
  return { start: new Date(startMs).toISOString(), end: new Date(endMs).toISOString(), model, verdict, ledger: side(ledger), upstream: side(upstream), unknown }
}
