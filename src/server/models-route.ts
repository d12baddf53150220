import type { Account, Pool } from '../core/account.ts'
import type { AccountId, ClientModel } from '../core/ids.ts'
import { clientModels } from '../core/model.ts'
import { refusal } from '../core/refusal.ts'
import { assert } from '../lib/assert.ts'
import type { Caller } from '../ports/caller.ts'
import type { Route, Visit } from '../ports/routes.ts'
import type { Refuser } from './refuse.ts'
import { isForClaude } from './spoken.ts'

/** What the list of models is made from, as it stands when someone asks. */
export interface ModelsDoor {
  readonly refuser: Refuser
  /** What `created` says of every model: when this gateway began to serve, in epoch milliseconds. */
  readonly sinceMs: number
  accounts(): readonly Account[]
  pools(): readonly Pool[]
  /** What the account's own `GET models` listed last; empty when it never answered. */
  listed(account: AccountId): readonly string[]
}

/** The models that a key may name. Not a turn. */
export function modelsRoutes(door: ModelsDoor): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/models',
      guard: 'key',
      handle: async (visit) => answerJson(visit, listFor(visit, door.sinceMs, modelsOf(door, callerOf(visit)))),
    },
    {
      // Names of models may hold slashes.
      method: 'GET',
      path: '/v1/models/*',
      guard: 'key',
      handle: async (visit) => {
        const name = decodeURIComponentOrNull(visit.params['*'] ?? '')
        const model = modelsOf(door, callerOf(visit)).find((known) => known === name)
        if (model === undefined) door.refuser.refuse(visit, refusal('model_not_served', 'No model of this name is served to this key.', { param: 'model' }))
        else answerJson(visit, entryFor(visit, door.sinceMs, model))
      },
    },
  ]
}

function listFor(visit: Visit, sinceMs: number, models: readonly ClientModel[]): object {
  const data = models.map((model) => entryFor(visit, sinceMs, model))
  if (!isForClaude(visit.request.headers)) return { object: 'list', data }
  return { data, has_more: false, first_id: models[0] ?? null, last_id: models.at(-1) ?? null }
}

function entryFor(visit: Visit, sinceMs: number, model: ClientModel): object {
  if (isForClaude(visit.request.headers)) return { type: 'model', id: model, display_name: model, created_at: new Date(sinceMs).toISOString() }
  return { id: model, object: 'model', created: Math.floor(sinceMs / 1000), owned_by: 'turnout' }
}

function callerOf(visit: Visit): Caller {
  assert(visit.caller !== null, 'a route with the guard key has a caller')
  return visit.caller
}

function modelsOf(door: ModelsDoor, caller: Caller): readonly ClientModel[] {
  const inPools = new Set(
    door
      .pools()
      .filter((pool) => caller.pools.includes(pool.id))
      .flatMap((pool) => pool.accounts),
  )
  const names = new Set<ClientModel>()
  for (const account of door.accounts()) {
    if (inPools.has(account.id)) for (const model of clientModels(account.mapping, door.listed(account.id))) names.add(model)
  }
  const allowed = caller.models.length === 0 ? [...names] : [...names].filter((model) => caller.models.includes(model))
  return allowed.sort()
}

function decodeURIComponentOrNull(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

function answerJson(visit: Visit, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value))
  visit.response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
  visit.response.end(body)
}
