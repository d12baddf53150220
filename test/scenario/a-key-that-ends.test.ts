import { describe, expect, test } from 'vitest'
import { restOf, wire } from '../support/client.ts'
import { adminToken, gatewayOfThisFile, laptopKey, otherKey, question, type Stage } from '../support/gateway.ts'

const stage = gatewayOfThisFile()

const keys = '/admin/api/keys'
const past = '2020-01-01T00:00:00Z'

let made = 0
/** Makes a key through the admin API. */
async function create(on: Stage, more: object = {}): Promise<{ readonly name: string; readonly key: string }> {
  const answer = await on.ask({ name: `made-${++made}`, pools: [on.pool], ...more }, { path: keys, key: adminToken })
  expect(answer.status).toBe(201)
  return { name: String(answer.json['name']), key: String(answer.json['key']) }
}

const revoke = (on: Stage, name: string) => on.ask(null, { path: `${keys}/${name}`, method: 'DELETE', key: adminToken })

// H1
test('none, unknown, revoked, expired: each is the same 401, and in the address it is a 400', async () => {
  const on = await stage({ accounts: { a: {} } })
  const { name, key: revoked } = await create(on)
  await revoke(on, name)
  on.change({
    keys: [
      { name: 'laptop', key: laptopKey, pools: [on.pool], expires: past },
      { name: 'other', key: otherKey, pools: [on.pool] },
    ],
  })
  const answers = await Promise.all([revoked, laptopKey, 'tk-nobody'].map((key) => on.ask(question, { key })))
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401])
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(await on.ask(question, { key: null })).toMatchObject({ status: 401, json: { error: { code: 'invalid_api_key' } } })
  expect(await on.ask(question, { path: `/v1/responses?token=${otherKey}` })).toMatchObject({ status: 400, json: { error: { code: 'key_in_query' } } })
  expect(on.sent('a')).toEqual([])
})

// H2
describe('a key', () => {
  test('that is made opens the gateway at once, for the models that it names', async () => {
    const on = await stage({ accounts: { a: {} } })
    const { key } = await create(on, { models: ['gpt-5.5'] })
    expect((await on.ask(question, { key })).status).toBe(200)
    expect(await on.ask({ ...question, model: 'gpt-4' }, { key })).toMatchObject({ status: 403, json: { error: { code: 'model_not_allowed' } } })
  })

  test('that is revoked ends its session at the next frame: error event, then 1008', async () => {
    const on = await stage({ accounts: { a: {} } })
    const { name, key } = await create(on)
    const session = await on.session({ key })
    expect((await session.turn(question)).last).toMatchObject({ type: 'response.completed' })
    expect((await revoke(on, name)).status).toBe(204)
    session.create(question)
    expect(await session.next()).toMatchObject({ type: 'error', status: 401, error: { code: 'invalid_api_key' } })
    expect(await session.closed()).toMatchObject({ code: 1008 })
    expect(on.sent('a').length + on.simulator.received().filter(({ method }) => method === 'POST').length).toBe(0)
  })

  test('that expires ends its session at the next frame, whatever that is', async () => {
    const on = await stage({ accounts: { a: {} } })
    const session = await on.session()
    expect((await session.turn(question)).last).toMatchObject({ type: 'response.completed' })
    on.change({ keys: [{ name: 'laptop', key: laptopKey, pools: [on.pool], expires: past }] })
    session.send({ type: 'session.update', session: { model: 'gpt-5.5' } })
    expect(await session.next()).toMatchObject({ type: 'error', status: 401, error: { code: 'invalid_api_key' } })
    expect(await session.closed()).toMatchObject({ code: 1008 })
    await expect(on.session()).rejects.toThrow('401')
  })

  test('that is revoked while its question is on the way asks nothing', async () => {
    const on = await stage({ accounts: { a: {} } })
    const { name, key } = await create(on)
    const body = JSON.stringify(question)
    const head = `POST /v1/responses HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${key}\r\ncontent-length: ${body.length}\r\n\r\n`
    const socket = await wire(on.gateway.url, `${head}${body.slice(0, 10)}`)
    await revoke(on, name)
    socket.write(body.slice(10))
    expect(await restOf(socket)).toMatch(/^HTTP\/1\.1 401 /)
    expect(on.sent('a')).toEqual([])
  })

  test('that is revoked takes nothing from a turn that runs', async () => {
    const on = await stage({ accounts: { a: { plays: { paceMs: 20 } } } })
    const { name, key } = await create(on)
    const session = await on.session({ key })
    session.create(question)
    await session.nextOf('response.output_text.delta')
    await revoke(on, name)
    expect(await session.nextOf('response.completed')).toMatchObject({ response: { status: 'completed' } })
    await session.end()
  })

  test('of the configuration file is changed there and nowhere else', async () => {
    const on = await stage({ accounts: { a: {} } })
    expect(await revoke(on, 'laptop')).toMatchObject({ status: 409, json: { error: { code: 'provisioned' } } })
    expect((await on.ask()).status).toBe(200)
  })
})
