import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { createGateway, type Gateway } from '../../src/index.ts'
import { createLog } from '../../src/observe/log.ts'
import type { TurnRow } from '../../src/ports/stores.ts'
import type { BehaviourSpec } from '../../src/simulator/behaviour.ts'
import type { Received } from '../../src/simulator/received.ts'
import { startSimulator, type Simulator } from '../../src/simulator/server.ts'
import { TurnQueries } from '../../src/storage/turn-queries.ts'
import { eventually, Exchange, type Answer, type Json } from './client.ts'
import { SessionClient } from './session-client.ts'
import { adminToken, configurationOf, laptopKey, question, type Asking, type Scene } from './scene.ts'

export { adminToken, laptopKey, otherKey, question, streamed, type Asking, type Playing, type Scene } from './scene.ts'

/**
 * One gateway for the tests of a file, since starting one costs more than most scenarios. Each scene has a configuration, accounts and a pool of
 * its own, so nothing that was learnt in one is known in the next; and it ends only when every lease is back.
 */
export function gatewayOfThisFile(): (scene: Scene) => Promise<Stage> {
  let stage: Stage | null = null
  beforeAll(async () => {
    stage = new Stage(await startSimulator(), mkdtempSync(join(tmpdir(), 'turnout-')))
    stage.write({ accounts: { nobody: {} } })
    await stage.start()
  })
  afterAll(() => stage?.close())
  return async (scene) => {
    if (stage === null) throw new Error('a scene is set inside a test')
    stage.set(scene)
    onTestFinished(stage.end)
    return stage
  }
}

/** A gateway for one test, which may stop and start it. */
export async function ownGateway(scene: Scene): Promise<Stage> {
  const stage = new Stage(await startSimulator(), mkdtempSync(join(tmpdir(), 'turnout-')))
  onTestFinished(() => stage.close())
  stage.cast(scene)
  stage.write(scene)
  await stage.start()
  return stage
}

/** A gateway in a folder of its own, before accounts at one simulator. */
export class Stage {
  readonly simulator: Simulator
  readonly folder: string
  /** What was logged since the scene began, as JSON lines. */
  readonly log: string[] = []
  #scene: Scene = { accounts: {} }
  #scenes = 0
  #gateway: Gateway | null = null

  constructor(simulator: Simulator, folder: string) {
    this.simulator = simulator
    this.folder = folder
  }

  get gateway(): Gateway {
    if (this.#gateway === null) throw new Error('the gateway is not running')
    return this.#gateway
  }

  get file(): string {
    return join(this.folder, 'turnout.yaml')
  }

  async start(): Promise<void> {
    const log = createLog('debug', { write: (line: string) => void this.log.push(line) })
    const opened = await createGateway({ file: this.file, environment: {}, overrides: { host: '127.0.0.1', port: 0 }, log })
    if (opened.kind === 'failed') throw new Error(opened.sentences.join('\n'))
    this.#gateway = opened.gateway
  }

  async stop(): Promise<void> {
    await this.#gateway?.stop()
    this.#gateway = null
  }

  /** The same folder, and nothing else that was known. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  async close(): Promise<void> {
    await this.stop()
    await this.simulator.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Begins a scene with fresh accounts. */
  set(scene: Scene): void {
    this.#scenes++
    this.simulator.reset()
    this.log.length = 0
    this.cast(scene)
    this.#load(scene)
  }

  /** Changes the scene's configuration while it goes on: its accounts are the same ones as before. */
  change(change: Readonly<Record<string, unknown>>): void {
    this.#load({ ...this.#scene, ...change })
  }

  readonly end = async (): Promise<void> => {
    if (this.#gateway === null) return
    await eventually(
      () => this.#leases(),
      (leases) => leases.every((line) => line.endsWith(' 0')),
    )
  }

  /** Tells the simulator how each account plays. */
  cast(scene: Scene): void {
    for (const [name, { plays }] of Object.entries(scene.accounts)) if (plays !== undefined) this.play(name, plays)
  }

  /** Writes the configuration file. */
  write(scene: Scene): void {
    this.#scene = scene
    writeFileSync(this.file, JSON.stringify(configurationOf(scene, this)))
  }

  /** The pool of this scene, which holds all its accounts. */
  get pool(): string {
    return `pool-${this.#scenes}`
  }

  /** The API key with which an account presents itself. */
  credential(account: string): string {
    return `key-${account}-${this.#scenes}`
  }

  /** How an account's upstream behaves from now on. */
  play(account: string, behaviour: BehaviourSpec): void {
    this.simulator.set(this.credential(account), behaviour)
  }

  /** A request on its way. */
  open(body: Json | string | Buffer | null = question, asking: Asking = {}): Exchange {
    const key = asking.key === undefined ? laptopKey : asking.key
    const authorization = key === null ? {} : { authorization: `Bearer ${key}` }
    const bytes = body === null || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
    return new Exchange(`${this.gateway.url}${asking.path ?? '/v1/responses'}`, {
      method: asking.method ?? (bytes === null ? 'GET' : 'POST'),
      headers: { ...(bytes === null ? {} : { 'content-type': 'application/json' }), ...authorization, ...asking.headers },
      ...(bytes === null ? {} : { body: bytes }),
    })
  }

  /** A session, open. */
  session(asking: Pick<Asking, 'path' | 'key' | 'headers'> = {}): Promise<SessionClient> {
    const authorization = asking.key === null ? {} : { authorization: `Bearer ${asking.key ?? laptopKey}` }
    return SessionClient.open(`${this.gateway.url}${asking.path ?? '/v1/responses'}`, { ...authorization, ...asking.headers })
  }

  /** A request and its whole answer. */
  ask(body: Json | string | Buffer | null = question, asking: Asking = {}): Promise<Answer> {
    return this.open(body, asking).whole()
  }

  /** The questions that reached the simulator for this account, oldest first. */
  sent(account: string): readonly Received[] {
    return this.simulator.received().filter((one) => one.key === this.credential(account) && one.method === 'POST')
  }

  /** What the books say of a turn at this very moment, read from the file beside the gateway. */
  async onTheBooks(answer: Pick<Answer, 'headers'>): Promise<TurnRow | null> {
    const books = new Sqlite(join(this.folder, 'data', 'turnout.db'), { readonly: true })
    try {
      return await new TurnQueries(books).find(String(answer.headers['x-turnout-turn']))
    } finally {
      books.close()
    }
  }

  /** The settled record of a turn; waits for it, since what ends without an answer does not keep its client waiting. */
  async record(answer: Pick<Answer, 'headers'>): Promise<TurnRow> {
    const settled = (row: TurnRow | null): row is TurnRow => row?.status === 'settled'
    return eventually(() => this.onTheBooks(answer), settled)
  }

  /** Why this account is not chosen for a question, as the record of a new turn says it; null where it is chosen. */
  async whyNot(account: string, body: Json = question): Promise<string | null> {
    const [attempt] = (await this.record(await this.ask(body))).attempts
    return attempt?.notChosen.find((one) => one.account === account)?.why ?? null
  }

  /** For how long this account rests from now on, and why. Throws where it does not rest. Unit: milliseconds. */
  async rest(account: string, body: Json = question): Promise<{ readonly ms: number; readonly why: string }> {
    const said = await this.whyNot(account, body)
    const [, until, why] = /^cooling until (\S+): (.*)$/.exec(said ?? '') ?? []
    if (until === undefined || why === undefined) throw new Error(`${account} does not rest: ${said}`)
    return { ms: Date.parse(until) - Date.now(), why }
  }

  /** One sample of the metrics, by its name and labels as written there; 0 where there is none. */
  async metric(sample: string): Promise<number> {
    const { text } = await this.ask(null, { path: '/metrics', key: adminToken })
    const line = text.split('\n').find((one) => one.startsWith(`${sample} `))
    return line === undefined ? 0 : Number(line.slice(sample.length + 1))
  }

  #load(scene: Scene): void {
    const from = this.log.length
    this.write(scene)
    this.gateway.reload()
    const invalid = this.log.slice(from).find((line) => line.includes('"level":"error"'))
    if (invalid !== undefined) throw new Error(`the configuration of the scene is invalid: ${invalid}`)
  }

  async #leases(): Promise<readonly string[]> {
    const { text } = await this.ask(null, { path: '/metrics', key: adminToken })
    return text.split('\n').filter((line) => line.startsWith('turnout_leases{'))
  }
}

/** The names of the accounts that were tried, in order. */
export const triedBy = (record: TurnRow): readonly string[] => record.attempts.map((attempt) => attempt.account)
