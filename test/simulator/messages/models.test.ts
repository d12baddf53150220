import { describe, expect, it } from 'vitest'
import { script } from '../../../src/simulator/script.ts'
import { errorOf, jsonOf, nowMs, remembering, type Fields } from '../support.ts'

const get = (path: string, models: readonly string[] | null, headers: object = { 'anthropic-version': '2023-06-01' }) =>
  script({ method: 'GET', path, headers: { 'x-api-key': 'key-a', ...headers }, body: Buffer.alloc(0), nowMs }, remembering({ behaviour: { models } }))
const idsOf = (list: Fields) => (list['data'] as readonly Fields[]).map((one) => one['id'])

describe('the models', () => {
  it('are listed in Anthropic’s words to whom sends a version, and in OpenAI’s to others', () => {
    expect(jsonOf(get('/v1/models', ['one', 'two']))).toMatchObject({
      data: [{ type: 'model', id: 'one', display_name: 'one', lifecycle: 'active' }, { id: 'two' }],
      has_more: false,
      first_id: 'one',
      last_id: 'two',
    })
    expect(jsonOf(get('/v1/models', ['one'], {}))).toMatchObject({ object: 'list', data: [{ object: 'model', id: 'one' }] })
  })

  it('are listed by the page', () => {
    const models = Array.from({ length: 25 }, (_, at) => `model-${at}`)
    const first = jsonOf(get('/v1/models', models))
    expect([idsOf(first).length, first['has_more']]).toEqual([20, true])
    const next = jsonOf(get(`/v1/models?after_id=${String(first['last_id'])}`, models))
    expect([idsOf(next), next['has_more']]).toEqual([models.slice(20), false])
    expect(idsOf(jsonOf(get('/models?limit=1000', models)))).toEqual(models)
    expect(idsOf(jsonOf(get('/models?limit=2', models)))).toEqual(models.slice(0, 2))
  })

  it('are some where any may be used', () => expect(idsOf(jsonOf(get('/v1/models', null))).length).toBeGreaterThan(2))

  it('are told one by one, and not told where the key may not use them', () => {
    expect(jsonOf(get('/v1/models/one', ['one']))).toMatchObject({ type: 'model', id: 'one' })
    const other = get('/v1/models/two', ['one'])
    expect([other.head?.status, errorOf(other)]).toEqual([404, { type: 'not_found_error', message: 'model: two' }])
  })
})
