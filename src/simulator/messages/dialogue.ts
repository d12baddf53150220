import { isObject, type JsonObject, type Refused } from '../error.ts'
import { isSigned } from '../seal.ts'
import type { Wrong } from './error.ts'

/** What a dialogue is held to. */
interface Terms {
  readonly version: string
  readonly wrong: Wrong
}

/** What each role may say, by the types of its blocks. */
const userBlocks = ['text', 'image', 'document', 'search_result', 'tool_result', 'container_upload']
const assistantBlocks = ['text', 'thinking', 'redacted_thinking', 'tool_use', 'server_tool_use', 'document', 'compaction']
const blocksOf: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['user', userBlocks],
  ['assistant', assistantBlocks],
  ['system', ['text']],
])

/** From this version on (protocols.md 5.1). */
const versionNew = '2026-10-21'

interface Reader {
  readonly items: JsonObject[]
  /** Calls of the message just before. */
  open: ReadonlySet<string>
  readonly used: Set<string>
}

/** `system` and `messages` as items of the Responses API. Calls and their results are held together, thoughts to their signatures. */
export function readDialogue({ system, messages }: JsonObject, terms: Terms): { readonly items: readonly JsonObject[] } | Refused {
  const { wrong } = terms
  const all = messages as readonly unknown[]
  const reader: Reader = { items: [], open: new Set(), used: new Set() }
  const bad = readSystem(system, reader, wrong)
  if (bad !== null) return bad
  if (all.length === 0) return wrong('messages: at least one message is required')
  for (const [at, message] of all.entries()) {
    const refused = checkMessage(message, at, { ...terms, isLast: at === all.length - 1 }) ?? readMessage(message as JsonObject, at, reader, terms)
    if (refused !== null) return refused
  }
  return checkOpen(reader, new Set(), all.length - 1, wrong) ?? { items: reader.items }
}

function readSystem(system: unknown, { items }: Reader, wrong: Wrong): Refused | null {
  if (system === undefined || system === null) return null
  if (typeof system === 'string') {
    if (system !== '') items.push({ type: 'message', role: 'system', content: system })
    return null
  }
  if (!Array.isArray(system)) return wrong('system: Input should be a valid string or list')
  const at = system.findIndex((block) => !isObject(block) || block['type'] !== 'text' || typeof block['text'] !== 'string')
  if (at !== -1) return wrong(`system.${at}: Input should be a text block`)
  if (system.length > 0) items.push({ type: 'message', role: 'system', content: partsOf(system as readonly JsonObject[], 'input_text') })
  return null
}

interface Where extends Terms {
  readonly isLast: boolean
}

function checkMessage(message: unknown, at: number, { version, wrong, isLast }: Where): Refused | null {
  if (!isObject(message)) return wrong(`messages.${at}: Input should be a valid object`)
  const { role, content } = message
  const allowed = blocksOf.get(role)
  if (allowed === undefined) return wrong(`messages.${at}.role: Input should be 'user', 'assistant' or 'system'`)
  if (at === 0 && role !== 'user') return wrong('messages: first message must use the "user" role')
  if (typeof content !== 'string' && !Array.isArray(content)) return wrong(`messages.${at}.content: Input should be a valid string or list`)
  if (content.length === 0 && !(isLast && role === 'assistant'))
    return wrong(`messages.${at}: all messages must have non-empty content except for the optional final assistant message`)
  for (const [nth, block] of (typeof content === 'string' ? [] : (content as readonly unknown[])).entries()) {
    const why = isObject(block) ? whyNot(block, role, allowed, version) : 'Input should be a valid object'
    if (why !== null) return wrong(`messages.${at}.content.${nth}: ${why}`)
  }
  return null
}

/** What is wrong with one block; null: nothing. */
function whyNot(block: JsonObject, role: unknown, allowed: readonly string[], version: string): string | null {
  const { type, citations } = block
  const isServerResult = role === 'assistant' && typeof type === 'string' && type.endsWith('_tool_result')
  if (!isServerResult && !allowed.includes(String(type))) return `Input tag '${String(type)}' found using 'type' is not expected of '${String(role)}'`
  if (type === 'text' && typeof block['text'] !== 'string') return 'text: Field required'
  if (type === 'text' && block['text'] === '') return 'text content blocks must be non-empty'
  if (version < versionNew) return null
  if (role === 'assistant' && type === 'document') return 'document: not permitted in assistant messages'
  return role === 'user' && type === 'text' && Array.isArray(citations) && citations.length > 0 ? 'citations: Extra inputs are not permitted' : null
}

function readMessage(message: JsonObject, at: number, reader: Reader, { wrong }: Terms): Refused | null {
  const { role, content } = message
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : (content as readonly JsonObject[])
  const results = role === 'user' ? blocks.filter(({ type }) => type === 'tool_result') : []
  const refused = checkResults(blocks, results, at, wrong) ?? checkOpen(reader, new Set(results.map((one) => String(one['tool_use_id']))), at - 1, wrong)
  if (refused !== null) return refused
  const stray = results.find((one) => !reader.open.has(String(one['tool_use_id'])))
  if (stray !== undefined) {
    const id = String(stray['tool_use_id'])
    return wrong(
      `messages.${at}.content.${blocks.indexOf(stray)}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
    )
  }
  for (const one of results) reader.items.push({ type: 'function_call_output', call_id: one['tool_use_id'], output: outputOf(one['content']) })
  reader.open = new Set()
  if (role === 'assistant') return readAssistant(blocks, at, reader, wrong)
  const said = blocks.slice(results.length)
  const text = typeof content === 'string' ? content : partsOf(said, 'input_text')
  if (said.length > 0) reader.items.push({ type: 'message', role, content: text })
  return null
}

/** Results stand in front of everything else. */
function checkResults(blocks: readonly JsonObject[], results: readonly JsonObject[], at: number, wrong: Wrong): Refused | null {
  const nth = results.findIndex((one) => typeof one['tool_use_id'] !== 'string')
  if (nth !== -1) return wrong(`messages.${at}.content.${nth}.tool_result.tool_use_id: Field required`)
  const isInFront = results.every((one, index) => blocks[index] === one)
  return isInFront ? null : wrong(`messages.${at}: \`tool_result\` blocks must stand before all other content`)
}

function checkOpen({ open }: Reader, answered: ReadonlySet<string>, at: number, wrong: Wrong): Refused | null {
  const left = [...open].filter((id) => !answered.has(id))
  if (left.length === 0) return null
  return wrong(
    `messages.${at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${left.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
  )
}

function readAssistant(blocks: readonly JsonObject[], at: number, reader: Reader, wrong: Wrong): Refused | null {
  const { items, used } = reader
  const open = new Set<string>()
  let texts: JsonObject[] = []
  const say = () => {
    if (texts.length > 0) items.push({ type: 'message', role: 'assistant', content: partsOf(texts, 'output_text') })
    texts = []
  }
  for (const [nth, block] of blocks.entries()) {
    const where = `messages.${at}.content.${nth}`
    if (block['type'] === 'thinking' || block['type'] === 'redacted_thinking') {
      say()
      const thought = thoughtOf(block)
      if (!isSigned(thought.text, thought.signature)) return wrong(`${where}: Invalid \`signature\` in \`thinking\` block`)
      items.push({
        type: 'reasoning',
        summary: thought.text === '' ? [] : [{ type: 'summary_text', text: thought.text }],
        encrypted_content: thought.signature,
      })
    } else if (block['type'] === 'tool_use') {
      say()
      const { id, name, input } = block
      if (typeof id !== 'string' || !/^[\w-]+$/.test(id)) return wrong(`${where}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`)
      if (typeof name !== 'string') return wrong(`${where}.tool_use.name: Field required`)
      if (!isObject(input)) return wrong(`${where}.tool_use.input: Input should be a valid dictionary`)
      if (used.has(id)) return wrong(`${where}: \`tool_use\` ids must be unique`)
      used.add(id)
      open.add(id)
      items.push({ type: 'function_call', call_id: id, name, arguments: JSON.stringify(input) })
    } else texts.push(block)
  }
  say()
  reader.open = open
  return null
}

/** What was thought without being shown was signed without its text. */
function thoughtOf(block: JsonObject): { readonly text: string; readonly signature: string } {
  const [text, signature] = block['type'] === 'thinking' ? [block['thinking'], block['signature']] : ['', block['data']]
  return { text: typeof text === 'string' ? text : '', signature: typeof signature === 'string' ? signature : '' }
}

function outputOf(content: unknown): unknown {
  return Array.isArray(content) ? partsOf(content as readonly JsonObject[], 'input_text') : (content ?? '')
}

function partsOf(blocks: readonly JsonObject[], type: 'input_text' | 'output_text'): readonly JsonObject[] {
  return blocks.map((block) =>
    isObject(block) && typeof block['text'] === 'string' ? { type, text: block['text'] } : { type: isObject(block) ? block['type'] : null },
  )
}
