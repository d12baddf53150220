import { describe, expect, test } from 'vitest'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import type { Answer, Json } from '../support/client.ts'
import { clients, spoken, ways, type Spoken, type Way } from '../support/dialect-clients.ts'
import { gatewayOfThisFile, type Stage } from '../support/gateway.ts'
import { bodiesTo, recordsOf } from '../support/talk.ts'

const stage = gatewayOfThisFile()

const beta = 'context-1m-2025-08-07,fast-mode-2026-02-01'
const fastWords: Readonly<Record<Spoken, Json>> = { responses: { service_tier: 'priority' }, chat: { service_tier: ' Fast ' }, messages: { speed: 'fast' } }

const scene = ({ upstream }: Pick<Way, 'upstream'>, more: Json = {}) =>
  stage({ accounts: { a: { dialects: [upstream], models: { mine: 'gpt-5.5-mini', '*': '*' }, plays: { label: 'it', tier: 'echo' } } }, ...more })

interface Said {
  readonly model?: string
  readonly stream?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

function ask(on: Stage, client: Spoken, tier: Json, { model = 'gpt-5.5', stream = false, headers = {} }: Said = {}): Promise<Answer> {
  const speaker = clients[client]
  return on.ask(speaker.body([speaker.user('hello')], { model, stream, more: tier }), { path: speaker.path, headers: { ...speaker.headers, ...headers } })
}

/** All that asks for a tier in what the upstream got last; null: nothing reached it. */
function tierGot(on: Stage): Json | null {
  const got = on.sent('a').at(-1)
  if (got === undefined) return null
  const { service_tier: tier, speed } = got.fields ?? {}
  const betas = String(got.headers['anthropic-beta'] ?? '')
  return { ...(tier === undefined ? {} : { tier }), ...(speed === undefined ? {} : { speed }), ...(betas.includes('fast-mode') ? { betas } : {}) }
}

/** What asks for the fast tier in each dialect. */
const fastGot: Readonly<Record<Spoken, readonly Json[]>> = {
  responses: [{ tier: 'priority' }, { tier: 'fast' }],
  chat: [{ tier: 'priority' }, { tier: 'fast' }],
  messages: [{ speed: 'fast' }],
}

// C11
describe.each(ways)('a question of a $client client for an upstream that speaks $upstream', (way) => {
  const { client, upstream } = way

  test.each([
    ['whole', false],
    ['streamed', true],
  ])('loses the fast tier where there are no rules: %s', async (_title, stream) => {
    const on = await scene(way)
    const answer = await ask(on, client, fastWords[client], { stream })
    expect(answer.status).toBe(200)
    expect(tierGot(on)).toEqual({})
    expect((await on.record(answer)).tier).toMatchObject({ sent: null, served: 'default', billed: 'default' })
  })

  test('keeps it where the rules pass it, in the words of the upstream', async () => {
    const on = await scene(way, { rules: [] })
    const answer = await ask(on, client, fastWords[client])
    expect(answer.status).toBe(200)
    expect(fastGot[upstream]).toContainEqual(tierGot(on))
    expect((await on.record(answer)).tier).toMatchObject({ served: expect.stringMatching(/^(?:fast|priority)$/) as string, billed: 'priority' })
  })

  test('is refused in its own words where the rules block it, and nothing goes upstream', async () => {
    const on = await scene(way, { rules: [{ tier: 'priority', action: 'block', models: ['gpt-5.5-mini'], message: 'Ask Ada first.' }] })
    const answer = await ask(on, client, fastWords[client], { model: 'mine' })
    expect(clients[client].hear(answer)).toMatchObject({ status: 403, breaches: [], error: { kind: 'policy_violation', message: 'Ask Ada first.' } })
    expect(answer.headers).toMatchObject({ 'x-should-retry': 'false', 'x-turnout-turn': expect.any(String) as string })
    expect(tierGot(on)).toBeNull()
    expect((await ask(on, client, fastWords[client])).status).toBe(200)
    expect((await ask(on, client, {}, { model: 'mine' })).status).toBe(200)
  })

  test('is judged by the name that its model has upstream', async () => {
    const on = await scene(way, { rules: [{ tier: 'priority', action: 'filter', models: ['gpt-5.5-mini'], otherwise: 'pass' }] })
    await ask(on, client, fastWords[client], { model: 'mine' })
    expect(tierGot(on)).toEqual({})
    await ask(on, client, fastWords[client], { model: 'gpt-5.5-mini' })
    expect(tierGot(on)).toEqual({})
    await ask(on, client, fastWords[client])
    expect(fastGot[upstream]).toContainEqual(tierGot(on))
  })

  test('loses every tier where the rules filter any', async () => {
    const on = await scene(way, { rules: [{ tier: 'any', action: 'filter' }] })
    for (const tier of client === 'messages' ? [fastWords.messages] : ['flex', 'ultrafast', 'turbo'].map((word) => ({ service_tier: word }))) {
      expect((await ask(on, client, tier)).status).toBe(200)
      expect(tierGot(on)).toEqual({})
    }
  })

  test('is judged anew for each account', async () => {
    const account = (model: string, faults: readonly FaultSpec[]) => ({ dialects: [upstream], models: { m: model }, plays: { label: 'it', faults } })
    const on = await stage({
      accounts: { b: account('x', [{ fault: 'server', on: 'turns' }]), a: account('y', []) },
      rules: [{ tier: 'priority', action: 'filter', models: ['x'], otherwise: 'pass' }],
    })
    await ask(on, client, fastWords[client], { model: 'm' })
    const { service_tier: tier, speed } = on.sent('b').at(-1)?.fields ?? {}
    expect([tier, speed]).toEqual([undefined, undefined])
    expect(fastGot[upstream]).toContainEqual(tierGot(on))
  })
})

// C11
describe.each(spoken)('a session over an account that speaks %s', (upstream) => {
  test('is judged like every other question', async () => {
    const on = await scene({ upstream })
    const session = await on.session()
    expect((await session.turn({ model: 'gpt-5.5', input: 'hello', store: false, service_tier: 'fast' })).last).toMatchObject({ type: 'response.completed' })
    expect(bodiesTo(on, 'a').filter((body) => /service_tier|"speed"/.test(body))).toEqual([])
    on.change({ rules: [] })
    await session.turn({ model: 'gpt-5.5', input: 'hello', store: false, service_tier: 'fast' })
    expect(bodiesTo(on, 'a').at(-1)).toMatch(upstream === 'messages' ? /"speed":"fast"/ : /"service_tier":"(?:priority|fast)"/)
    on.change({ rules: [{ tier: 'priority', action: 'block' }] })
    const { last } = await session.turn({ model: 'gpt-5.5', input: 'hello', store: false, service_tier: 'fast' })
    expect(last).toMatchObject({ type: 'error', status: 400, error: { code: 'policy_violation' } })
    expect(await session.closed()).toMatchObject({ code: 1008 })
    expect((await recordsOf(on, 3)).map(({ tier }) => tier.requested)).toEqual(['fast', 'fast', 'fast'])
  })
})

// C12
describe('Messages', () => {
  const rest = 'context-1m-2025-08-07'

  test.each([
    ['speed', { speed: 'fast' }, {}],
    ['the beta of the fast mode', {}, { 'anthropic-beta': beta }],
    ['both', { speed: 'fast' }, { 'anthropic-beta': beta }],
  ])('asks for the fast tier by %s, which is filtered', async (_title, tier, headers) => {
    const on = await scene({ upstream: 'messages' })
    const answer = await ask(on, 'messages', tier, { headers })
    expect(tierGot(on)).toEqual({})
    expect(on.sent('a')[0]?.headers['anthropic-beta']).toBe('anthropic-beta' in headers ? rest : undefined)
    expect((await on.record(answer)).tier).toMatchObject({ requested: 'fast', sent: null })
  })

  test.each([
    ['speed', { speed: 'fast' }, {}],
    ['the beta of the fast mode', {}, { 'anthropic-beta': beta }],
  ])('is blocked where it asks by %s', async (_title, tier, headers) => {
    const on = await scene({ upstream: 'messages' }, { rules: [{ tier: 'priority', action: 'block' }] })
    expect(await ask(on, 'messages', tier, { headers })).toMatchObject({
      status: 403,
      json: { type: 'error', error: { type: 'permission_error', details: { error_code: 'policy_violation' } } },
    })
    expect(on.sent('a')).toEqual([])
  })

  test('passes both, byte for byte, where every tier passes', async () => {
    const on = await scene({ upstream: 'messages' }, { rules: [] })
    const body = '{"model":"gpt-5.5", "max_tokens":64,"speed":"fast","messages":[{"role":"user","content":"hello"}]}'
    await on.ask(body, { path: '/v1/messages', headers: { 'anthropic-version': '2023-06-01', 'anthropic-beta': beta } })
    expect(on.sent('a')[0]?.body).toBe(body)
    expect(on.sent('a')[0]?.headers['anthropic-beta']).toBe(beta)
  })

  test.each([['standard'], [null]])('asks for nothing by a speed of %j', async (speed) => {
    const on = await scene({ upstream: 'messages' }, { rules: [{ tier: 'any', action: 'block' }] })
    expect((await ask(on, 'messages', { speed })).status).toBe(200)
    expect((await ask(on, 'messages', { service_tier: 'auto' })).status).toBe(200)
  })

  test('names no beta of its own kind to an upstream of another dialect', async () => {
    const on = await scene({ upstream: 'responses' }, { rules: [] })
    await ask(on, 'messages', { speed: 'fast' }, { headers: { 'anthropic-beta': beta } })
    expect(on.sent('a')[0]?.headers).not.toHaveProperty('anthropic-beta')
    expect(on.sent('a')[0]?.headers).not.toHaveProperty('anthropic-version')
  })
})
