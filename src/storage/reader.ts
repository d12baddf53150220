import { parentPort } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'
import type { Database } from 'better-sqlite3'
import type { AccountId, KeyId } from '../core/ids.ts'
import type { AccountMemory } from '../ports/stores.ts'
import { prepareAuditList } from './audit-log.ts'
import type { Answers, FromReader, Question, ToReader } from './messages.ts'
import { whole } from './schema.ts'
import { StoreError } from './store-error.ts'
import type { TurnQueries } from './turn-queries.ts'
import { UsageQueries } from './usage-queries.ts'

/** The thread that reads. Each question is one read transaction of its own, so it sees everything that was committed before it was asked. */

const busyMs = 1000

class Reader {
  readonly #db: Database
  readonly #owner
  readonly #memories
  readonly #entity
  readonly #entities
  readonly #spending
  readonly #audit
  #turns: TurnQueries | null = null
  #usage: UsageQueries | null = null

  constructor(file: string) {
    this.#db = new Sqlite(file, { readonly: true, fileMustExist: true, timeout: busyMs })
    this.#owner = this.#db.prepare<[string], { account: string; key: string }>('select account, key from owners where id = ?')
    this.#memories = this.#db.prepare<[], { account: string; generation: string; enabled: unknown; state: string }>(
      'select account, generation, enabled, state from account_memory order by account',
    )
    this.#entity = this.#db.prepare<[string], { json: string; version: unknown }>('select json, version from entities where name = ? and json is not null')
    this.#entities = this.#db.prepare<[string, string], { name: string; json: string; version: unknown }>(
      'select name, json, version from entities where name >= ? and name < ? and json is not null order by name',
    )
    this.#audit = prepareAuditList(this.#db)
    // In text, since a sum may be more than a double holds exactly. A day and a month begin with an hour.
    this.#spending = this.#db.prepare<[number], { key: string; nano_usd: string }>(
      `select name as key, cast(sum(charge_nano_usd + charge_estimated_nano_usd) as text) as nano_usd from roll_ups
       where span = 'hour' and dimension = 'key' and starts_at >= ? group by name`,
    )
  }

  async answer(question: Question): Promise<Answers[Question['kind']]> {
    switch (question.kind) {
      case 'owner': {
        const row = this.#owner.get(question.id)
        return row === undefined ? null : { account: row.account as AccountId, key: row.key as KeyId }
      }
      case 'memories':
        return this.#memories.all().map(({ account, generation, enabled, state }) => {
          const { condition, pairs } = JSON.parse(state) as Pick<AccountMemory, 'condition' | 'pairs'>
          return { account: account as AccountId, generation, enabled: whole(enabled) === 1, condition, pairs }
        })
      case 'entity': {
        const row = this.#entity.get(question.name)
        return row === undefined ? null : { json: row.json, version: whole(row.version) }
      }
      case 'entities':
        // No character that stands in a name comes after this one.
        return this.#entities.all(question.prefix, `${question.prefix}\uffff`).map(({ name, json, version }) => ({ name, json, version: whole(version) }))
      case 'spending':
        return this.#spending.all(question.sinceMs).map(({ key, nano_usd: sum }) => ({ key: key as KeyId, nanoUsd: BigInt(sum) }))
      case 'turn':
        return (await this.#turnQueries()).find(question.id)
      case 'turns':
        return (await this.#turnQueries()).list(question.query)
      case 'usage':
        this.#usage ??= new UsageQueries(this.#db)
        return this.#usage.sum(question.query)
      case 'audit':
        return this.#audit(question)
    }
  }

  close(): void {
    this.#db.close()
  }

  /** Loaded at the first question of the operator: the query builder would hold up the start. */
  async #turnQueries(): Promise<TurnQueries> {
    if (this.#turns === null) {
      const { TurnQueries } = await import('./turn-queries.ts')
      this.#turns ??= new TurnQueries(this.#db)
    }
    return this.#turns
  }
}

function serve(): void {
  const port = parentPort
  if (port === null) throw new StoreError('cannot-open', 'The reader is a worker thread and is not started alone.')
  const say = (message: FromReader): void => port.postMessage(message)
  let reader: Reader | null = null
  const reply = async (n: number, question: Question): Promise<void> => {
    try {
      if (reader === null) throw new StoreError('down', 'The store is not open.')
      say({ kind: 'answer', n, value: await reader.answer(question) })
    } catch (error) {
      say({ kind: 'failed', n, why: error instanceof Error ? error.message : String(error) })
    }
  }
  port.on('message', (message: ToReader) => {
    switch (message.kind) {
      case 'open':
        reader = new Reader(message.file)
        say({ kind: 'ready' })
        return
      case 'ask':
        void reply(message.n, message.question)
        return
      case 'close':
        reader?.close()
        port.close()
    }
  })
}

serve()
