import type { KeyId } from '../../../src/core/ids.ts'
import type { Chance } from '../chance.ts'
import { clientModels } from '../landscape.ts'
import { sealedContent } from '../oracle.ts'
import type { JsonObject } from '../story.ts'
import { openCalls, type Answered, type Dialogues } from './dialogues.ts'

/** What a client says in one frame. */
export type Utterance =
  | { readonly kind: 'create'; readonly lane: string; readonly fields: JsonObject; readonly text: string; readonly previous: string | null }
  | { readonly kind: 'update'; readonly text: string; readonly model: string | null }
  | { readonly kind: 'steer'; readonly text: string; readonly target: string; readonly items: readonly JsonObject[] }
  /** Of an unknown type. */
  | { readonly kind: 'other'; readonly text: string }
  /** What is not understood, or is refused as a frame. */
  | { readonly kind: 'wrong'; readonly text: string }
  | { readonly kind: 'binary'; readonly text: string }

/** What a client knows when it speaks. */
export interface Talk {
  readonly number: number
  readonly key: KeyId
  /** Answers of this session, oldest first. */
  readonly answers: readonly Answered[]
  /** The latest answer of each lane. */
  readonly latest: ReadonlyMap<string, Answered>
  /** Answers that are on their way, by their ids. */
  readonly running: readonly string[]
  /** The gateway has said that it can not continue this answer: it is said again in full. */
  readonly lost: string | null
  readonly hasAsked: boolean
}

const tiers: readonly unknown[] = ['priority', 'fast', ' Fast ', 'flex', 'ultrafast', 'turbo', 'default', '', null]
const words = ['what time is it', 'tell me of trains', 'and then', 'why'] as const

/** Thinks up what clients say in their sessions. Every text is unlike any other. */
export class Talker {
  readonly #chance: Chance
  readonly #dialogues: Dialogues
  #made = 0

  constructor(chance: Chance, dialogues: Dialogues) {
    this.#chance = chance
    this.#dialogues = dialogues
  }

  create(talk: Talk, lane: string): Utterance {
    const chance = this.#chance
    const fields: Record<string, unknown> = { type: 'response.create' }
    if (chance.is(talk.hasAsked ? 0.55 : 0.99)) fields['model'] = chance.is(0.6) ? 'fast' : chance.pick([...clientModels, 'gpt-5.5', 'gpt-5.5', 'unheard-of'])
    if (lane !== '') fields['stream_id'] = lane
    if (chance.is(0.3)) fields['stream'] = chance.is(0.9)
    if (chance.is(0.35)) fields['service_tier'] = chance.pick(tiers)
    if (chance.is(0.8)) fields['store'] = chance.is(0.15)
    if (chance.is(0.2)) fields['prompt_cache_key'] = `cache-${chance.below(4)}`
    if (chance.is(0.4)) Object.assign(fields, { reasoning: { effort: 'low' }, include: ['reasoning.encrypted_content'] })
    if (chance.is(0.25)) fields['tools'] = [{ type: 'function', name: 'lookup', parameters: {} }]
    if (chance.is(0.05)) fields['generate'] = false
    if (chance.is(0.03)) fields['max_output_tokens'] = 2
    if (chance.is(0.1)) fields['client_metadata'] = { 'x-codex-turn-state': `state-of-${chance.pick(['a', 'b', 'c', 'd'])}`, other: 'kept' }
    const previous = this.#build(fields, talk, lane)
    return { kind: 'create', lane, fields, text: this.#spell(fields), previous }
  }

  update(): Utterance {
    const chance = this.#chance
    const model = chance.is(0.7) ? chance.pick(clientModels) : null
    const session = { ...(model === null ? {} : { model }), instructions: `be brief ${++this.#made}` }
    return { kind: 'update', model, text: this.#spell({ type: 'session.update', session }) }
  }

  steer(talk: Talk): Utterance {
    const chance = this.#chance
    const target = talk.running.length > 0 && chance.is(0.95) ? chance.pick(talk.running) : `resp_${'1'.repeat(32)}`
    const content = `rather ${chance.pick(words)} ${++this.#made}`
    const items = [{ type: 'message', role: 'user', content }]
    return {
      kind: 'steer',
      target,
      items,
      text: JSON.stringify({ type: 'response.steer', previous_response_id: target, input: chance.is(0.5) ? content : items }),
    }
  }

  other(): Utterance {
    const type = this.#chance.pick(['response.cancel', 'response.processed', 'session.created', '', 'something.new'])
    return { kind: 'other', text: this.#spell({ type, service_tier: 'priority', nth: ++this.#made }) }
  }

  wrong(): Utterance {
    const chance = this.#chance
    const text = chance.pick([
      '{"type":"response.create","model":"fast"',
      '[1]',
      'nope',
      '{"type":"response.create","model":"fast","model":"slow","input":"x"}',
      '{"type":"response.create","model":"fast","background":true,"input":"x"}',
      '{"type":"response.create","model":"fast","stream_id":"","input":"x"}',
      '{"type":"session.update","session":{"model":"fast","model":"slow"}}',
      '{"type":"session.update","session":{"model":7}}',
    ])
    return { kind: 'wrong', text }
  }

  binary(): Utterance {
    return { kind: 'binary', text: '{}' }
  }

  /** Sets `input`, and what it builds on. Returns the answer that it names. */
  #build(fields: Record<string, unknown>, talk: Talk, lane: string): string | null {
    const chance = this.#chance
    const said = {
      type: 'message',
      role: 'user',
      content: `${chance.pick(words)} ${fields['tools'] !== undefined && chance.is(0.6) ? 'call:lookup ' : ''}number ${++this.#made}`,
    }
    const lost = talk.lost === null ? null : this.#dialogues.find(talk.lost)
    if (lost !== null) return this.#inFull(fields, lost, said)
    const before = this.#before(talk, lane)
    if (before === null || typeof before === 'string') {
      fields['input'] = chance.is(0.5) ? said.content : chance.is(0.03) ? [this.#madeUpReasoning(), said] : [said]
      if (before !== null) fields['previous_response_id'] = before
      return before
    }
    if (chance.is(0.06)) return this.#inFull(fields, before, said)
    const outputs = openCalls(before.output).map((call) => ({ type: 'function_call_output', call_id: call['call_id'], output: '42' }))
    fields['previous_response_id'] = before.id
    fields['input'] = [...outputs, said]
    return before.id
  }

  /** The answer to go on from: an id where it is nobody's, or another's. Null: a new chain. */
  #before(talk: Talk, lane: string): Answered | string | null {
    const chance = this.#chance
    const dice = chance.dice()
    if (dice < 0.02) return `resp_${'0'.repeat(32)}`
    if (dice < 0.04) return this.#ofAnother(talk)
    const latest = talk.latest.get(lane) ?? null
    if (dice < 0.75) return latest ?? talk.answers.at(-1) ?? null
    if (dice < 0.9 && talk.answers.length > 0) return chance.pick(talk.answers)
    return null
  }

  #ofAnother({ key, number }: Talk): string | null {
    const chance = this.#chance
    const whose = chance.is(0.5) ? key : chance.pick([key, ...this.#dialogues.keys()])
    const answers = this.#dialogues.of(whose)
    if (answers.length === 0) return null
    const one = chance.pick(answers)
    // What is left open there would have to be closed first.
    return one.session === number || openCalls(one.output).length > 0 ? null : one.id
  }

  /** The dialogue said again by the client itself, sealed reasoning included. */
  #inFull(fields: Record<string, unknown>, before: Answered, said: JsonObject): null {
    const items = this.#dialogues.upTo(before.id) ?? []
    const kept = items.filter((item) => item['type'] !== 'item_reference' && (item['type'] !== 'reasoning' || sealedContent(item) !== null))
    const outputs = openCalls(before.output).map((call) => ({ type: 'function_call_output', call_id: call['call_id'], output: '42' }))
    // An item must not be parted from the reasoning that its id leads to.
    const bare = kept.length < items.length || this.#chance.is(0.5)
    fields['input'] = [...kept.map((item) => (bare ? withoutId(item) : item)), ...outputs, said]
    return null
  }

  #madeUpReasoning(): JsonObject {
    return { type: 'reasoning', id: `rs_made_up_${++this.#made}`, summary: [], encrypted_content: `gAAAAmade-up-${this.#made}` }
  }

  #spell(fields: JsonObject): string {
    const dice = this.#chance.dice()
    if (dice < 0.05) return JSON.stringify(fields, null, 2)
    const text = JSON.stringify(fields)
    if (dice < 0.1) return text.replace('"model"', String.raw`"mod\u0065l"`).replace('"service_tier"', String.raw`"service\u005ftier"`)
    return text
  }
}

function withoutId(item: JsonObject): JsonObject {
  const { id: _, ...rest } = item
  return rest
}
