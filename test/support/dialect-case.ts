import { expect } from 'vitest'
import type { TurnRow } from '../../src/ports/stores.ts'
import type { BehaviourSpec } from '../../src/simulator/behaviour.ts'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import { isStream, textOf, type DialectClient, type Heard, type Wishes } from './dialect-client.ts'
import { clients, type Way } from './dialect-clients.ts'
import type { Answer, Json } from './client.ts'
import type { Stage } from './gateway.ts'
import { recordsOf } from './talk.ts'

/** What every upstream says that it used, in the words of the Responses API. */
export const used: Json = {
  input_tokens: 1200,
  input_tokens_details: { cached_tokens: 1000, cache_write_tokens: 64 },
  output_tokens: 88,
  output_tokens_details: { reasoning_tokens: 20 },
  total_tokens: 1288,
}

const plays: BehaviourSpec = { label: 'it', usage: used }

/** Two accounts that speak one dialect, and nothing else that could serve. */
export function sceneOf({ upstream }: Way, more: Json = {}): { readonly accounts: Readonly<Record<'a' | 'b', Json>> } {
  const account = { dialects: [upstream], models: { mine: 'gpt-5.5-mini', '*': '*' }, plays }
  return { accounts: { a: account, b: account }, ...more }
}

/** What may be wrong with an answer, where its upstream is. */
type Allowed = (breach: string) => boolean

const nothing: Allowed = () => false

/** One client before accounts of one dialect, its dialogue, and what it has heard, in no dialect's words. */
export class Case {
  readonly on: Stage
  readonly way: Way
  readonly client: DialectClient
  readonly seen: Json[] = []
  dialogue: readonly Json[] = []
  #last: Heard | null = null

  constructor(on: Stage, way: Way) {
    this.on = on
    this.way = way
    this.client = clients[way.client]
  }

  play(account: 'a' | 'b', behaviour: BehaviourSpec): void {
    this.on.play(account, { ...plays, ...behaviour })
  }

  fail(account: 'a' | 'b', fault: FaultSpec): void {
    this.play(account, { faults: [{ on: 'turns', ...fault }] })
  }

  /** Says this, after all that was said, and hears the answer. */
  say(text: string, wishes: Wishes = {}, images: readonly string[] = []): Promise<Heard> {
    return this.#ask([this.client.user(text, images)], wishes)
  }

  /** Gives what came of the calls of the last answer. */
  give(outputs: readonly string[], wishes: Wishes = {}): Promise<Heard> {
    return this.#ask(this.client.outputs(this.#last?.calls ?? [], outputs), wishes)
  }

  /** Says this, and hears what need not be an answer. */
  async any(text: string, wishes: Wishes = {}, allowed: Allowed = nothing): Promise<{ readonly heard: Heard; readonly answer: Answer }> {
    const answer = await this.send([...this.dialogue, this.client.user(text)], wishes)
    const heard = this.client.hear(answer)
    const isBroken = isStream(answer) && !heard.isOver
    const { client, upstream } = this.way
    // What an upstream of OpenAI's own kind says so is its own affair.
    const passes = (breach: string): boolean => upstream !== 'messages' && breach.includes("in Anthropic's words")
    expect(heard.breaches.filter((breach) => !allowed(breach) && !passes(breach))).toEqual([])
    expect(heard.error !== null).toBe(!heard.isOver)
    // `response.failed` of the upstream's own is an end too; in the other dialects an error is none.
    if (!isBroken) expect(answer.end).toBe('clean')
    else if (client !== 'responses' || !isUpstreams(heard)) expect(answer.end).toBe('cut')
    this.seen.push(common(heard))
    return { heard, answer }
  }

  send(dialogue: readonly Json[], wishes: Wishes = {}): Promise<Answer> {
    const { path, headers } = this.client
    return this.on.ask(this.client.body(dialogue, wishes), { path, headers })
  }

  /** The body that reached an account last, as its members. */
  got(account: 'a' | 'b'): Json {
    return this.on.sent(account).at(-1)?.fields ?? {}
  }

  /** What the model of the last question had before it. */
  get modelHad(): readonly Json[] {
    return lastHad(this.on)
  }

  records(count: number): Promise<readonly TurnRow[]> {
    return recordsOf(this.on, count)
  }

  async #ask(entries: readonly Json[], wishes: Wishes): Promise<Heard> {
    const answer = await this.send([...this.dialogue, ...entries], wishes)
    const heard = this.client.hear(answer)
    expect(heard.breaches).toEqual([])
    expect(heard).toMatchObject({ status: 200, error: null, isOver: true, end: 'clean' })
    expect(answer.headers).toMatchObject({ 'x-turnout-turn': expect.any(String) as string, 'x-request-id': expect.any(String) as string })
    this.dialogue = [...this.dialogue, ...entries, ...heard.said]
    this.#last = heard
    this.seen.push(common(heard))
    return heard
  }
}

const isUpstreams = ({ error }: Heard): boolean => error?.kind !== 'upstream_unreachable' && error?.kind !== 'upstream_timeout'

/** What a client of any dialect may act on, whatever its upstream spoke. Ids differ from run to run. */
function common({ said: _said, breaches: _breaches, end: _end, status, calls, error, ...same }: Heard): Json {
  return {
    ...same,
    // Anthropic has a status of its own for an overload.
    status: status === 529 ? 503 : status,
    calls: calls.map(({ id: _id, ...call }) => call),
    // Decision 004: to some an overload is told as a trouble of the server.
    error: error === null ? null : { status: error.status, kind: error.kind === 'overload' ? 'server' : error.kind },
  }
}

/** What the model of the last question had before it, in no dialect's words. */
export function lastHad(on: Stage): readonly Json[] {
  const { dialogue, fields } = on.simulator.received().findLast((one) => one.dialogue !== null) ?? {}
  const leading = textOf(fields?.['instructions'])
  return [...(leading === '' ? [] : [{ role: 'system', content: leading }]), ...(dialogue ?? []).map(plain)]
}

/** An item of a dialogue by what it says. */
function plain(item: Json): Json {
  const { type, role, content, name, arguments: says, input, output } = item
  if (type === 'message' || role !== undefined) return { role: role === 'developer' ? 'system' : role, content: words(content) }
  if (type === 'reasoning') return { type }
  if (output !== undefined) return { type: 'output', output: words(output) }
  return { type: 'call', name, says: says ?? input }
}

function words(content: unknown): unknown {
  if (!Array.isArray(content)) return content
  return (content as Json[]).map(({ type, text }) => text ?? type).join('|')
}

/** Written down where a case was first run, compared everywhere else. What only some can show is compared among those. */
export class Pattern {
  readonly #known = new Map<string, readonly Json[]>()

  compare(title: string, { seen, way: { client, upstream } }: Case): void {
    expect(seen).not.toEqual([])
    this.#same(
      title,
      seen.map(({ thought: _, ...heard }) => heard),
    )
    if (client !== 'chat' && upstream !== 'chat') this.#same(`${title}, thoughts and all`, seen)
  }

  #same(title: string, seen: readonly Json[]): void {
    const first = this.#known.get(title)
    if (first === undefined) this.#known.set(title, seen)
    else expect(seen).toEqual(first)
  }
}
