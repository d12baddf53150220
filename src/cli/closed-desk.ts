import { existsSync } from 'node:fs'
import { accountHandles } from '../admin/accounts.ts'
import type { Answer, Asked } from '../admin/answer.ts'
import { turnHandles } from '../admin/turns.ts'
import { systemClock as clock, systemDice as dice } from '../lib/clock.ts'
import { workerFile } from '../lib/worker-file.ts'
import { LiveAccounts } from '../pool/accounts.ts'
import type { Log } from '../ports/log.ts'
import type { AccountMemory, TurnRow, Turns } from '../ports/stores.ts'
import { ReadSide } from '../storage/read-side.ts'
import { StoreError } from '../storage/store-error.ts'
import { fromProblem, readQuery, type Desk, type DeskQuestion, type Question, type Told } from './desk.ts'
import type { Place } from './place.ts'
import { openReach } from './reach.ts'
import { failed, type Failed, type Surroundings } from './surroundings.ts'

/** The books, while no gateway serves: read, never written. */
interface Books {
  readonly turns: Turns
  readonly memories: () => Promise<readonly AccountMemory[]>
  readonly close: () => Promise<void>
}

const nothing: Books = { turns: { find: async () => null, list: async () => [] }, memories: async () => [], close: async () => undefined }
const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** Answers from the store what the admin API would, with the accounts as the last process left them. */
export async function openClosedDesk(place: Place, surroundings: Surroundings): Promise<Desk | Failed> {
  const books = await openBooks(place.places.store)
  if (books.kind === 'failed') return books
  const { turns, memories, close } = books.books
  const reach = await openReach(place, surroundings)
  const bounds = { waiting: 0, waitingPerKey: 0 }
  const accounts = new LiveAccounts({ clock, dice, bounds: () => bounds, keep: () => undefined, suspect: () => undefined })
  accounts.configure(reach.resolved.accounts, reach.resolved.pools)
  try {
    accounts.recall(await memories())
  } catch (error) {
    await Promise.all([close(), reach.close()])
    return failed(1, sentenceOf(error))
  }
  const handles = { ...accountHandles({ clock, accounts, probe: (account, credential) => reach.probe(account, credential) }), ...turnHandles({ turns }) }
  return {
    kind: 'desk',
    async ask<Name extends DeskQuestion>(name: Name, question: Question = {}): Promise<Told<Name>> {
      const query = name === 'turns' ? readQuery(question.query ?? {}) : ({ kind: 'read', value: null } as const)
      if (query.kind === 'failed') return query
      const handle = handles[name] as (asked: Asked<unknown, null>) => Promise<Answer<unknown>>
      const answer = await handle({ params: question.params ?? {}, query: query.value, body: null, ifMatch: null })
      return answer.kind === 'problem' ? fromProblem(answer) : ({ kind: 'told', body: answer.body } as Told<Name>)
    },
    async close() {
      await Promise.all([close(), reach.close()])
    },
  }
}

async function openBooks(file: string): Promise<{ readonly kind: 'books'; readonly books: Books } | Failed> {
  if (!existsSync(file)) return { kind: 'books', books: nothing }
  const read = new ReadSide({ file, clock, commitMs: 0, log: silent, worker: workerFile('../storage/reader', import.meta.url) })
  try {
    await read.open()
  } catch (error) {
    await read.close()
    return failed(1, sentenceOf(error))
  }
  const turns: Turns = {
    find: async (id) => interrupted(await read.ask({ kind: 'turn', id })),
    list: async (query) => (await read.ask({ kind: 'turns', query })).map(interrupted),
  }
  return { kind: 'books', books: { turns, memories: () => read.ask({ kind: 'memories' }), close: () => read.close() } }
}

/** Nobody serves, so nothing runs: what is written as open was cut off, and the next start will write so. */
function interrupted<Row extends TurnRow | null>(row: Row): Row {
  return row?.status === 'open' ? { ...row, status: 'interrupted' } : row
}

function sentenceOf(error: unknown): string {
  if (error instanceof StoreError) return error.message
  throw error
}
