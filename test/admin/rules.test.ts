import { afterEach, describe, expect, test } from 'vitest'
import { bodyBytesMax } from '../../src/admin/question.ts'
import { LiveRules } from '../../src/admin/rules.ts'
import { defaultRules, type Rule } from '../../src/core/policy.ts'
import { parseMapping } from '../../src/core/model.ts'
import { stopAll, type Answer } from '../server/support.ts'
import { account } from '../support/accounts.ts'
import { bodyOf, KeptEntities, parseRules, problemOf, rig, type Rig } from './support.ts'

afterEach(stopAll)

const flexOnly: Rule = { tier: 'flex', action: 'block', accounts: 'all', models: [], otherwise: 'pass', message: 'no flex' }
const path = '/admin/api/rules'

const put = (at: Rig, rules: unknown, ifMatch: string | null): Promise<Answer> =>
  at.get(path, { method: 'PUT', body: JSON.stringify({ rules }), headers: ifMatch === null ? {} : { 'if-match': ifMatch } })
const etagOf = (answer: Answer): string => answer.headers.etag ?? 'none'

describe('the rules that hold', () => {
  // C14
  test('are the default ones while nobody wrote any', async () => {
    const at = await rig()
    expect(at.rules.current()).toEqual(defaultRules)
    expect(bodyOf('rules', await at.get(path))).toMatchObject({ source: 'default', error: null, rules: [{ tier: 'priority' }, { tier: 'ultrafast' }] })
  })

  // C14
  test('are none where the file says so', async () => {
    const at = await rig()
    at.rules.configure([])
    expect(at.rules.current()).toEqual([])
    expect(bodyOf('rules', await at.get(path))).toEqual({ source: 'file', rules: [], error: null })
  })

  test('are the stored ones at once, and over a restart', async () => {
    const at = await rig()
    const answer = await put(at, [flexOnly], etagOf(await at.get(path)))
    expect(bodyOf('putRules', answer)).toEqual({ source: 'store', rules: [flexOnly], error: null })
    expect(at.rules.current()).toEqual([flexOnly])
    const restarted = new LiveRules({ entities: at.entities, parse: parseRules })
    await restarted.load()
    expect(restarted.current()).toEqual([flexOnly])
    expect(restarted.shown().etag).toBe(etagOf(answer))
  })

  test("are the file's while it has some, and the stored ones again when it has none", async () => {
    const at = await rig()
    await put(at, [flexOnly], etagOf(await at.get(path)))
    at.rules.configure([])
    expect(at.rules.shown()).toMatchObject({ source: 'file', rules: [] })
    at.rules.configure(null)
    expect(at.rules.shown()).toMatchObject({ source: 'store', rules: [flexOnly] })
  })

  // C14
  test('stay as they were when a reload breaks them, and the error shows until one is applied', async () => {
    const at = await rig()
    at.rules.configure([flexOnly])
    at.rules.broken('turnout.yaml:9:3: rules[0].tier is "fats"')
    expect(bodyOf('rules', await at.get(path))).toEqual({ source: 'file', rules: [flexOnly], error: 'turnout.yaml:9:3: rules[0].tier is "fats"' })
    at.rules.configure([flexOnly])
    expect(at.rules.shown().error).toBeNull()
  })

  test('are the default ones, with an error, where what is stored cannot be read; and it can be replaced', async () => {
    const entities = new KeptEntities()
    await entities.write('rules', '[{"tier":"warp"}]', 0)
    const rules = new LiveRules({ entities, parse: parseRules })
    await rules.load()
    expect(rules.shown()).toMatchObject({
      source: 'default',
      rules: defaultRules,
      error: 'The stored rules cannot be used: rules[0].tier is wrong: expected a tier',
    })
    expect(await rules.put([flexOnly], rules.shown().etag)).toEqual({ kind: 'changed' })
    expect(rules.shown()).toMatchObject({ source: 'store', rules: [flexOnly], error: null })
  })

  test('are the default ones where what is stored is not even JSON', async () => {
    const entities = new KeptEntities()
    await entities.write('rules', '{', 0)
    const rules = new LiveRules({ entities, parse: parseRules })
    await rules.load()
    expect(rules.current()).toEqual(defaultRules)
    expect(rules.shown().error).not.toBeNull()
  })
})

describe('rules that another process stores', () => {
  test('hold as soon as a change here has met them', async () => {
    const at = await rig()
    await put(at, [], '"0"')
    await at.entities.write('rules', JSON.stringify([flexOnly]), 1)
    expect(problemOf(await put(at, [], '"1"')).status).toBe(412)
    expect(at.rules.shown()).toMatchObject({ source: 'store', rules: [flexOnly], error: null, etag: '"2"' })
  })

  test('leave the last good ones in place when they do not parse', async () => {
    const at = await rig()
    await put(at, [flexOnly], '"0"')
    await at.entities.write('rules', '[{"tier":"warp"}]', 1)
    expect(problemOf(await put(at, [], '"1"')).status).toBe(412)
    expect(at.rules.shown()).toMatchObject({ source: 'store', rules: [flexOnly], error: expect.stringContaining('cannot be used') })
  })
})

describe('PUT rules', () => {
  // C14
  test('without if-match is 428, and changes nothing', async () => {
    const at = await rig()
    expect(problemOf(await put(at, [], null))).toMatchObject({ status: 428, code: 'precondition_required', param: 'if-match' })
    expect(at.rules.current()).toEqual(defaultRules)
  })

  // C14
  test('while the file has rules is 409', async () => {
    const at = await rig()
    at.rules.configure([flexOnly])
    const etag = etagOf(await at.get(path))
    expect(problemOf(await put(at, [], etag))).toMatchObject({ status: 409, code: 'provisioned' })
    expect(problemOf(await at.get(path, { method: 'DELETE', headers: { 'if-match': etag } }))).toMatchObject({ status: 409, code: 'provisioned' })
    expect(at.rules.current()).toEqual([flexOnly])
  })

  test('with the ETag of rules that are no more is 412', async () => {
    const at = await rig()
    const old = etagOf(await at.get(path))
    const changed = await put(at, [flexOnly], old)
    expect(problemOf(await put(at, [], old))).toMatchObject({ status: 412, code: 'precondition_failed', param: 'if-match' })
    expect(at.rules.current()).toEqual([flexOnly])
    expect((await put(at, [], etagOf(changed))).status).toBe(200)
  })

  test('of two at once with the same ETag, one wins', async () => {
    const at = await rig()
    const etag = etagOf(await at.get(path))
    const both = await Promise.all([put(at, [], etag), put(at, [flexOnly], etag)])
    expect(both.map((answer) => answer.status).sort((a, b) => a - b)).toEqual([200, 412])
  })

  test.each([
    ['*', 200],
    ['"0"', 200],
    ['"7", "0"', 200],
    ['W/"0"', 412],
    ['0', 412],
    ['', 412],
  ])('with the if-match %j is %i', async (ifMatch, status) => {
    const at = await rig()
    expect((await put(at, [], ifMatch)).status).toBe(status)
  })

  test('with rules that do not parse names the member, and the old ones stay', async () => {
    const at = await rig()
    const no = problemOf(await put(at, [flexOnly, { tier: 'warp' }], '"0"'))
    expect(no).toEqual({ status: 400, code: 'invalid_body', message: 'rules[1].tier is wrong: expected a tier', param: 'rules[1].tier' })
    expect(at.rules.current()).toEqual(defaultRules)
  })

  test.each([
    ['', 'invalid_json', null],
    ['{', 'invalid_json', null],
    ['\xff', 'invalid_json', null],
    ['[]', 'invalid_body', null],
    ['{}', 'invalid_body', 'rules'],
    ['{"rules":1}', 'invalid_body', 'rules'],
    ['{"rules":[],"rule":1}', 'invalid_body', 'rule'],
  ])('with the body %j is %s', async (body, code, param) => {
    const at = await rig()
    const no = problemOf(await at.get(path, { method: 'PUT', body: Buffer.from(body, 'latin1'), headers: { 'if-match': '"0"' } }))
    expect(no).toMatchObject({ status: 400, code, param })
  })

  test('with a body of one byte over 1 MiB is 413, said or not', async () => {
    const at = await rig()
    const body = Buffer.from(`{"rules":[]${' '.repeat(bodyBytesMax - 11)}}`)
    const said = await at.get(path, { method: 'PUT', body, headers: { 'if-match': '"0"', 'content-length': String(body.length) } })
    expect(problemOf(said)).toMatchObject({ status: 413, code: 'body_too_large' })
    const unsaid = await at.get(path, { method: 'PUT', body, headers: { 'if-match': '"0"', 'transfer-encoding': 'chunked' } })
    expect(problemOf(unsaid)).toMatchObject({ status: 413, code: 'body_too_large' })
  })

  test('with a body of 1 MiB is taken', async () => {
    const at = await rig()
    const body = `{"rules":[]${' '.repeat(bodyBytesMax - 12)}}`
    expect((await at.get(path, { method: 'PUT', body, headers: { 'if-match': '"0"' } })).status).toBe(200)
  })

  test('while the store does not write is 503, and the old ones stay', async () => {
    const at = await rig()
    at.entities.broken = new Error('The store is not writable.')
    expect(problemOf(await put(at, [], '"0"'))).toMatchObject({ status: 503, code: 'store_unavailable', message: 'The store is not writable.' })
    expect(at.rules.current()).toEqual(defaultRules)
  })

  test('is a line in the log', async () => {
    const at = await rig()
    await put(at, [], null)
    await put(at, [], '"0"')
    expect(at.gateway.seen.lines.filter(({ fields }) => fields['change'] === 'putRules')).toHaveLength(1)
  })
})

describe('DELETE rules', () => {
  test('goes back to the default, and answers 204', async () => {
    const at = await rig()
    const etag = etagOf(await put(at, [flexOnly], '"0"'))
    const answer = await at.get(path, { method: 'DELETE', headers: { 'if-match': etag } })
    expect([answer.status, answer.text]).toEqual([204, ''])
    expect(at.rules.shown()).toMatchObject({ source: 'default', etag: '"0"' })
    const restarted = new LiveRules({ entities: at.entities, parse: parseRules })
    await restarted.load()
    expect(restarted.current()).toEqual(defaultRules)
  })

  test('with nothing stored changes nothing', async () => {
    const at = await rig()
    expect((await at.get(path, { method: 'DELETE', headers: { 'if-match': '"0"' } })).status).toBe(204)
  })

  test('without if-match is 428', async () => {
    const at = await rig()
    expect(problemOf(await at.get(path, { method: 'DELETE' }))).toMatchObject({ status: 428 })
  })

  test('an ETag never comes back with other rules', async () => {
    const at = await rig()
    const first = etagOf(await put(at, [flexOnly], '"0"'))
    await at.get(path, { method: 'DELETE', headers: { 'if-match': first } })
    expect(etagOf(await put(at, [], '"0"'))).not.toBe(first)
  })
})

describe('POST rules/try', () => {
  const accounts = [account('main', { filterTo: 'default', mapping: parseMapping({ 'fast-model': 'gpt-5.5' }, true) }), account('backup')]
  const tried = async (at: Rig, question: object) => bodyOf('tryRules', await at.get(`${path}/try`, { method: 'POST', body: JSON.stringify(question) }))

  test('says what an attempt of this account would be asked for', async () => {
    const at = await rig(accounts)
    expect(await tried(at, { model: 'fast-model', tier: ' Fast ', account: 'main' })).toEqual({ verdict: 'filter', rule: 0, sent: 'default', message: null })
    expect(await tried(at, { model: 'gpt-5.5', tier: 'priority', account: 'backup' })).toEqual({ verdict: 'filter', rule: 0, sent: null, message: null })
  })

  test('judges on the upstream model', async () => {
    const at = await rig(accounts)
    at.rules.configure([{ ...flexOnly, models: ['gpt-5.5'] }])
    expect(await tried(at, { model: 'fast-model', tier: 'flex', account: 'main' })).toEqual({ verdict: 'block', rule: 0, sent: null, message: 'no flex' })
    expect(await tried(at, { model: 'fast-model', tier: 'flex', account: 'backup' })).toMatchObject({ verdict: 'pass', rule: 0, sent: 'flex' })
  })

  test.each([
    ['turbo', 'turbo'],
    ['fast', 'priority'],
    [null, null],
  ])('a tier of %j that passes is sent as %j', async (tier, sent) => {
    const at = await rig(accounts)
    at.rules.configure([])
    expect(await tried(at, { model: 'm', tier, account: 'backup' })).toEqual({ verdict: 'pass', rule: null, sent, message: null })
  })

  test.each([
    [{ model: 'other', tier: 'fast', account: 'main' }, 400, 'model'],
    [{ model: 'm', tier: 'fast', account: 'nobody' }, 404, 'account'],
    [{ tier: 'fast', account: 'main' }, 400, 'model'],
    [{ model: 'm', tier: 1, account: 'main' }, 400, 'tier'],
    [{ model: 'm', tiers: 'fast', account: 'main' }, 400, 'tiers'],
  ])('%j is %i', async (question, status, param) => {
    const at = await rig(accounts)
    expect(problemOf(await at.get(`${path}/try`, { method: 'POST', body: JSON.stringify(question) }))).toMatchObject({ status, param })
  })
})
