import { describe, expect, test } from 'vitest'
import { gatewayOfThisFile, question, triedBy } from '../support/gateway.ts'

const stage = gatewayOfThisFile()

// B35
describe.each([
  ['compact', '/v1/responses/compact'],
  ['input_tokens', '/v1/responses/input_tokens'],
])('%s', (endpoint, path) => {
  test('is mapped for each account, failed over and booked', async () => {
    const on = await stage({ accounts: { a: { models: { 'gpt-5.5': 'x' }, plays: { faults: [{ fault: 'server' }] } }, b: { models: { 'gpt-5.5': 'y' } } } })
    const answer = await on.ask(question, { path })
    expect(answer).toMatchObject({ status: 200, headers: { 'x-turnout-attempts': '2' } })
    expect(on.sent('a')[0]).toMatchObject({ path, fields: { model: 'x' } })
    expect(on.sent('b')[0]).toMatchObject({ path, fields: { model: 'y' } })
    const record = await on.record(answer)
    expect(record).toMatchObject({ endpoint, outcome: 'completed' })
    expect(triedBy(record)).toEqual(['a', 'b'])
  })

  test('is judged by the rules', async () => {
    const on = await stage({ accounts: { a: {} } })
    await on.ask({ ...question, service_tier: 'priority' }, { path })
    expect(on.sent('a')[0]?.fields).not.toHaveProperty('service_tier')
    on.change({ rules: [{ tier: 'priority', action: 'block' }] })
    const answer = await on.ask({ ...question, service_tier: 'priority' }, { path })
    expect(answer).toMatchObject({ status: 403, json: { error: { code: 'policy_violation' } } })
    expect(on.sent('a')).toHaveLength(1)
  })
})

// B35
test('an answer in the background is refused, and nothing goes upstream', async () => {
  const on = await stage({ accounts: { a: {} } })
  const answer = await on.ask({ ...question, background: true })
  expect(answer).toMatchObject({ status: 400, json: { error: { code: 'background_not_supported', param: 'background' } } })
  expect(on.sent('a')).toEqual([])
})
