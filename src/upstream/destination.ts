import { isIP } from 'node:net'
import type { Account } from '../core/account.ts'
import type { Destination } from './dial.ts'
import { endpoints } from './endpoints.ts'
import type { Reach } from './guard.ts'

/** Where an account's upstream lives, by its base URL. */
export interface Place {
  readonly destination: Destination
  /** The `host` header. */
  readonly authority: string
  /** With brackets where it is an IPv6 address. */
  readonly hostname: string
  /** What stands before every path, without a slash at the end. */
  readonly basePath: string
}

/** Throws where the account's base URL or proxy is no URL. */
export function placeOf(account: Account): Place {
  const url = new URL(account.baseUrl)
  const secure = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  const proxy = account.proxy === null ? null : new URL(account.proxy)
  return {
    destination: { host, port, security: secure ? 'tls' : 'plain', reach: reachOf(account), proxy },
    authority: url.host,
    hostname: isIP(host) === 6 ? url.hostname : host,
    basePath: rooted(url.pathname.replace(/\/+$/, ''), endpoints[account.upstream].root),
  }
}

function rooted(path: string, root: string): string {
  return path.endsWith(root) ? path : path + root
}

function reachOf(account: Account): Reach {
  if (account.allowPrivate) return 'any'
  return endpoints[account.upstream].loopback === 'allowed' ? 'loopback' : 'public'
}
