import type { KeyId } from '../../src/core/ids.ts'
import type { Endpoint } from '../../src/core/turn.ts'
import type { Headers } from '../../src/lib/headers.ts'
import type { Chance } from './chance.ts'
import { clientModels } from './landscape.ts'
import { sealedContent } from './oracle.ts'
import { parsed, type JsonObject } from './story.ts'

/** What a client remembers of an answer, to build on it. */
interface Remembered {
  readonly id: string
  readonly isStored: boolean
  readonly output: readonly JsonObject[]
  readonly wasAsked: readonly JsonObject[]
}

export interface Question {
  readonly endpoint: Endpoint
  readonly fields: JsonObject
  readonly text: string
  readonly headers: Headers
}

const rememberedMax = 24
const tiers: readonly unknown[] = ['priority', 'fast', ' Fast ', 'PRIORITY', 'flex', 'Flex', 'ultrafast', 'turbo', 'auto', 'default', '', '  ', null]

const words = ['what time is it', 'tell me of trains', 'call:lookup now', 'and then', 'why'] as const

/** Thinks up what clients ask: fresh questions, and such as build on earlier answers, their own, another key's, or nobody's. */
export class Questions {
  readonly #chance: Chance
  readonly #remembered = new Map<KeyId, Remembered[]>()
  #made = 0

  constructor(chance: Chance) {
    this.#chance = chance
  }

  draw(key: KeyId, number: number): Question {
    const chance = this.#chance
    const endpoint = chance.is(0.92) ? 'responses' : chance.pick(['compact', 'input_tokens'] as const)
    const fields: Record<string, unknown> = { model: chance.is(0.6) ? 'fast' : chance.pick([...clientModels, 'gpt-5.5', 'unheard-of']) }
    if (endpoint === 'responses' && chance.is(0.65)) fields['stream'] = true
    if (chance.is(0.45)) fields['service_tier'] = chance.is(0.01) ? 1 : chance.pick(tiers)
    if (chance.is(0.6)) fields['store'] = chance.is(0.3)
    if (chance.is(0.3)) fields['prompt_cache_key'] = `cache-${chance.below(4)}`
    if (chance.is(0.3)) Object.assign(fields, { reasoning: { effort: 'low' }, include: ['reasoning.encrypted_content'] })
    if (chance.is(0.2)) fields['tools'] = [{ type: 'function', name: 'lookup', parameters: {} }]
    if (chance.is(0.03)) fields['max_output_tokens'] = 2
    if (chance.is(0.02)) fields['conversation'] = chance.pick(['conv_1', 'conv_2', { id: 'conv_1' }, 'conv_unheard_of'])
    this.#build(fields, key)
    return { endpoint, fields, text: this.#spell(fields), headers: this.#headers(number) }
  }

  /** A client remembers an answer that it was given whole. Returns the sealed reasoning in it. */
  remember(key: KeyId, asked: JsonObject, text: string, form: 'events' | 'json'): readonly string[] {
    const response = form === 'json' ? parsed(text) : terminalResponse(text)
    const output = response?.['output']
    if (response === null || typeof response['id'] !== 'string' || !Array.isArray(output)) return []
    const list = this.#remembered.get(key) ?? []
    list.push({ id: response['id'], isStored: asked['store'] !== false, output: output as readonly JsonObject[], wasAsked: itemsOf(asked['input']) })
    if (list.length > rememberedMax) list.shift()
    this.#remembered.set(key, list)
    return (output as readonly JsonObject[]).flatMap((item) => sealedContent(item) ?? [])
  }

  /** Sets `input`, and what it builds on. */
  #build(fields: Record<string, unknown>, key: KeyId): void {
    const chance = this.#chance
    const said = { type: 'message', role: 'user', content: `${chance.pick(words)} ${this.#chance.below(3)}` }
    const dice = chance.dice()
    const before = this.#before(key)
    if (before === null || dice < 0.5) {
      fields['input'] = chance.is(0.5) ? said.content : [said]
      if (dice < 0.02) fields['previous_response_id'] = `resp_${'0'.repeat(32)}`
      if (dice > 0.485) fields['input'] = [this.#madeUpReasoning(), said]
      return
    }
    const outputs = before.output.flatMap((item) =>
      item['type'] === 'function_call' ? [{ type: 'function_call_output', call_id: item['call_id'], output: '42' }] : [],
    )
    if (dice < (before.isStored ? 0.7 : 0.52)) {
      fields['previous_response_id'] = before.id
      fields['input'] = [...outputs, said]
      return
    }
    const [first] = before.output
    if (dice < 0.74 && before.isStored && typeof first?.['id'] === 'string' && outputs.length === 0) {
      fields['input'] = [chance.is(0.8) ? { type: 'item_reference', id: first['id'] } : { id: first['id'] }, said]
      return
    }
    // The dialogue said again, sealed reasoning included.
    const again = before.output.filter(
      (item) => item['type'] !== 'compaction' && (item['type'] !== 'reasoning' || before.isStored || sealedContent(item) !== null),
    )
    const more = chance.is(0.1) ? [this.#madeUpReasoning()] : []
    fields['input'] = [...before.wasAsked, ...again, ...more, ...outputs, said]
  }

  /** An earlier answer; seldom one of another key. */
  #before(key: KeyId): Remembered | null {
    const chance = this.#chance
    const whose = chance.is(0.06) ? chance.pick([key, ...this.#remembered.keys()]) : key
    const list = this.#remembered.get(whose)
    return list === undefined || list.length === 0 ? null : chance.pick(list)
  }

  /** Reasoning that no simulated service has sealed, or one that the gateway has long forgotten. */
  #madeUpReasoning(): JsonObject {
    return { type: 'reasoning', id: `rs_made_up_${++this.#made}`, summary: [], encrypted_content: `gAAAAmade-up-${this.#made}` }
  }

  /** The same JSON in one of several spellings: governed names may be escaped, and white space is free. */
  #spell(fields: JsonObject): string {
    const dice = this.#chance.dice()
    if (dice < 0.05) return JSON.stringify(fields, null, 2)
    const text = JSON.stringify(fields)
    if (dice < 0.1) return text.replace('"service_tier":', '"service\\u005ftier" :').replace('"model":', '"m\\u006fdel":')
    return text
  }

  #headers(number: number): Headers {
    const chance = this.#chance
    const codex = chance.is(0.2) ? { 'user-agent': 'codex_cli_rs/0.1', originator: 'codex_cli_rs' } : { 'user-agent': 'OpenAI/JS 7.55.0' }
    const state = chance.is(0.1) ? { 'x-codex-turn-state': chance.pick(['state-of-a', 'state-of-b', 'state-of-nobody']) } : {}
    const session = chance.is(0.2) ? { 'session-id': `session-${chance.below(5)}` } : {}
    return { ...codex, ...state, ...session, 'x-client-request-id': `request-${number}` }
  }
}

function terminalResponse(text: string): JsonObject | null {
  const at = Math.max(text.lastIndexOf('\nevent: response.completed\n'), text.lastIndexOf('\nevent: response.incomplete\n'))
  const from = text.indexOf('data: ', at)
  if (at === -1 || from === -1) return null
  const response = parsed(text.slice(from + 6))?.['response']
  return typeof response === 'object' && response !== null ? (response as JsonObject) : null
}

function itemsOf(input: unknown): readonly JsonObject[] {
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: input }]
  // A dialogue that grew for ever would slow the simulation down and show nothing new.
  return Array.isArray(input) ? (input as readonly JsonObject[]).filter((item) => item['role'] === 'user').slice(-1) : []
}
