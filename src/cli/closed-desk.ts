import { existsSync } from 'node:fs'
import { accountHandles } from '../admin/accounts.ts'
import type { Answer, Asked } from '../admin/answer.ts'
import { auditHandles } from '../admin/audit.ts'
import { credentialHandles } from '../admin/credentials.ts'
import type { IssuedKeys } from '../admin/issued-keys.ts'
import { contract, type Contract } from '../admin/contract.ts'
import { keyHandles } from '../admin/keys.ts'
import { parse } from '../admin/question.ts'
import { turnHandles } from '../admin/turns.ts'
import { usageHandles } from '../admin/usage.ts'
import { systemClock as clock, systemDice as dice } from '../lib/clock.ts'
import { LiveAccounts } from '../pool/accounts.ts'
import type { AccountMemory, Audit, Entities, TurnRow, Turns } from '../ports/stores.ts'
import type { UsageBooks } from '../ports/usage-books.ts'
import { StoreError } from '../storage/store-error.ts'
import { auditAlone } from './closed-audit.ts'
import { carried, closedCredentials } from './closed-credentials.ts'
import { closedKeys, writingEntities } from './closed-keys.ts'
import { entitiesIn, silent, storeReader } from './closed-store.ts'
import { fromProblem, readQuery, type Desk, type DeskQuestion, type Question, type Told } from './desk.ts'
import type { Place } from './place.ts'
import { hasSecret, openReach } from './reach.ts'
import { failed, type Failed, type Surroundings } from './surroundings.ts'

/** The books, while no gateway serves: read, never written. */
interface Books {
  readonly turns: Turns
  readonly usage: UsageBooks
  readonly memories: () => Promise<readonly AccountMemory[]>
  readonly entities: Pick<Entities, 'list' | 'read'>
  readonly audit: Pick<Audit, 'list'>
  readonly close: () => Promise<void>
}

const nothing: Books = {
  turns: { find: async () => null, list: async () => [] },
  usage: { sum: async () => [] },
  memories: async () => [],
  entities: { list: async () => [], read: async () => null },
  audit: { list: async () => [] },
  close: async () => undefined,
}

/** Answers from the store what the admin API would, with the accounts as the last process left them. */
export async function openClosedDesk(place: Place, surroundings: Surroundings): Promise<Desk | Failed> {
  const books = await openBooks(place.places.store)
  if (books.kind === 'failed') return books
  const { turns, usage, memories, entities, audit, close } = books.books
  const reach = await openReach(place, surroundings)
  const bounds = { waiting: 0, waitingPerKey: 0 }
  const accounts = new LiveAccounts({ clock, dice, bounds: () => bounds, keep: () => undefined, suspect: () => undefined })
  accounts.configure(reach.resolved.accounts, reach.resolved.pools)
  const credentials = { place, surroundings, log: silent, entities: writingEntities(place, entities) }
  let keys: IssuedKeys
  try {
    if (hasSecret(place.places.data, surroundings.environment)) await carried(credentials, reach.resolved, accounts)
    accounts.recall(await memories())
    keys = await closedKeys({ place, surroundings, log: silent, file: reach.resolved.keys, books: entities })
  } catch (error) {
    await Promise.all([close(), reach.close()])
    return failed(1, sentenceOf(error))
  }
  const handles = {
    ...accountHandles({ clock, accounts, smallTurn: (account, credential, model) => reach.smallTurn(account, credential, model) }),
    ...turnHandles({ turns }),
    ...usageHandles({ usage }),
    ...keyHandles({ clock, keys, poolNames: () => reach.resolved.pools.map(({ id }) => id) }),
    ...auditHandles({ audit }),
    ...credentialHandles({ clock, accounts, credentials: closedCredentials(credentials) }),
  }
  return {
    kind: 'desk',
    async ask<Name extends DeskQuestion>(name: Name, question: Question = {}): Promise<Told<Name>> {
      const query = readQuery(name, question.query ?? {})
      if (query.kind === 'failed') return query
      const endpoint: Contract = contract[name]
      const body = endpoint.body === null ? ({ kind: 'read', value: null } as const) : parse(endpoint.body, question.body, 'invalid_body')
      if (body.kind === 'problem') return fromProblem(body)
      const handle = handles[name] as (asked: Asked<unknown, unknown>) => Promise<Answer<unknown>>
      const answer = await handle({ params: question.params ?? {}, query: query.value, body: body.value, ifMatch: null })
      if (answer.kind === 'problem') return fromProblem(answer)
      if (answer.change !== null) await auditAlone(place, surroundings, { what: name, ...answer.change })
      return { kind: 'told', body: answer.body } as Told<Name>
    },
    async close() {
      await Promise.all([close(), reach.close()])
    },
  }
}

async function openBooks(file: string): Promise<{ readonly kind: 'books'; readonly books: Books } | Failed> {
  if (!existsSync(file)) return { kind: 'books', books: nothing }
  const read = storeReader(file)
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
  const usage: UsageBooks = { sum: (query) => read.ask({ kind: 'usage', query }) }
  const audit: Books['audit'] = { list: (query) => read.ask({ kind: 'audit', ...query }) }
  return {
    kind: 'books',
    books: { turns, usage, memories: () => read.ask({ kind: 'memories' }), entities: entitiesIn(read), audit, close: () => read.close() },
  }
}

/** Nobody serves, so nothing runs: what is written as open was cut off, and the next start will write so. */
function interrupted<Row extends TurnRow | null>(row: Row): Row {
  return row?.status === 'open' ? { ...row, status: 'interrupted' } : row
}

function sentenceOf(error: unknown): string {
  if (error instanceof StoreError) return error.message
  throw error
}
