import { header, type Headers } from '../lib/headers.ts'
import type { HeaderList } from '../ports/sink.ts'

/**
 * What of a client's own headers an upstream may see: how the client presents itself, what it says of its session, and how it traces.
 * Not here on purpose: credentials and whatever names an account (`openai-organization`, `chatgpt-account-id`), cookies, addresses,
 * framing, and `x-codex-routing-hint`, which carries a model and a tier past mapping and rules.
 */
const requestNames: ReadonlySet<string> = new Set([
  'accept',
  'anthropic-beta',
  'anthropic-version',
  'conversation_id',
  'openai-beta',
  'originator',
  'session-id',
  'session_id',
  'thread-id',
  'traceparent',
  'tracestate',
  'user-agent',
  'version',
  'x-app',
  'x-claude-code-session-id',
  'x-client-request-id',
  'x-codex-beta-features',
  'x-codex-installation-id',
  'x-codex-parent-thread-id',
  'x-codex-turn-metadata',
  'x-codex-turn-state',
  'x-codex-window-id',
  'x-openai-subagent',
  'x-responsesapi-include-timing-metrics',
  'x-session-affinity',
  'x-session-id',
])
const requestFamily = /^x-stainless-[a-z0-9-]{1,64}$/

/**
 * What of an answer's headers a client may see. One account's windows and rate limits are not the client's, so `x-codex-primary-*`,
 * `x-ratelimit-*`, `anthropic-ratelimit-*` and their like stay here (protocols 3.5, 5.4), and so does `anthropic-organization-id`.
 */
const answerNames = [
  'content-type',
  'openai-model',
  'openai-processing-ms',
  'openai-version',
  'retry-after',
  'retry-after-ms',
  'x-codex-turn-state',
  'x-models-etag',
  'x-reasoning-included',
  'x-should-retry',
] as const

const betaName = 'anthropic-beta'

/** Line breaks, NUL and whatever else no header value can carry as bytes. */
const unsayable = /[^\t\x20-\x7e\x80-\xff]/

/** Whether a value can be said in a header without becoming two. */
export function isHeaderValue(value: string): boolean {
  return !unsayable.test(value)
}

/**
 * Names and values in turn, as `node:http` takes them.
 * @param omit names in lower case that must not pass this time
 * @param beta what `anthropic-beta` must ask for beside what the client does; null: nothing
 */
export function requestHeaders(client: Headers, omit: readonly string[], beta: string | null = null): string[] {
  const list: string[] = []
  const hops = connectionNames(client)
  let userAgent = false
  let missing = beta
  for (const name in client) {
    if (!requestNames.has(name) && !requestFamily.test(name)) continue
    if (omit.includes(name) || hops?.includes(name)) continue
    const value = header(client, name)
    if (value === null || !isHeaderValue(value)) continue
    userAgent ||= name === 'user-agent'
    if (name === betaName && missing !== null) {
      list.push(name, withBeta(value, missing))
      missing = null
    } else list.push(name, value)
  }
  if (missing !== null) list.push(betaName, missing)
  if (!userAgent) list.push('user-agent', 'turnout')
  return list
}

/** What a client may see of an answer's headers. */
export function passedHeaders(answer: Headers): HeaderList {
  const list: [string, string][] = []
  for (const name of answerNames) {
    const value = said(answer, name)
    if (value !== null) list.push([name, value])
  }
  const id = said(answer, 'x-request-id') ?? said(answer, 'request-id')
  if (id !== null) list.push(['x-upstream-request-id', id])
  return list
}

function said(answer: Headers, name: string): string | null {
  const value = header(answer, name)
  return value !== null && isHeaderValue(value) ? value : null
}

function withBeta(betas: string, beta: string): string {
  const asked = betas.split(',').map((one) => one.trim())
  if (asked.includes(beta)) return betas
  return asked.every((one) => one === '') ? beta : `${betas},${beta}`
}

/** Headers that `Connection` declares to be for the next hop only. */
function connectionNames(client: Headers): readonly string[] | null {
  const value = header(client, 'connection')
  return value === null ? null : value.split(',').map((name) => name.trim().toLowerCase())
}
