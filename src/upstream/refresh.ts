import { retryAfter } from '../core/hints.ts'
import type { Clock } from '../lib/clock.ts'
import { collect } from '../lib/collect.ts'
import type { Headers } from '../lib/headers.ts'
import type { Refreshed, RefreshWish, Tokens } from '../ports/tokens.ts'
import type { Call, Sent, Transport } from '../ports/transport.ts'
import { isHeaderValue } from './headers.ts'
import { member, parsed } from './models.ts'

interface TokensParts {
  readonly transport: Transport
  readonly clock: Clock
}

type Answer = Extract<Sent, { kind: 'answer' }>

const connectMs = 10_000
const headMs = 15_000
const bodyMs = 10_000
const bodyBytesMax = 64 * 1024
/** An access token that says it lives longer is not believed. Unit: seconds. */
const expiresInMax = 366 * 24 * 3600

/** By RFC 6749 these are the client's fault, and not the token's: another sign-in would not help. */
const clientCodes: ReadonlySet<string> = new Set(['invalid_client', 'unauthorized_client', 'unsupported_grant_type', 'invalid_scope', 'invalid_request'])
const tokenCodes = /^(invalid_grant|refresh_token_(expired|reused|invalidated|revoked))$/

/** Token endpoints by RFC 6749 section 6, reached under the account's own guard, proxy and times; redirects are not followed. */
export function oauthTokens(parts: TokensParts): Tokens {
  return {
    async refresh(wish) {
      const sent = await parts.transport.send(callOf(wish))
      if (sent.kind === 'signal') return unanswered(sent.signal)
      const collected = await collect(sent.body, bodyBytesMax, parts.clock, bodyMs)
      wish.signal.throwIfAborted()
      if (collected.kind === 'whole') return judge(sent, collected.bytes, parts.clock.now())
      const why =
        collected.kind === 'broken' ? 'its answer broke off' : collected.kind === 'too-large' ? 'its answer was too large' : 'its answer took too long'
      return { kind: 'failed', status: sent.status, why, exchanged: 'perhaps', retryAfterMs: null }
    },
  }
}

/**
 * The token endpoint takes the account's place: the same guard and proxy, another address, and no credential but the one in the body. Its kind is none
 * that puts anything before a path.
 */
function callOf({ account, tokenUrl, clientId, refreshToken, signal }: RefreshWish): Call {
  const url = new URL(tokenUrl)
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId })
  const bytes = Buffer.from(form.toString())
  return {
    account: { ...account, upstream: account.upstream === 'simulator' ? 'simulator' : 'openai-compatible', baseUrl: url.origin },
    credential: null,
    method: 'POST',
    path: url.pathname,
    clientHeaders: { accept: 'application/json' },
    omit: [],
    body: { pieces: [bytes], bytes: bytes.length, type: 'application/x-www-form-urlencoded' },
    connectMs,
    headMs,
    signal,
  }
}

function unanswered(signal: Extract<Sent, { kind: 'signal' }>['signal']): Refreshed {
  const failed = { kind: 'failed', status: null, retryAfterMs: null } as const
  if (signal.kind === 'silent') return { ...failed, why: 'it did not answer in time', exchanged: 'perhaps' }
  return { ...failed, why: `it could not be reached: ${signal.detail}`, exchanged: signal.handedOver ? 'perhaps' : 'surely-not' }
}

function judge({ status, headers }: Answer, body: Buffer, nowMs: number): Refreshed {
  const json = parsed(body)
  if (status >= 200 && status < 300) return tokensOf(status, json)
  const code = codeOf(json)
  if (code !== null && clientCodes.has(code) && status < 500) return { kind: 'refused', status, code, fault: 'client' }
  // An edge in front of the endpoint says 401 and 403 too, in HTML.
  const isDead = (code !== null && tokenCodes.test(code) && status < 500) || (status === 401 && typeof json === 'object' && json !== null)
  if (isDead) return { kind: 'refused', status, code, fault: 'token' }
  const said = `it answered ${[status, code].filter((part) => part !== null).join(' ')}`
  const why = status >= 300 && status < 400 ? `${said}, and redirects are not followed` : said
  // What stands in front of it may have lost an answer that was given.
  return { kind: 'failed', status, why, exchanged: status >= 500 || status < 300 ? 'perhaps' : 'surely-not', retryAfterMs: waitOf(headers, nowMs) }
}

function tokensOf(status: number, json: unknown): Refreshed {
  const accessToken = token(member(json, 'access_token'))
  const refreshToken = token(member(json, 'refresh_token'))
  if (accessToken === null && refreshToken === null) {
    return { kind: 'failed', status, why: `it answered ${status} without a token that could be used`, exchanged: 'perhaps', retryAfterMs: null }
  }
  const expiresIn = member(json, 'expires_in')
  const isCredible = typeof expiresIn === 'number' && expiresIn > 0 && expiresIn <= expiresInMax
  return { kind: 'renewed', accessToken, refreshToken, expiresInMs: isCredible ? Math.floor(expiresIn * 1000) : null }
}

function token(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && isHeaderValue(value) && !/\s/.test(value) ? value : null
}

/** `{error: "code"}` by the RFC, `{error: {code}}` and `{code}` by others. Whatever is no plain word is left out: it may repeat the token. */
function codeOf(json: unknown): string | null {
  const error = member(json, 'error')
  const said = [member(error, 'code'), error, member(json, 'code'), member(error, 'type')]
  return said.find((code): code is string => typeof code === 'string' && /^[a-z]{1,32}(_[a-z]{1,32}){0,8}$/.test(code)) ?? null
}

function waitOf(headers: Headers, nowMs: number): number | null {
  const atMs = retryAfter(headers, nowMs)
  return atMs === null ? null : atMs - nowMs
}
