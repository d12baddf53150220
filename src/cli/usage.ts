import type { UsageRowShape } from '../admin/contract.ts'
import { usdText } from '../core/key.ts'
import { readQuery } from './desk.ts'
import { atDesk } from './open-desk.ts'
import { giveUp, printJson, type CommonOptions, type ExitCode, type Surroundings } from './surroundings.ts'
import { table, type Cell } from './table.ts'

export interface UsageOptions extends CommonOptions {
  readonly by?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/** `turnout usage` */
export async function showUsage(options: UsageOptions, surroundings: Surroundings): Promise<ExitCode> {
  const { by = 'key', from, to } = options
  const query = { by, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
  const read = readQuery('usage', query)
  if (read.kind === 'failed') return giveUp(read, surroundings)
  const told = await atDesk(options, surroundings, (desk) => desk.ask('usage', { query }))
  if (told.kind === 'failed') return giveUp(told, surroundings)
  const { rows } = told.body
  if (options.json === true) printJson(told.body, surroundings)
  else if (rows.length === 0) surroundings.out('There are no turns in that time.\n')
  else
    surroundings.out(
      table([by.toUpperCase(), 'TURNS', 'IN', 'CACHED', 'OUT', 'REASONING', 'USD', 'ESTIMATED', 'COVERED', 'UNKNOWN'], rows.map(line), surroundings),
    )
  return 0
}

function line(row: UsageRowShape): readonly Cell[] {
  const { usage, turns, unknown_turns: unknown } = row
  const tokens = (count: number | undefined): string => (count === undefined ? '-' : String(count))
  return [
    nameOf(row),
    String(turns),
    tokens(usage?.input_tokens),
    tokens(usage?.cached_tokens),
    tokens(usage?.output_tokens),
    tokens(usage?.reasoning_tokens),
    dollars(row.charge_nano_usd),
    dollars(row.charge_estimated_nano_usd),
    dollars(row.charge_notional_nano_usd),
    unknown === 0 ? '-' : { text: String(unknown), colour: 'yellow' },
  ]
}

function nameOf({ by }: UsageRowShape): string {
  return Object.values(by)[0] ?? '(none)'
}

function dollars(nanoUsd: string | null): string {
  return nanoUsd === null ? '-' : usdText(BigInt(nanoUsd))
}
