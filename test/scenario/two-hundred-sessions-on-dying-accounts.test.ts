import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import { startSimulator } from '../../src/simulator/server.ts'
import { eventually, type Json } from '../support/client.ts'
import { adminToken, Stage } from '../support/gateway.ts'
import { said, type SessionClient, type SessionTurn } from '../support/session-client.ts'

const sessions = 200
const turns = 20
const names = ['north', 'east', 'south', 'west'] as const
type Name = (typeof names)[number]

/** Faults after which it is sure that nothing was served. */
const plain: readonly FaultSpec[] = [
  { fault: 'credential-bare' },
  { fault: 'token-invalidated' },
  { fault: 'payment' },
  { fault: 'quota-403' },
  { fault: 'quota', resetsInSeconds: 3600 },
  { fault: 'token-invalidated', at: 'handshake' },
  { fault: 'quota', resetsInSeconds: 3600, closeCode: 1008 },
]
/** Faults that leave open whether the turn was served: at most one account has one of them at a time. */
const ambiguous: readonly FaultSpec[] = [
  { fault: 'close', closeCode: 1006 },
  { fault: 'close', closeCode: 1011 },
  { fault: 'cut', events: 0 },
  { fault: 'cut', events: 2 },
]
/** Connections end after this, and a dialogue goes on over new ones. */
const connectionMs = 1_500

const tools = [{ type: 'function', name: 'lookup', parameters: { type: 'object', properties: {} }, strict: false }]

/** What happened to all sessions together. */
interface Tally {
  turns: number
  ended: number
  moved: number
  compared: number
}

/** What the books say. */
interface Books {
  readonly records: number
  readonly open: number
  readonly ids: number
  /** Attempts that may have been served although nothing final was heard of them. */
  readonly ambiguous: number
}

// E1, E2, E5, E6, E22
test(`${sessions} sessions of ${turns} turns go on while their accounts die and recover, and no client sees it`, { timeout: 240_000 }, async () => {
  const stage = await playground({ budget_percent: 100 })
  const tally = await play(stage, 1)
  const books = booked(stage)
  console.log(`with a full budget: ${JSON.stringify({ ...tally, ...books })}`)
  expect(tally).toMatchObject({ turns: sessions * turns, ended: 0, compared: sessions * turns })
  expect(books).toMatchObject({ records: sessions * turns, open: 0, ids: sessions * turns })
  expect(books.ambiguous).toBeGreaterThan(0)
  expect(tally.moved).toBeGreaterThan(sessions)
  await stage.end()
})

test('under the default budget storms are not multiplied: what it ends is told, and the session goes on', { timeout: 240_000 }, async () => {
  const stage = await playground({})
  const tally = await play(stage, 2)
  const books = booked(stage)
  console.log(`with the default budget: ${JSON.stringify({ ...tally, ...books })}`)
  expect(tally.turns).toBe(sessions * turns)
  expect(tally.compared).toBe(tally.turns - tally.ended)
  expect(books.open).toBe(0)
  expect(books.records).toBe(books.ids)
  await stage.end()
})

async function playground(failover: Json): Promise<Stage> {
  const stage = new Stage(await startSimulator({ receivedMax: 4_000 }), mkdtempSync(join(tmpdir(), 'turnout-')))
  onTestFinished(() => stage.close())
  const account = { concurrency: 400, priority: 10, plays: { connectionMs } }
  const scene = {
    accounts: Object.fromEntries(names.map((name) => [name, account])),
    failover,
    log: { level: 'error' },
  }
  stage.cast(scene)
  stage.write(scene)
  await stage.start()
  return stage
}

/** Rounds of one turn of every session; between two of them accounts die and recover. */
async function play(stage: Stage, seed: number): Promise<Tally> {
  const dice = dieOf(seed)
  const pick = <T>(of: readonly T[]): T => of[Math.floor(dice() * of.length)] as T
  const clients = await Promise.all(Array.from({ length: sessions }, async (_, nth) => new Player(nth, await stage.session())))
  const tally: Tally = { turns: 0, ended: 0, moved: 0, compared: 0 }
  for (let round = 0; round < turns; round++) {
    await change(stage, pick(names), pick)
    const held = await Promise.all(clients.map((client) => client.play(round)))
    const model = modelSide(stage)
    for (const { client, turn, asked } of held) {
      tally.turns++
      if (turn.last['type'] === 'response.completed') {
        tally.compared++
        expect(spoken(model.get(JSON.stringify(bare(asked.at(-1) ?? {}))) ?? [])).toEqual(spoken(asked))
        if (client.answered(turn, asked)) tally.moved++
      } else tally.ended++
    }
  }
  await Promise.all(clients.map((client) => client.session.end()))
  return tally
}

/**
 * One account is well for the whole of the round. An account that may leave a turn ambiguous is the only one of the others that is not known to be
 * dead: after an ambiguous failure a turn has one attempt left.
 */
async function change(stage: Stage, well: Name, pick: <T>(of: readonly T[]) => T): Promise<void> {
  stage.play(well, { connectionMs })
  await admin(stage, `accounts/${well}/reset`)
  const others = names.filter((name) => name !== well)
  const recovering = pick([null, ...others])
  const states = await healthOf(stage)
  const unknown = others.filter((name) => states.get(name) === 'ready' || name === recovering)
  for (const name of others) {
    const faults = unknown.length === 1 && unknown[0] === name ? ambiguous : plain
    stage.play(name, { connectionMs, faults: [{ ...pick(faults), on: 'turns' }] })
  }
  if (recovering !== null) await admin(stage, `accounts/${recovering}/reset`)
}

/** One client, and its own record of the dialogue. */
class Player {
  readonly session: SessionClient
  readonly #nth: number
  #dialogue: readonly Json[] = []
  #last: string | null = null
  #call: Json | null = null
  #label = ''

  constructor(nth: number, session: SessionClient) {
    this.#nth = nth
    this.session = session
  }

  async play(round: number): Promise<{ readonly client: Player; readonly turn: SessionTurn; readonly asked: readonly Json[] }> {
    const words = `session ${this.#nth} turn ${round}${round % 4 === 1 ? ' call:lookup' : ''}`
    const item = this.#call === null ? said(words) : { type: 'function_call_output', call_id: this.#call['call_id'], output: words.replace('call:', 'called ') }
    const onwards = this.#last === null ? {} : { previous_response_id: this.#last }
    const include = ['reasoning.encrypted_content']
    const turn = await this.session.turn({
      model: 'gpt-5.5',
      store: false,
      tools,
      include,
      reasoning: { effort: 'low' },
      ...onwards,
      input: this.#last === null ? [...this.#dialogue, item] : [item],
    })
    return { client: this, turn, asked: [...this.#dialogue, item] }
  }

  /** Takes note of an answer. True: another account gave it than the one before. */
  answered(turn: SessionTurn, asked: readonly Json[]): boolean {
    const label = /Hello from (\S+?)\./.exec(turn.text)?.[1] ?? this.#label
    const moved = this.#label !== '' && label !== this.#label
    this.#label = label
    this.#dialogue = [...asked, ...turn.output]
    this.#last = turn.id
    this.#call = turn.output.find((item) => item['type'] === 'function_call') ?? null
    return moved
  }
}

/** What the model had before it, by its last item; of several attempts the last one counts. */
function modelSide(stage: Stage): ReadonlyMap<string, readonly Json[]> {
  const seen = new Map<string, readonly Json[]>()
  for (const { dialogue } of stage.simulator.received()) if (dialogue !== null) seen.set(JSON.stringify(bare(dialogue.at(-1) ?? {})), dialogue)
  return seen
}

/** What was said, in one spelling; reasoning and ids may stay behind when a dialogue moves. */
const spoken = (items: readonly Json[]): readonly Json[] => items.filter((item) => item['type'] !== 'reasoning').map(bare)
const bare = ({ id: _, ...item }: Json): Json => item

function booked(stage: Stage): Books {
  const books = new Sqlite(join(stage.folder, 'data', 'turnout.db'), { readonly: true })
  try {
    const count = (sql: string): number => (books.prepare(sql).get() as { n: number }).n
    return {
      records: count('select count(*) n from turns'),
      open: count("select count(*) n from turns where status <> 'settled'"),
      ids: count('select count(distinct id) n from turns'),
      ambiguous: count("select count(*) n from turns where attempts like '%broken-stream%'"),
    }
  } finally {
    books.close()
  }
}

async function healthOf(stage: Stage): Promise<ReadonlyMap<string, string>> {
  const { json } = await stage.ask(null, { path: '/admin/api/accounts', key: adminToken })
  const accounts = json['accounts'] as readonly { readonly name: string; readonly health: { readonly state: string } }[]
  return new Map(accounts.map(({ name, health }) => [name, health.state]))
}

async function admin(stage: Stage, path: string): Promise<void> {
  const { status } = await eventually(
    () => stage.ask(null, { path: `/admin/api/${path}`, method: 'POST', key: adminToken }),
    (answer) => answer.status < 300,
  )
  expect(status).toBeLessThan(300)
}

/** A small generator, so that a run can be played again. */
function dieOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
