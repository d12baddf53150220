import type { Endpoint } from '../../core/turn.ts'
import type { Body, Span } from '../../lib/body.ts'
import { header, type Headers } from '../../lib/headers.ts'
import { openBracket } from '../../lib/json-scan.ts'
import type { Read } from '../dialect.ts'
import { isObject } from '../json.ts'
import { beginningOf, invalid, invalidModel, isFlag, isModelName, openingOf, sessionIn, wrongType, type Expectation } from '../question.ts'
import { sealedThinking } from './foreign-thinking.ts'
import { tierIn } from './tier.ts'

/** Members whose double is refused: a policy, a route or a record depends on them. What only prompt caches depend on is not among them. */
export const governed: ReadonlySet<string> = new Set(['model', 'stream', 'speed', 'service_tier', 'messages'])

const expectations: readonly Expectation[] = [
  { member: 'stream', expected: 'true or false', fits: isFlag },
  { member: 'max_tokens', expected: 'a number', fits: (value) => typeof value === 'number' },
]

const firstOfNull = 0x6e

/** Reads what the gateway acts on; everything else, versions and betas that nobody knows among it, is the upstream's to judge. */
export function read(body: Body, endpoint: Endpoint, headers: Headers): Read {
  const wrong = wrongType(body, expectations)
  if (wrong !== null) return invalid(wrong.member, wrong.expected)
  const model = body.value('model')
  if (!isModelName(model)) return invalidModel(model)
  if (!hasMessages(body)) return invalid('messages', 'a list of messages')
  return {
    kind: 'turn',
    turn: {
      endpoint,
      model,
      tier: tierIn(body, headers),
      stream: endpoint === 'messages' && body.value('stream') === true,
      references: [],
      stored: false,
      leavesTrace: false,
      affinity: affinity(body, headers),
      sealed: sealedThinking(body),
      isCodex: false,
      reasonsOverTools: false,
      wantsUsage: true,
    },
  }
}

/** Looked at without parsing them. Absent ones, and null, are the upstream's to judge. */
function hasMessages(body: Body): boolean {
  const messages = body.span('messages')
  const first = messages === null ? firstOfNull : body.bytes[messages.start]
  return first === openBracket || first === firstOfNull
}

function affinity(body: Body, headers: Headers): string | null {
  const session = header(headers, 'x-claude-code-session-id')
  if (session !== null && session !== '') return session
  return sessionInMetadata(body) ?? sessionIn(headers) ?? beginning(body)
}

/** A user's id is a line of text; more than this is not parsed for it. Unit: bytes. */
const metadataBytesMax = 8192

/** The session in `metadata.user_id`: Claude Code writes JSON there, with a member `session_id`, or a text that ends with it; others a user, who is as good. */
function sessionInMetadata(body: Body): string | null {
  const span = body.span('metadata')
  if (span === null || span.end - span.start > metadataBytesMax) return null
  const metadata = body.value('metadata')
  const user = isObject(metadata) ? metadata['user_id'] : null
  if (typeof user !== 'string' || user === '') return null
  const session = sessionOf(user)
  return typeof session === 'string' && session !== '' ? session : user
}

function sessionOf(user: string): unknown {
  if (!user.startsWith('{')) return null
  try {
    const said: unknown = JSON.parse(user)
    return isObject(said) ? said['session_id'] : null
  } catch {
    return null
  }
}

function beginning(body: Body): string | null {
  const system = body.span('system')
  const parts: readonly Span[] = [...(system === null ? [] : [system]), ...openingOf(body, 'messages')]
  return beginningOf(body, parts)
}
