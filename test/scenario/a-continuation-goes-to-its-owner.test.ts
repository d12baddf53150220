import { describe, expect, test } from 'vitest'
import { eventually } from '../support/client.ts'
import { gatewayOfThisFile, otherKey, ownGateway, question, streamed, triedBy, type Stage } from '../support/gateway.ts'

const stage = gatewayOfThisFile()
const two = { a: { priority: 2 }, b: { priority: 1 } }
const idOf = ({ json }: { readonly json: Readonly<Record<string, unknown>> }): string => String(json['id'])

/** An answer that account `a` holds, although `b` is preferred from now on. */
async function heldByA(on: Stage): Promise<string> {
  on.play('b', { faults: [{ fault: 'server', times: 1 }] })
  const answer = await on.ask()
  expect(triedBy(await on.record(answer))).toEqual(['b', 'a'])
  return idOf(answer)
}

describe('a question that continues an answer', () => {
  test('goes to the account that gave it, whichever is preferred', async () => {
    const on = await stage({ accounts: two })
    const previous = await heldByA(on)
    const next = await on.ask({ ...question, previous_response_id: previous })
    expect(next.status).toBe(200)
    expect((await on.record(next)).attempts).toMatchObject([{ account: 'a', because: 'it holds the answer that this one continues' }])
  })

  test('is never sent to another account, though its own fails', async () => {
    const on = await stage({ accounts: two, failover: { patience: '0s' } })
    const previous = await heldByA(on)
    const sent = on.sent('b').length
    on.play('a', { faults: [{ fault: 'credential', on: 'turns' }] })
    const next = await on.ask({ ...question, previous_response_id: previous })
    expect(next.status).toBe(503)
    expect(on.sent('b')).toHaveLength(sent)
  })

  test.each([
    ['that nobody gave', 'resp_nobody'],
    ['that was given to another key', null],
  ])('%s is told so, and nothing goes upstream', async (_what, id) => {
    const on = await stage({ accounts: { a: {} } })
    const previous = id ?? idOf(await on.ask(question, { key: otherKey }))
    const sent = on.sent('a').length
    const answer = await on.ask({ ...question, previous_response_id: previous })
    expect(answer).toMatchObject({
      status: 400,
      json: { error: { code: 'previous_response_not_found', message: `Previous response with id '${previous}' not found.` } },
    })
    expect(on.sent('a')).toHaveLength(sent)
  })

  test('is told so, when its account has been removed', async () => {
    const on = await stage({ accounts: two })
    const previous = await heldByA(on)
    on.change({ accounts: { b: {} } })
    expect(await on.ask({ ...question, previous_response_id: previous })).toMatchObject({
      status: 400,
      json: { error: { code: 'previous_response_not_found' } },
    })
  })

  test('finds its owner again after a restart', async () => {
    const on = await ownGateway({ accounts: two })
    const previous = await heldByA(on)
    await on.restart()
    expect(triedBy(await on.record(await on.ask({ ...question, previous_response_id: previous })))).toEqual(['a'])
  })

  test('has no owner where the answer was not to be stored', async () => {
    const on = await stage({ accounts: { a: {} } })
    const answer = await on.ask({ ...question, store: false })
    expect((await on.ask({ ...question, previous_response_id: idOf(answer) })).status).toBe(400)
  })
})

describe('a stored answer', () => {
  test('is read, listed and deleted where it is, by its own key alone', async () => {
    const on = await stage({ accounts: two })
    const id = await heldByA(on)
    const path = `/v1/responses/${id}`
    expect(await on.ask(null, { path, key: otherKey })).toMatchObject({ status: 404, json: { error: { code: 'response_not_found' } } })
    expect(await on.ask(null, { path })).toMatchObject({ status: 200, json: { id, status: 'completed' } })
    expect(await on.ask(null, { path: `${path}/input_items` })).toMatchObject({ status: 200, json: { object: 'list' } })
    expect((await on.ask(null, { path, method: 'DELETE' })).status).toBe(200)
    expect((await on.ask(null, { path })).status).toBe(404)
  })
})

describe('sealed reasoning', () => {
  const sealing = { ...question, reasoning: { effort: 'low' }, include: ['reasoning.encrypted_content'], store: false }

  // E9
  test('goes back to the account that sealed it, and to no other: there the dialogue is said without it', async () => {
    const on = await stage({ accounts: { a: {}, b: {} } })
    const first = await on.ask(sealing)
    const output = first.json['output'] as readonly { type: string }[]
    expect(output.map(({ type }) => type)).toEqual(['reasoning', 'message'])
    const input = [{ role: 'user', content: 'hello' }, ...output, { role: 'user', content: 'and then?' }]
    expect((await on.ask({ ...sealing, input })).status).toBe(200)
    expect(on.sent('a').at(-1)?.body).toContain('encrypted_content":"')

    on.play('a', { faults: [{ fault: 'quota', resetsInSeconds: 600 }] })
    const moved = await on.ask({ ...sealing, ...streamed, input })
    expect(moved.events.at(-1)?.type).toBe('response.completed')
    const received = on.sent('b').at(-1)
    expect(received?.body).not.toContain('encrypted_content":"')
    expect((received?.fields?.['input'] as readonly object[] | undefined)?.map((item) => 'id' in item)).toEqual([false, false, false])
    expect(on.sent('b')).toHaveLength(1)
  })

  // E9
  test('that nobody is known to have sealed is tried, and left behind where it is refused', async () => {
    const on = await stage({ accounts: { a: {} } })
    const input = [
      { role: 'user', content: 'hello' },
      { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAA-of-somebody-else' },
      { role: 'user', content: 'and then?' },
    ]
    const answer = await on.ask({ ...sealing, input })
    expect(answer.status).toBe(200)
    expect((await on.record(answer)).attempts).toMatchObject([
      { account: 'a', failure: 'foreign-state' },
      { account: 'a', outcome: 'completed' },
    ])
  })
})

test('the list of models is that of the accounts, in the names of the clients', async () => {
  const on = await stage({
    accounts: {
      a: { models: { 'fast-model': 'gpt-5.5' }, only_mapped: true },
      b: { models: { 'my-*': 'their-*' }, only_mapped: true, plays: { models: ['their-best', 'other'] } },
    },
  })
  const names = async () => ((await on.ask(null, { path: '/v1/models' })).json['data'] as readonly { id: string }[]).map(({ id }) => id)
  // The lists are read on their own, after each change of the configuration.
  expect(await eventually(names, (listed) => listed.length > 1)).toEqual(['fast-model', 'my-best'])
})
