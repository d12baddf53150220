import { header, type Headers } from '../lib/headers.ts'
import type { HeaderList } from '../ports/sink.ts'

/**
 * What of a client's own headers an upstream may see: how the client presents itself, what it says of its session, and how it traces.
 * Not here on purpose: credentials and whatever names an account (`openai-organization`, `chatgpt-account-id`), cookies, addresses,
 * framing, and `x-codex-routing-hint`, which carries a model and a tier past mapping and rules.
 */
const requestNames: ReadonlySet<string> = new Set([
  'accept',
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
 * What of an answer's headers a client may see, and its name there. One account's windows and rate limits are not the client's, so
 * `x-codex-primary-*`, `x-ratelimit-*` and their like stay here (protocols 3.5).
 */
const answerNames: readonly (readonly [theirs: string, ours: string])[] = [
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
]
  .map((name): readonly [string, string] => [name, name])
  .concat([['x-request-id', 'x-upstream-request-id']])

/** Line breaks, NUL and whatever else no header value can carry as bytes. */
const unsayable = /[^\t\x20-\x7e\x80-\xff]/

/** Whether a value can be said in a header without becoming two. */
export function isHeaderValue(value: string): boolean {
  return !unsayable.test(value)
}

/** Names and values in turn, as `node:http` takes them. @param omit names in lower case that must not pass this time. */
export function requestHeaders(client: Headers, omit: readonly string[]): string[] {
  const list: string[] = []
  const hops = connectionNames(client)
  let userAgent = false
  for (const name in client) {
    if (!requestNames.has(name) && !requestFamily.test(name)) continue
    if (omit.includes(name) || hops?.includes(name)) continue
    const value = header(client, name)
    if (value === null || !isHeaderValue(value)) continue
    userAgent ||= name === 'user-agent'
    list.push(name, value)
  }
  if (!userAgent) list.push('user-agent', 'turnout')
  return list
}

/** What a client may see of an answer's headers. */
export function passedHeaders(answer: Headers): HeaderList {
  const list: [string, string][] = []
  for (const [theirs, ours] of answerNames) {
    const value = header(answer, theirs)
    if (value !== null && isHeaderValue(value)) list.push([ours, value])
  }
  return list
}

/** Headers that `Connection` declares to be for the next hop only. */
function connectionNames(client: Headers): readonly string[] | null {
  const value = header(client, 'connection')
  return value === null ? null : value.split(',').map((name) => name.trim().toLowerCase())
}
