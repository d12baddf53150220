import type { AccountShape, TestedShape } from '../admin/contract.ts'
import { openDesk } from './open-desk.ts'
import { giveUp, plain, printJson, type CommonOptions, type ExitCode, type Surroundings } from './surroundings.ts'
import { instantText, table, type Cell } from './table.ts'

/** `turnout accounts list` */
export async function listAccounts(options: CommonOptions, surroundings: Surroundings): Promise<ExitCode> {
  const desk = await openDesk(options, surroundings)
  if (desk.kind === 'failed') return giveUp(desk, surroundings)
  const told = await desk.ask('accounts')
  await desk.close()
  if (told.kind === 'failed') return giveUp(told, surroundings)
  if (options.json === true) printJson(told.body, surroundings)
  else surroundings.out(table(['ACCOUNT', 'UPSTREAM', 'STATE', 'UNTIL', 'LEASES', 'PAIRS', 'WHY'], told.body.accounts.map(row), surroundings))
  return 0
}

/** `turnout accounts test NAME`: exits 1 where the account is not well. */
export async function testAccount(name: string, options: CommonOptions, surroundings: Surroundings): Promise<ExitCode> {
  const desk = await openDesk(options, surroundings)
  if (desk.kind === 'failed') return giveUp(desk, surroundings)
  const told = await desk.ask('test', { params: { name } })
  await desk.close()
  if (told.kind === 'failed') return giveUp(told, surroundings)
  if (options.json === true) printJson(told.body, surroundings)
  else surroundings.out(`${told.body.account}: ${paintedTest(told.body, surroundings)}\n`)
  return told.body.outcome === 'well' ? 0 : 1
}

/** What came back, in one line. */
export function testText({ outcome, kind, status, code, message }: TestedShape): string {
  if (outcome === 'well') return 'well'
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
    health.why ?? lately,
  ]
}
