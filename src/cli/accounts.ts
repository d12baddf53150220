import type { AccountShape, TestedShape } from '../admin/contract.ts'
import { everyAccount } from './desk.ts'
import { atDesk } from './open-desk.ts'
import { giveUp, plain, printJson, type CommonOptions, type ExitCode, type Surroundings } from './surroundings.ts'
import { instantText, table, type Cell } from './table.ts'

/** `turnout accounts list` */
export async function listAccounts(options: CommonOptions, surroundings: Surroundings): Promise<ExitCode> {
  const told = await atDesk(options, surroundings, everyAccount)
  if (told.kind === 'failed') return giveUp(told, surroundings)
  if (options.json === true) printJson({ accounts: told.rows }, surroundings)
  else surroundings.out(table(['ACCOUNT', 'UPSTREAM', 'STATE', 'UNTIL', 'LEASES', 'PAIRS', 'WINDOWS', 'WHY'], told.rows.map(row), surroundings))
  return 0
}

export interface TestOptions extends CommonOptions {
  readonly model?: string | undefined
}

/** `turnout accounts test NAME`: exits 1 where the account is not well. */
export async function testAccount(name: string, options: TestOptions, surroundings: Surroundings): Promise<ExitCode> {
  const { model } = options
  const query = model === undefined ? {} : { model }
  const told = await atDesk(options, surroundings, (desk) => desk.ask('test', { params: { name }, query }))
  if (told.kind === 'failed') return giveUp(told, surroundings)
  if (options.json === true) printJson(told.body, surroundings)
  else surroundings.out(`${told.body.account}: ${paintedTest(told.body, surroundings)}\n`)
  return told.body.outcome === 'well' ? 0 : 1
}

/** What came back, in one line. */
export function testText({ outcome, kind, status, code, message, model, text, duration_ms: ms }: TestedShape): string {
  if (outcome === 'well') return plain(model === null ? 'well' : `well: ${model} answered in ${ms} ms: ${JSON.stringify(text ?? '')}`)
  const said = [status, code].filter((part) => part !== null).join(' ')
  return plain(`${said === '' ? 'no answer' : `answered ${said}`} (${kind ?? 'unknown'})${message === null ? '' : `: ${message}`}`)
}

function paintedTest(tested: TestedShape, { paint }: Surroundings): string {
  return paint(tested.outcome === 'well' ? 'green' : 'red', testText(tested))
}

/** In one word; an account that the operator has switched off is nothing else. */
export function stateOf({ enabled, health }: AccountShape): Cell {
  if (!enabled) return { text: 'disabled', colour: 'dim' }
  return { text: health.state, colour: { ready: 'green', cooling: 'yellow', retired: 'red' }[health.state] as 'green' | 'yellow' | 'red' }
}

/** How much of each window of its quota is used up, by the window's length. */
function windowsText({ windows }: AccountShape): string {
  if (windows.length === 0) return '-'
  return windows.map(({ minutes, used_percent: used }) => `${lengthText(minutes)} ${Math.round(used)}%`).join(', ')
}

function lengthText(minutes: number): string {
  if (minutes % 1440 === 0) return `${minutes / 1440}d`
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`
}

function row(account: AccountShape): readonly Cell[] {
  const { name, upstream, health, leases, pairs, last_failures: failures } = account
  const last = failures.at(-1)
  const lately = last === undefined ? '-' : `last: ${[last.kind, last.status, last.code].filter((part) => part !== null).join(' ')} at ${instantText(last.at)}`
  return [
    name,
    upstream,
    stateOf(account),
    instantText(health.until),
    String(leases),
    pairs.length === 0 ? '-' : `${pairs.length} resting`,
    windowsText(account),
    health.why ?? lately,
  ]
}
