import type { TurnShape } from '../admin/contract.ts'
import { everyAccount, readQuery } from './desk.ts'
import { atDesk } from './open-desk.ts'
import { giveUp, printJson, type CommonOptions, type ExitCode, type Surroundings } from './surroundings.ts'
import { instantText, table, type Cell } from './table.ts'
import { turnText } from './words.ts'

export interface TurnsOptions extends CommonOptions {
  readonly limit?: string | undefined
  readonly before?: string | undefined
  readonly key?: string | undefined
  readonly account?: string | undefined
  readonly status?: string | undefined
  readonly outcome?: string | undefined
}

/** `turnout turns list` */
export async function listTurns(options: TurnsOptions, surroundings: Surroundings): Promise<ExitCode> {
  const { limit = '20', before, key, account, status, outcome } = options
  const said = Object.entries({ limit, before, key, account, status, outcome }).filter((pair): pair is [string, string] => pair[1] !== undefined)
  const query = Object.fromEntries(said)
  const read = readQuery('turns', query)
  if (read.kind === 'failed') return giveUp(read, surroundings)
  const told = await atDesk(options, surroundings, (desk) => desk.ask('turns', { query }))
  if (told.kind === 'failed') return giveUp(told, surroundings)
  const { turns, next } = told.body
  if (options.json === true) printJson(told.body, surroundings)
  else if (turns.length === 0) surroundings.out('There are no such turns.\n')
  else surroundings.out(table(['STARTED', 'TURN', 'KEY', 'MODEL', 'OUTCOME', 'MS', 'IN', 'OUT', 'ACCOUNTS'], turns.map(row), surroundings))
  if (options.json !== true && next !== null) surroundings.out(`There may be more: --before ${next}\n`)
  return 0
}

/** `turnout turns show ID` */
export async function showTurn(id: string, options: CommonOptions, surroundings: Surroundings): Promise<ExitCode> {
  const found = await atDesk(options, surroundings, async (desk) => {
    const told = await desk.ask('turn', { params: { id } })
    if (told.kind === 'failed') return told
    const known = options.json === true ? null : await everyAccount(desk)
    return { kind: 'found', turn: told.body, accounts: known?.kind === 'whole' ? known.rows : [] } as const
  })
  if (found.kind === 'failed') return giveUp(found, surroundings)
  if (options.json === true) printJson(found.turn, surroundings)
  else surroundings.out(turnText(found.turn, found.accounts, surroundings))
  return 0
}

function row(turn: TurnShape): readonly Cell[] {
  const { usage, attempts } = turn
  return [
    instantText(turn.started_at),
    turn.id,
    turn.key,
    turn.model,
    outcomeOf(turn),
    turn.duration_ms === null ? '-' : String(turn.duration_ms),
    usage === null ? '-' : String(usage.input_tokens),
    usage === null ? '-' : String(usage.output_tokens),
    attempts.length === 0 ? '-' : attempts.map((attempt) => attempt.account).join(' > '),
  ]
}

/** A turn that is over says how it ended; another one, what it is. */
function outcomeOf({ status, outcome, code }: TurnShape): Cell {
  if (outcome === null) return { text: status, colour: 'yellow' }
  const text = code === null ? outcome : `${outcome} ${code}`
  return { text, colour: outcome === 'completed' || outcome === 'incomplete' ? 'green' : outcome === 'cancelled' ? 'dim' : 'red' }
}
