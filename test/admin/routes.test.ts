import { afterEach, describe, expect, test } from 'vitest'
import { contract } from '../../src/admin/contract.ts'
import { laptopKey, metricsToken, stopAll } from '../server/support.ts'
import { problemOf, rig } from './support.ts'

afterEach(stopAll)

const endpoints = Object.entries(contract).map(([name, { method, path }]) => [name, method, path.replace(':name', 'main').replace(':id', 'x')] as const)

describe('who may use the admin API', () => {
  test.each(endpoints)('%s is for the admin token alone', async (_name, method, path) => {
    const at = await rig()
    for (const key of [null, laptopKey, metricsToken, 'wrong']) {
      const answer = await at.get(path, { method, key })
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer'])
    }
    expect(at.accounts.all().every((live) => live.enabled)).toBe(true)
  })

  test('wrong tokens are throttled', async () => {
    const at = await rig()
    const statuses = []
    for (let i = 0; i < 40; i++) statuses.push((await at.get('/admin/api/status', { key: `guess-${i}` })).status)
    expect(statuses).toContain(429)
  })
})

describe('the admin API', () => {
  test('takes no parameters where there are none', async () => {
    const at = await rig()
    expect(problemOf(await at.get('/admin/api/status?limit=1'))).toMatchObject({ status: 400, code: 'invalid_query', param: 'limit' })
  })

  test('is not to be kept by caches', async () => {
    const at = await rig()
    expect((await at.get('/admin/api/status')).headers['cache-control']).toBe('no-store')
  })

  test('is described by an OpenAPI document in which every endpoint stands', async () => {
    const at = await rig()
    const document = JSON.parse((await at.get('/openapi.json', { key: null })).text) as { paths: Record<string, Record<string, { operationId: string }>> }
    const described = Object.values(document.paths).flatMap((path) => Object.values(path).map((operation) => operation.operationId))
    expect(described.sort()).toEqual(Object.keys(contract).sort())
    expect(document.paths['/admin/api/accounts/{name}/reset']).toBeDefined()
  })

  test('describes the parameters of a list, and the guard of a change', async () => {
    const at = await rig()
    type Operation = { parameters: { name: string; in: string }[]; requestBody?: object; responses: Record<string, object> }
    const document = JSON.parse((await at.get('/openapi.json', { key: null })).text) as { paths: Record<string, Record<string, Operation>> }
    expect(document.paths['/admin/api/turns']?.['get']?.parameters.map(({ name }) => name)).toEqual(['limit', 'before', 'key', 'account', 'status', 'outcome'])
    const putting = document.paths['/admin/api/rules']?.['put']
    expect(putting?.parameters).toMatchObject([{ name: 'if-match', in: 'header' }])
    expect(putting?.requestBody).toBeDefined()
    expect(Object.keys(document.paths['/admin/api/rules']?.['delete']?.responses ?? {})).toContain('204')
  })
})
