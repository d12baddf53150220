import { refusal } from '../../core/refusal.ts'
import { tierAsked } from '../../core/tier.ts'
import type { Endpoint, Turn } from '../../core/turn.ts'
import { Body } from '../../lib/body.ts'
import type { Headers } from '../../lib/headers.ts'
import { openBracket } from '../../lib/json-scan.ts'
import type { Read } from '../dialect.ts'
import {
  beginningOf,
  cacheHint,
  invalid,
  invalidModel,
  isFlag,
  isModelName,
  isText,
  itemsIn,
  openingOf,
  saysCodex,
  wrongType,
  type Expectation,
} from '../question.ts'
import { mannerOf } from './endpoints.ts'

/** Members whose double is refused: a policy, a route or a record depends on them, and parsers differ in which one they take. */
export const governed: ReadonlySet<string> = new Set([
  'model',
  'stream',
  'stream_options',
  'service_tier',
  'store',
  'prompt_cache_key',
  'messages',
  'tools',
  'functions',
  'reasoning_effort',
  'input',
  'prompt',
])

/** Reads what the gateway acts on; everything else is the upstream's to judge. */
export function read(body: Body, endpoint: Endpoint, headers: Headers): Read {
  const wrong = wrongType(body, expectations) ?? wrongContent(body, endpoint)
  if (wrong !== null) return invalid(wrong.member, wrong.expected)
  const model = body.value('model')
  if (!isModelName(model)) return invalidModel(model)
  const { isDialogue, stream } = mannerOf(endpoint)
  const wantsStream = body.value('stream') === true
  if (wantsStream && stream === 'refused') return { kind: 'refused', refusal: givenWhole }
  const streamed = readStreamOptions(body)
  if (streamed.kind === 'refused') return streamed
  const isCodex = saysCodex(headers)
  const turn: Turn = {
    endpoint,
    model,
    tier: tierAsked(body.value('service_tier')),
    stream: wantsStream && stream === 'streams',
    references: [],
    // What Chat stores can be looked at, but not continued.
    stored: false,
    leavesTrace: isDialogue && body.value('store') === true,
    // Only dialogues have a prompt cache.
    affinity: isDialogue ? (cacheHint(body, headers, isCodex) ?? beginningOf(body, openingOf(body, 'messages'))) : null,
    sealed: [],
    isCodex,
    reasonsOverTools: isDialogue && body.value('reasoning_effort') !== 'none' && handsTools(body),
    wantsUsage: streamed.wantsUsage,
  }
  return { kind: 'turn', turn }
}

/** `service_tier` and `reasoning_effort` are missing on purpose: what is no word there is not ours to judge. */
const expectations: readonly Expectation[] = [
  { member: 'stream', expected: 'true or false', fits: isFlag },
  { member: 'store', expected: 'true or false', fits: isFlag },
  { member: 'prompt_cache_key', expected: 'text', fits: isText },
]

const givenWhole = refusal('unsupported_parameter', 'Pictures are given whole here; leave `stream` out.', { param: 'stream' })

const firstOfNull = 0x6e

/** What the question is about, and lists, are looked at without parsing them. */
function wrongContent(body: Body, endpoint: Endpoint): Pick<Expectation, 'member' | 'expected'> | null {
  const first = (member: string): number | undefined => {
    const span = body.span(member)
    return span === null ? firstOfNull : body.bytes[span.start]
  }
  const { isDialogue, needs } = mannerOf(endpoint)
  if (!isDialogue) return first(needs.member) === firstOfNull ? needs : null
  if (first(needs.member) !== openBracket) return needs
  const wrong = ['tools', 'functions'].find((member) => first(member) !== firstOfNull && first(member) !== openBracket)
  return wrong === undefined ? null : { member: wrong, expected: 'a list' }
}

const onlyIncludeUsage: ReadonlySet<string> = new Set(['include_usage'])

function readStreamOptions(body: Body): Extract<Read, { kind: 'refused' }> | { readonly kind: 'read'; readonly wantsUsage: boolean } {
  const span = body.span('stream_options')
  if (span === null || body.bytes[span.start] === firstOfNull) return { kind: 'read', wantsUsage: false }
  const parsed = Body.parse(body.bytes, onlyIncludeUsage, span.start, span.end)
  if (parsed.kind === 'duplicate') {
    const param = `stream_options.${parsed.member}`
    return { kind: 'refused', refusal: refusal('duplicate_member', `\`${param}\` stands twice.`, { param }) }
  }
  if (parsed.kind !== 'body') return invalid('stream_options', 'an object')
  const wantsUsage = parsed.body.value('include_usage') ?? false
  return typeof wantsUsage === 'boolean' ? { kind: 'read', wantsUsage } : invalid('stream_options.include_usage', 'true or false')
}

/** Whether the model is given functions to call; `functions` is what `tools` was called once. */
function handsTools(body: Body): boolean {
  for (const tool of itemsIn(body, 'tools')) {
    const type = body.within(tool)?.value('type')
    if (type === 'function' || type === 'custom') return true
  }
  return itemsIn(body, 'functions').next().done === false
}
