import { stringify } from 'yaml'
import type { Configuration } from './schema.ts'
import { durationText, sizeText } from './units.ts'

/** The whole configuration, defaults filled in, as YAML that holds no secret. */
export function masked(configuration: Configuration): string {
  return stringify(shown(configuration), { lineWidth: 0 })
}

/** The same as a value. */
export function shown(configuration: Configuration): object {
  const { failover, times, bounds, ledger } = configuration
  return {
    ...configuration,
    accounts: configuration.accounts.map((account) => ({
      ...account,
      ...credentialShown(account),
      proxy: account.proxy === null ? null : proxyShown(account.proxy),
    })),
    keys: configuration.keys.map((key) => ({ ...key, key: tail(key.key), expires: key.expires === null ? null : new Date(key.expires).toISOString() })),
    prices: configuration.prices.map((price) => ({ ...price, from: price.from === null ? null : new Date(price.from).toISOString() })),
    failover: { ...failover, patience: durationText(failover.patience) },
    times: Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, durationText(ms)])),
    bounds: Object.fromEntries(Object.entries(bounds).map(([name, bound]) => [name, name.startsWith('waiting') ? bound : sizeText(bound)])),
    ledger: { ...ledger, spool: sizeText(ledger.spool), retention: durationText(ledger.retention) },
    admin: { token: tail(configuration.admin.token) },
    metrics: { token: tail(configuration.metrics.token) },
  }
}

/** Every text in it that is a secret. */
export function secretsIn({ accounts, keys, admin, metrics }: Configuration): readonly string[] {
  const ofAccounts = accounts.flatMap(({ credential, proxy }) => {
    const { oauth } = credential ?? {}
    const login = proxy === null ? null : new URL(proxy)
    return [credential?.api_key, oauth?.access_token, oauth?.refresh_token, oauth?.account_id, login?.username, login?.password]
  })
  const all = [...ofAccounts, ...keys.map(({ key }) => key), admin.token, metrics.token]
  return all.filter((secret): secret is string => typeof secret === 'string' && secret !== '')
}

/** A secret's last four characters, where enough others stay hidden. */
export function tail(secret: string): string
export function tail(secret: string | null): string | null
export function tail(secret: string | null): string | null {
  if (secret === null) return null
  return secret.length >= 12 ? `****${secret.slice(-4)}` : '****'
}

function credentialShown({ credential }: Configuration['accounts'][number]): object {
  if (credential === undefined) return {}
  if (credential.oauth === undefined) return { credential: { api_key: tail(credential.api_key ?? null) } }
  const { access_token: accessToken, account_id: accountId, refresh_token: refreshToken } = credential.oauth
  const shown = {
    access_token: tail(accessToken),
    ...(accountId === undefined ? {} : { account_id: tail(accountId) }),
    ...(refreshToken === undefined ? {} : { refresh_token: tail(refreshToken) }),
  }
  return { credential: { oauth: { ...credential.oauth, ...shown } } }
}

function proxyShown(proxy: string): string {
  const url = new URL(proxy)
  if (url.username !== '') url.username = '****'
  if (url.password !== '') url.password = '****'
  return url.href
}
