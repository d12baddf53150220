import { isLoopbackHost, isPrivateHost } from '../lib/address.ts'
import { priceFaults } from './agree-prices.ts'
import { nearest, type Path } from './problem.ts'
import type { Configuration } from './schema.ts'

/** What two settings that are each valid ask of one another. `message`: a predicate that the path is put before. */
interface Disagreement {
  readonly path: Path
  readonly message: string
}

type AccountSetting = Configuration['accounts'][number]

/** Every pair of settings that do not fit together, in the order of the file's sections. */
export function disagreements(configuration: Configuration): readonly Disagreement[] {
  const { accounts, pools, keys, prices, bounds } = configuration
  return [
    ...repeated(accounts.map((account, index) => [['accounts', index, 'name'], account.name])),
    ...accounts.flatMap(accountFaults),
    ...repeated(pools.map((pool, index) => [['pools', index, 'name'], pool.name])),
    ...pools.flatMap((pool, index) => namesFaults(['pools', index, 'accounts'], pool.accounts, 'account', accounts)),
    ...repeated(keys.map((key, index) => [['keys', index, 'name'], key.name])),
    ...keys.flatMap((key, index) => namesFaults(['keys', index, 'pools'], key.pools, 'pool', pools)),
    ...repeatedKeys(keys),
    ...prices.flatMap((price, index) => namesFaults(['prices', index, 'accounts'], price.accounts, 'account', accounts)),
    ...priceFaults(prices),
    ...(bounds.bodies < bounds.body ? [{ path: ['bounds', 'bodies'], message: 'is less than bounds.body: expected room for at least one whole body' }] : []),
    ...(bounds.transcripts < bounds.transcript
      ? [{ path: ['bounds', 'transcripts'], message: 'is less than bounds.transcript: expected room for at least one session' }]
      : []),
  ]
}

function repeated(names: readonly (readonly [path: Path, name: string])[]): readonly Disagreement[] {
  const seen = new Set<string>()
  return names.flatMap(([path, name]) => {
    if (!seen.has(name)) {
      seen.add(name)
      return []
    }
    return [{ path, message: `stands twice ("${name}"): expected another name` }]
  })
}

function namesFaults(path: Path, names: readonly string[], of: string, entries: readonly { readonly name: string }[]): readonly Disagreement[] {
  const known = entries.map((entry) => entry.name)
  const strangers = names.flatMap((name, index) => {
    if (known.includes(name)) return []
    const near = nearest(name, known)
    return [{ path: [...path, index], message: `names no ${of} of this file: ${near === null ? `expected the name of one` : `did you mean "${near}"?`}` }]
  })
  return [...strangers, ...repeated(names.map((name, index) => [[...path, index], name]))]
}

/** Who sends a text that two keys share? */
function repeatedKeys(keys: Configuration['keys']): readonly Disagreement[] {
  return keys.flatMap((key, index) => {
    const first = keys.findIndex((other) => other.key === key.key)
    return first === index ? [] : [{ path: ['keys', index, 'key'], message: `is the same as keys[${first}].key: expected a key of its own` }]
  })
}

function accountFaults(account: AccountSetting, index: number): readonly Disagreement[] {
  const at: Path = ['accounts', index]
  return [credentialFaults, renewalFaults, addressFaults, dialectFaults, simulateFaults].flatMap((faults) => faults(account, at))
}

function credentialFaults({ credential, upstream }: AccountSetting, at: Path): readonly Disagreement[] {
  const said = [credential?.api_key, credential?.oauth].filter((kind) => kind !== undefined).length
  if (said === 2) return [{ path: [...at, 'credential'], message: 'has both api_key and oauth: expected one of them' }]
  if (upstream === 'codex' && credential?.api_key !== undefined)
    return [{ path: [...at, 'credential'], message: 'is an API key: expected { oauth: … }, or nothing and `turnout accounts import codex-auth FILE`' }]
  if (said === 1 || (credential === undefined && (upstream === 'simulator' || upstream === 'codex'))) return []
  const hint = upstream === 'openai-compatible' ? '; any text will do for an upstream that asks for none' : ''
  return [{ path: [...at, 'credential'], message: `is missing: expected { api_key: … } or { oauth: { access_token: … } }${hint}` }]
}

/** Elsewhere than at codex nothing is known of where, and as whom, a token is renewed. */
function renewalFaults({ credential, upstream, allow_private: allowPrivate }: AccountSetting, at: Path): readonly Disagreement[] {
  const oauth = credential?.oauth
  if (oauth === undefined) return []
  const faults: Disagreement[] = []
  const path: Path = [...at, 'credential', 'oauth']
  if (upstream === 'anthropic' && oauth.account_id !== undefined)
    faults.push({ path: [...path, 'account_id'], message: 'is for ChatGPT accounts: expected it to be left out' })
  if (upstream !== 'codex') {
    const given = [oauth.refresh_token, oauth.token_url, oauth.client_id].filter((field) => field !== undefined).length
    if (given === 1 || given === 2)
      faults.push({ path, message: 'renews its token only with refresh_token, token_url and client_id: expected all three, or none' })
  }
  if (oauth.token_url === undefined || allowPrivate) return faults
  const { hostname, protocol } = new URL(oauth.token_url)
  const isOwnSimulator = upstream === 'simulator' && isLoopbackHost(hostname)
  if (isPrivateHost(hostname) && !isOwnSimulator) faults.push({ path: [...path, 'token_url'], message: closed })
  else if (protocol === 'http:' && !isOwnSimulator)
    faults.push({ path: [...path, 'token_url'], message: 'would send the refresh token in the open: expected https://' })
  return faults
}

function addressFaults(account: AccountSetting, at: Path): readonly Disagreement[] {
  const faults: Disagreement[] = []
  if (account.base_url === undefined) {
    if (account.upstream === 'openai-compatible')
      faults.push({ path: [...at, 'base_url'], message: 'is missing: expected the URL of the upstream, such as https://host/v1' })
  } else if (!account.allow_private) {
    const { hostname } = new URL(account.base_url)
    const isOwnSimulator = account.upstream === 'simulator' && isLoopbackHost(hostname)
    if (isPrivateHost(hostname) && !isOwnSimulator) faults.push({ path: [...at, 'base_url'], message: closed })
  }
  if (account.proxy !== null && !account.allow_private && isPrivateHost(new URL(account.proxy).hostname))
    faults.push({ path: [...at, 'proxy'], message: closed })
  return faults
}

/** These speak one dialect each, whatever is written. */
const onlyDialect: Readonly<Partial<Record<AccountSetting['upstream'], string>>> = { codex: 'responses', anthropic: 'messages' }

function dialectFaults({ dialects, upstream, websocket }: AccountSetting, at: Path): readonly Disagreement[] {
  const path: Path = [...at, 'dialects']
  const only = onlyDialect[upstream]
  const stranger = only === undefined ? -1 : dialects.findIndex((dialect) => dialect !== only)
  const again = dialects.findIndex((dialect, index) => dialects.indexOf(dialect) !== index)
  const faults: Disagreement[] = []
  if (stranger !== -1)
    faults.push({ path: [...path, stranger], message: `is "${dialects[stranger]}", which ${upstream} does not speak: expected ${only} alone` })
  if (again !== -1) faults.push({ path: [...path, again], message: `stands twice ("${dialects[again]}"): expected it once` })
  if (websocket === 'on' && !dialects.includes('responses'))
    faults.push({ path: [...at, 'websocket'], message: 'is on, which only an account that speaks responses can serve: expected auto or off' })
  return faults
}

const closed = 'leads to a loopback or private address: expected a public one, or allow_private: true beside it'

function simulateFaults({ simulate, upstream, base_url: baseUrl }: AccountSetting, at: Path): readonly Disagreement[] {
  if (simulate === undefined) return []
  if (upstream !== 'simulator') return [{ path: [...at, 'simulate'], message: 'is for upstream: simulator only: expected it to be left out' }]
  return baseUrl === undefined ? [] : [{ path: [...at, 'simulate'], message: 'is for the simulator of this process only: expected no base_url beside it' }]
}
