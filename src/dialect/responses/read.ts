import type { ClientModel, ResponseId } from '../../core/ids.ts'
import { refusal } from '../../core/refusal.ts'
import { tierAsked } from '../../core/tier.ts'
import type { Endpoint, Reference, Sealed, Turn } from '../../core/turn.ts'
import type { Body } from '../../lib/body.ts'
import type { Headers } from '../../lib/headers.ts'
import { openBrace, openBracket, quote } from '../../lib/json-scan.ts'
import type { Read } from '../dialect.ts'
import { isObject } from '../json.ts'
import {
  beginningOf,
  cacheHint,
  firstOf,
  invalid,
  invalidModel,
  isFlag,
  isModelName,
  isText,
  saysCodex,
  sealHash,
  wrongType,
  type Expectation,
} from '../question.ts'

/** Members whose double is refused: a policy, a route or a record depends on them, and parsers differ in which one they take. */
export const governed: ReadonlySet<string> = new Set([
  'model',
  'stream',
  'service_tier',
  'speed',
  'previous_response_id',
  'conversation',
  'store',
  'background',
  'prompt_cache_key',
  'type',
  'stream_id',
  'generate',
  'session',
  'client_metadata',
  'input',
  'messages',
])

/** What is known of a question beside its body. */
interface Asked {
  readonly endpoint: Endpoint
  readonly headers: Headers
  /** The model of a question that names none; null: each has to. */
  readonly model: ClientModel | null
  readonly stream: 'where-it-says-so' | 'always'
}

/** Reads what the gateway acts on; everything else is the upstream's to judge. */
export function read(body: Body, endpoint: Endpoint, headers: Headers): Read {
  return readTurn(body, { endpoint, headers, model: null, stream: 'where-it-says-so' })
}

export function readTurn(body: Body, { endpoint, headers, model: otherwise, stream }: Asked): Read {
  const wrong = wrongType(body, expectations) ?? wrongInput(body)
  if (wrong !== null) return invalid(wrong.member, wrong.expected)
  const model = body.span('model') === null ? otherwise : body.value('model')
  if (!isModelName(model)) return invalidModel(model)
  if (body.value('background') === true) {
    return {
      kind: 'refused',
      refusal: refusal('background_not_supported', 'Answers in the background are not supported here; leave `background` out.', { param: 'background' }),
    }
  }
  const items = tellingItems(body)
  if (items === null) return invalid('input', 'text or a list of fewer items')
  const store = body.value('store')
  const conversation = conversationOf(body.value('conversation'))
  const isCodex = saysCodex(headers)
  const turn: Turn = {
    endpoint,
    model,
    tier: tierAsked(body.value('service_tier')),
    stream: endpoint === 'responses' && (stream === 'always' || body.value('stream') === true),
    references: references(body, items, conversation),
    stored: endpoint === 'responses' && store !== false,
    leavesTrace: conversation !== null || store === true,
    affinity: affinity(body, headers, isCodex),
    sealed: sealed(items),
    isCodex,
    reasonsOverTools: false,
    wantsUsage: true,
  }
  return { kind: 'turn', turn }
}

/** `service_tier` is missing on purpose: a tier that is no word is not ours to judge. `input` is looked at without parsing it. */
const expectations: readonly Expectation[] = [
  { member: 'stream', expected: 'true or false', fits: isFlag },
  { member: 'store', expected: 'true or false', fits: isFlag },
  { member: 'background', expected: 'true or false', fits: isFlag },
  { member: 'previous_response_id', expected: 'the id of an answer, as text', fits: isText },
  { member: 'prompt_cache_key', expected: 'text', fits: isText },
  { member: 'conversation', expected: 'an id, or an object with one', fits: (v) => typeof v === 'string' || (isObject(v) && typeof v['id'] === 'string') },
]

const firstOfNull = 0x6e

function wrongInput(body: Body): Pick<Expectation, 'member' | 'expected'> | null {
  const input = body.span('input')
  const first = input === null ? undefined : body.bytes[input.start]
  const fits = first === undefined || first === quote || first === openBracket || first === firstOfNull
  return fits ? null : { member: 'input', expected: 'text or a list of items' }
}

function conversationOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  return isObject(value) && typeof value['id'] === 'string' ? value['id'] : null
}

function references(body: Body, items: readonly Item[], conversation: string | null): readonly Reference[] {
  const found: Reference[] = []
  const previous = body.value('previous_response_id')
  if (typeof previous === 'string') found.push({ kind: 'response', id: previous as ResponseId })
  if (conversation !== null) found.push({ kind: 'conversation', id: conversation })
  for (const { body: item } of items) {
    const id = item.value('id')
    if (typeof id === 'string' && isReference(item)) found.push({ kind: 'item', id })
  }
  return found
}

/** An item that stands for one of an earlier answer: it says so, or it says nothing of what it is (its type may be left out). */
export function isReference(item: Body): boolean {
  const type = item.value('type') ?? null
  return type === 'item_reference' || (type === null && item.value('role') === undefined)
}

function sealed(items: readonly Item[]): readonly Sealed[] {
  return items.flatMap(({ body: item, index }) => {
    const content = item.value('encrypted_content')
    return item.value('type') === 'reasoning' && typeof content === 'string' ? [{ index, hash: sealHash(content) }] : []
  })
}

interface Item {
  readonly body: Body
  readonly index: number
}

/** What a reference or sealed reasoning cannot be said without, plainly or with a letter escaped (all of its letters are below U+0080). */
const telling = ['"id"', '"encrypted_content"', '\\u00'] as const

/**
 * The items of `input` that are objects; none where nothing in it tells of an earlier answer, so that a large `input` is taken apart only
 * when there is something to find. Null: a list so long, or an item of so many members, that what it refers to cannot be told.
 */
function tellingItems(body: Body): readonly Item[] | null {
  const input = body.span('input')
  if (input === null || body.bytes[input.start] !== openBracket) return []
  const text = body.bytes.subarray(input.start, input.end)
  if (!telling.some((word) => text.includes(word, 0, 'latin1'))) return []
  const items: Item[] = []
  for (const [index, span] of (body.items('input') ?? [input]).entries()) {
    const item = body.within(span)
    if (item !== null) items.push({ body: item, index })
    else if (body.bytes[span.start] === openBrace || span === input) return null
  }
  return items
}

function affinity(body: Body, headers: Headers, isCodex: boolean): string | null {
  return (
    cacheHint(body, headers, isCodex) ??
    beginningOf(
      body,
      ['instructions', 'input'].flatMap((member) => firstOf(body, member) ?? []),
    )
  )
}
