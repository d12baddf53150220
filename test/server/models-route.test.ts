import { afterEach, describe, expect, it } from 'vitest'
import type { Account, Pool } from '../../src/core/account.ts'
import type { AccountId, ClientModel, PoolId } from '../../src/core/ids.ts'
import { parseMapping } from '../../src/core/model.ts'
import type { Caller } from '../../src/ports/caller.ts'
import type { Route } from '../../src/ports/routes.ts'
import { modelsRoutes } from '../../src/server/models-route.ts'
import { ask, caller, start, stopAll, type Gateway } from './support.ts'

afterEach(stopAll)

const account = (id: string, models: Readonly<Record<string, string>>, onlyMapped = false) => ({ id, mapping: parseMapping(models, onlyMapped) }) as Account
const accounts = [account('mapped', { 'fast-model': 'gpt-5.5' }, true), account('wild', { 'corp/*': 'gpt-*' }), account('elsewhere', { hidden: 'x' }, true)]
const pools: readonly Pool[] = [
  { id: 'default' as PoolId, accounts: ['mapped', 'wild'] as AccountId[] },
  { id: 'private' as PoolId, accounts: ['elsewhere'] as AccountId[] },
]
const listed = (id: AccountId) => (id === 'wild' ? ['gpt-5.5', 'gpt-5.5-mini'] : [])

/** The routes as `as` sees them. */
function serve(as: Caller): Promise<Gateway> {
  return start(({ refuser }) =>
    modelsRoutes({ refuser, sinceMs: 1_790_000_000_999, accounts: () => accounts, pools: () => pools, listed }).map((route): Route => ({
      ...route,
      handle: (visit) => route.handle({ ...visit, request: visit.request, response: visit.response, url: visit.url, caller: as }),
    })),
  )
}
const inDefault = (more: Partial<Caller> = {}) => caller('laptop', { pools: ['default' as PoolId], ...more })
const idsOf = (text: string) => (JSON.parse(text) as { data: { id: string }[] }).data.map((model) => model.id)

describe('the list of models', () => {
  it("holds what the accounts of the key's pools serve by name, sorted, and nothing of other pools", async () => {
    const answer = await ask(await serve(inDefault()), '/v1/models?client_version=0.169.0')
    expect(answer.status).toBe(200)
    expect(idsOf(answer.text)).toEqual(['corp/5.5', 'corp/5.5-mini', 'fast-model', 'gpt-5.5', 'gpt-5.5-mini'])
    expect(JSON.parse(answer.text)).toMatchObject({
      object: 'list',
      data: [{ id: 'corp/5.5', object: 'model', created: 1_790_000_000, owned_by: 'turnout' }, {}, {}, {}, {}],
    })
  })

  it('is filtered by the models that the key may name', async () => {
    const answer = await ask(await serve(inDefault({ models: ['fast-model', 'not-there'] as ClientModel[] })), '/models')
    expect(idsOf(answer.text)).toEqual(['fast-model'])
  })

  it('is empty for a key whose pools are gone', async () => {
    expect(idsOf((await ask(await serve(caller('laptop')), '/models')).text)).toEqual([])
  })
})

describe('one model', () => {
  it.each(['fast-model', 'corp/5.5', 'corp%2F5.5'])('%s is described', async (name) => {
    const answer = await ask(await serve(inDefault()), `/v1/models/${name}`)
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toEqual({ id: decodeURIComponent(name), object: 'model', created: 1_790_000_000, owned_by: 'turnout' })
  })

  it.each(['hidden', 'nothing', '%zz'])('%s is not served', async (name) => {
    expect(await ask(await serve(inDefault()), `/v1/models/${name}`)).toMatchObject({ status: 404, code: 'model_not_served' })
  })
})
