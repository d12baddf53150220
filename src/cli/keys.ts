import type { KeyShape } from '../admin/contract-keys.ts'
import { everyKey } from './desk.ts'
import { atDesk } from './open-desk.ts'
import { giveUp, printJson, type CommonOptions, type ExitCode, type Surroundings } from './surroundings.ts'
import { instantText, table, type Cell } from './table.ts'

export interface CreateKeyOptions extends CommonOptions {
  readonly pool: readonly string[]
  readonly model?: readonly string[] | undefined
  readonly label?: Readonly<Record<string, string>> | undefined
  readonly expires?: string | undefined
  readonly concurrency?: number | undefined
  readonly sessions?: number | undefined
  readonly requestsPerMinute?: number | undefined
  readonly tokensPerMinute?: number | undefined
  readonly usdPerDay?: number | undefined
  readonly usdPerMonth?: number | undefined
}

/** `turnout keys create NAME`: prints the key, which nobody can print again. */
export async function createKey(name: string, options: CreateKeyOptions, surroundings: Surroundings): Promise<ExitCode> {
  const body = {
    name,
    pools: options.pool,
    models: options.model ?? [],
    labels: options.label ?? {},
    expires: options.expires ?? null,
    limits: {
      concurrency: options.concurrency ?? null,
      sessions: options.sessions ?? null,
      requests_per_minute: options.requestsPerMinute ?? null,
      tokens_per_minute: options.tokensPerMinute ?? null,
      usd_per_day: options.usdPerDay ?? null,
      usd_per_month: options.usdPerMonth ?? null,
    },
  }
  const told = await atDesk(options, surroundings, (desk) => desk.ask('createKey', { body }))
  if (told.kind === 'failed') return giveUp(told, surroundings)
  if (options.json === true) printJson(told.body, surroundings)
  else {
    // The key alone on its line, so that a script can take it.
    surroundings.out(`${told.body.key}\n`)
    surroundings.err(`This is the key '${name}'. It is kept nowhere and is not shown again.\n`)
  }
  return 0
}

/** `turnout keys list` */
export async function listKeys(options: CommonOptions, surroundings: Surroundings): Promise<ExitCode> {
  const told = await atDesk(options, surroundings, everyKey)
  if (told.kind === 'failed') return giveUp(told, surroundings)
  const { rows: keys } = told
  if (options.json === true) printJson({ keys }, surroundings)
  else if (keys.length === 0) surroundings.out('There are no keys. Make one with `turnout keys create NAME --pool POOL`.\n')
  else surroundings.out(table(['KEY', 'ENDS IN', 'STATE', 'POOLS', 'MODELS', 'LIMITS', 'EXPIRES', 'LABELS', 'FROM'], keys.map(row), surroundings))
  return 0
}

/** `turnout keys revoke NAME` */
export async function revokeKey(name: string, options: CommonOptions, surroundings: Surroundings): Promise<ExitCode> {
  const told = await atDesk(options, surroundings, (desk) => desk.ask('revokeKey', { params: { name } }))
  if (told.kind === 'failed') return giveUp(told, surroundings)
  if (options.json === true) printJson({ revoked: name }, surroundings)
  else surroundings.out(`The key '${name}' opens nothing any more.\n`)
  return 0
}

function row(key: KeyShape): readonly Cell[] {
  const { models, limits, labels } = key
  const limited = Object.entries(limits).flatMap(([limit, value]) => (value === null ? [] : [`${limit} ${value}`]))
  const labelled = Object.entries(labels).map(([label, text]) => `${label}=${text}`)
  return [
    key.name,
    key.tail,
    { text: key.state, colour: key.state === 'active' ? 'green' : 'dim' },
    key.pools.join(' > '),
    models.length === 0 ? 'every' : models.join(', '),
    limited.length === 0 ? '-' : limited.join(', '),
    instantText(key.expires),
    labelled.length === 0 ? '-' : labelled.join(', '),
    key.provisioned ? 'file' : `made ${instantText(key.created)}`,
  ]
}
