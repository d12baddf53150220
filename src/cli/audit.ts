import type { AuditShape } from '../admin/contract.ts'
import { readQuery } from './desk.ts'
import { atDesk } from './open-desk.ts'
import { giveUp, printJson, type CommonOptions, type ExitCode, type Surroundings } from './surroundings.ts'
import { instantText, table, type Cell } from './table.ts'

export interface AuditOptions extends CommonOptions {
  readonly limit?: string | undefined
  readonly before?: string | undefined
}

/** Of what a change was before and after it; the whole is in the JSON. */
const shownCharacters = 60

/** `turnout audit` */
export async function listAudit(options: AuditOptions, surroundings: Surroundings): Promise<ExitCode> {
  const { limit = '20', before } = options
  const query = { limit, ...(before === undefined ? {} : { before }) }
  const read = readQuery('audit', query)
  if (read.kind === 'failed') return giveUp(read, surroundings)
  const told = await atDesk(options, surroundings, (desk) => desk.ask('audit', { query }))
  if (told.kind === 'failed') return giveUp(told, surroundings)
  const { changes, next } = told.body
  if (options.json === true) printJson(told.body, surroundings)
  else if (changes.length === 0) surroundings.out('Nobody has changed anything.\n')
  else surroundings.out(table(['WHEN', 'BY', 'FROM', 'WHAT', 'OF', 'BEFORE', 'AFTER'], changes.map(row), surroundings))
  if (options.json !== true && next !== null) surroundings.out(`There may be more: --before ${next}\n`)
  return 0
}

function row({ at, by, from, what, target, before, after }: AuditShape): readonly Cell[] {
  return [instantText(at), by, from ?? '-', what, target ?? '-', jsonText(before), jsonText(after)]
}

function jsonText(value: AuditShape['before']): string {
  if (value === null) return '-'
  const text = JSON.stringify(value)
  return text.length <= shownCharacters ? text : `${text.slice(0, shownCharacters)}…`
}
