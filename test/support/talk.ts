import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import type { TurnRow } from '../../src/ports/stores.ts'
import type { Received } from '../../src/simulator/received.ts'
import { eventually, type Json } from './client.ts'
import type { Stage } from './gateway.ts'
import { said, type SessionClient, type SessionTurn } from './session-client.ts'

/**
 * A client that remembers its dialogue, and holds every turn against it: what the model had before it must be what the client said and was
 * answered, up to the answer that it continued. Ids of items may differ, and reasoning may have stayed behind; nothing else.
 */
export class Talk {
  readonly session: SessionClient
  readonly #on: Stage
  /** By the id of an answer: everything up to it, the answer included. */
  readonly #dialogues = new Map<string, readonly Json[]>()
  #last = ''

  constructor(on: Stage, session: SessionClient) {
    this.#on = on
    this.session = session
  }

  static async begin(on: Stage, asking: Parameters<Stage['session']>[0] = {}): Promise<Talk> {
    return new Talk(on, await on.session(asking))
  }

  /** Asks this, after the last answer, and expects an ordinary answer to it. */
  async say(text: string, more: Json = {}): Promise<SessionTurn> {
    return this.turn({ ...this.#onwards(), input: [said(text)], ...more })
  }

  /** Gives the output of a call that the last answer made. */
  async giveOutput(call: Json, output: string, more: Json = {}): Promise<SessionTurn> {
    return this.turn({ ...this.#onwards(), input: [{ type: 'function_call_output', call_id: call['call_id'], output }], ...more })
  }

  /** Asks exactly this, and expects an ordinary answer to it. */
  async turn(fields: Json): Promise<SessionTurn> {
    const turn = await this.session.turn({ model: 'gpt-5.5', store: false, ...fields })
    expect(turn.last).toMatchObject({ type: 'response.completed' })
    this.note(fields, turn)
    return turn
  }

  /** Takes note of a turn that was asked in another way. */
  note(fields: Json, turn: SessionTurn): void {
    const before = fields['previous_response_id']
    const asked = [...(typeof before === 'string' ? this.#upTo(before) : []), ...itemsOf(fields['input'])]
    if (fields['generate'] !== false) this.#compare(asked)
    this.#dialogues.set(turn.id, [...asked, ...turn.output])
    this.#last = turn.id
  }

  /** The dialogue up to an answer, with it. */
  #upTo(id: string): readonly Json[] {
    const dialogue = this.#dialogues.get(id)
    if (dialogue === undefined) throw new Error(`nobody was answered with ${id}`)
    return dialogue
  }

  /** Id of the last answer; empty before the first. */
  get last(): string {
    return this.#last
  }

  #onwards(): Json {
    return this.#last === '' ? {} : { previous_response_id: this.#last }
  }

  #compare(asked: readonly Json[]): void {
    const client = asked.map(bare)
    const last = client.at(-1)
    const seen = this.#on.simulator.received().filter(({ dialogue }) => isDeepStrictEqual(bare(dialogue?.at(-1) ?? {}), last))
    const model = (seen.at(-1)?.dialogue ?? []).map(bare)
    expect(model.filter(isSaid)).toEqual(client.filter(isSaid))
    for (const reasoning of model.filter((item) => !isSaid(item))) expect(client).toContainEqual(reasoning)
  }
}

const isSaid = (item: Json): boolean => item['type'] !== 'reasoning'

/** The items of an `input`, whichever way it is written. */
function itemsOf(input: unknown): readonly Json[] {
  return Array.isArray(input) ? (input as Json[]) : [{ role: 'user', content: input }]
}

/** An item without its id, and in one spelling. */
function bare({ id: _, ...item }: Json): Json {
  const { role, content } = item
  if (role === undefined) return item
  return { ...item, type: 'message', content: typeof content === 'string' ? [{ type: 'input_text', text: content }] : content }
}

/** What reached the upstream of this account since the scene began, listings of models left out. */
export function reached(on: Stage, account: string): readonly Received[] {
  return on.simulator.received().filter((one) => one.key === on.credential(account) && one.method !== 'GET')
}

/** The frames and requests that asked something of this account, as they came. */
export const bodiesTo = (on: Stage, account: string): readonly string[] => reached(on, account).map(({ body }) => body)

/** The WebSocket handshakes with this account's upstream. */
export function handshakes(on: Stage, account: string): readonly Received[] {
  return on.simulator.received().filter((one) => one.key === on.credential(account) && one.kind === 'handshake')
}

/** The records of the turns of this scene, in the order in which they ended; waits until there are so many. */
export async function recordsOf(on: Stage, count: number): Promise<readonly TurnRow[]> {
  const ids = (): readonly string[] =>
    on.log.filter((line) => line.includes('"msg":"turn"')).map((line) => String((JSON.parse(line) as { turn: unknown }).turn))
  const found = await eventually(ids, (seen) => seen.length >= count)
  expect(found).toHaveLength(count)
  return Promise.all(found.map((id) => on.record({ headers: { 'x-turnout-turn': id } })))
}
