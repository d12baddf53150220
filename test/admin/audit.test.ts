import { afterEach, describe, expect, test } from 'vitest'
import { commandLineAgent } from '../../src/admin/audit.ts'
import { contract, type Contract } from '../../src/admin/contract.ts'
import { stopAll, type Answer } from '../server/support.ts'
import { bodyOf, problemOf, rig, type Rig } from './support.ts'

afterEach(stopAll)

const rule = { tier: 'priority', action: 'pass' }

/** One change that succeeds, for each endpoint that changes something. */
const changes: Readonly<Record<string, (at: Rig) => Promise<Answer>>> = {
  reset: (at) => at.get('/admin/api/accounts/main/reset', { method: 'POST' }),
  disable: (at) => at.get('/admin/api/accounts/main/disable', { method: 'POST' }),
  enable: (at) => at.get('/admin/api/accounts/main/enable', { method: 'POST' }),
  putRules: (at) => at.get('/admin/api/rules', { method: 'PUT', headers: { 'if-match': '*' }, body: JSON.stringify({ rules: [rule] }) }),
  importCredential: (at) =>
    at.get('/admin/api/accounts/main/credential', {
      method: 'POST',
      body: JSON.stringify({ access_token: 'at-MARKED-0123', refresh_token: 'rt-MARKED-0123', account_id: null }),
    }),
  rotateSecrets: (at) => at.get('/admin/api/secrets/rotate', { method: 'POST' }),
  deleteRules: (at) => at.get('/admin/api/rules', { method: 'DELETE', headers: { 'if-match': '*' } }),
  createKey: (at) => at.get('/admin/api/keys', { method: 'POST', body: JSON.stringify({ name: 'laptop', pools: ['default'] }) }),
  revokeKey: async (at) => {
    await at.get('/admin/api/keys', { method: 'POST', body: JSON.stringify({ name: 'old', pools: ['default'] }) })
    return at.get('/admin/api/keys/old', { method: 'DELETE' })
  },
}

const changing = Object.entries(contract).flatMap(([name, endpoint]) => ((endpoint as Contract).effect === 'none' ? [] : [name]))
const audit = async (at: Rig, query = '') => bodyOf('audit', await at.get(`/admin/api/audit${query}`))

describe('the audit log', () => {
  test.each(changing)('has who called %s, of what, when, and what it was before and after', async (name) => {
    const at = await rig()
    const change = changes[name]
    if (change === undefined) throw new Error(`this test knows no change by ${name}`)
    expect((await change(at)).status).toBeLessThan(300)
    const [entry] = (await audit(at)).changes
    expect(entry).toMatchObject({ by: 'admin', from: expect.stringMatching(/127\.0\.0\.1$/), what: name, at: '2026-11-21T12:00:00.000Z' })
    expect(entry?.before ?? entry?.after).not.toBeNull()
    expect(JSON.stringify([at.audit.entries, at.gateway.seen.lines])).not.toContain('MARKED')
  })

  test('says what an account was and is', async () => {
    const at = await rig()
    await at.fail('main')
    await at.get('/admin/api/accounts/main/reset', { method: 'POST' })
    await at.get('/admin/api/accounts/main/disable', { method: 'POST' })
    expect((await audit(at)).changes.map(({ what, target, before, after }) => [what, target, before, after])).toMatchObject([
      ['disable', 'main', { enabled: true }, { enabled: false, health: { state: 'ready' } }],
      ['reset', 'main', { health: { state: 'cooling', why: 'quota 403 usage_limit_reached' } }, { health: { state: 'ready', why: null } }],
    ])
  })

  test('says what rules were and are', async () => {
    const at = await rig()
    await changes['putRules']?.(at)
    const [entry] = (await audit(at)).changes
    expect(entry).toMatchObject({ target: null, before: { source: 'default' }, after: { source: 'store', rules: [rule] } })
  })

  test('has a key that came and went, and of its text the end alone', async () => {
    const at = await rig()
    const { key } = bodyOf('createKey', (await changes['createKey']?.(at)) as Answer)
    await at.get('/admin/api/keys/laptop', { method: 'DELETE' })
    const { changes: entries } = await audit(at)
    expect(entries).toMatchObject([
      { what: 'revokeKey', target: 'laptop', before: { name: 'laptop', pools: ['default'] }, after: null },
      { what: 'createKey', target: 'laptop', before: null, after: { name: 'laptop', tail: expect.stringMatching(/^\*{4}/) } },
    ])
    expect(JSON.stringify(at.audit.entries)).not.toContain(key)
  })

  test('has nothing of what was refused, or was only looked at', async () => {
    const at = await rig()
    await at.get('/admin/api/accounts/nobody/disable', { method: 'POST' })
    await at.get('/admin/api/accounts/main/disable', { method: 'POST', key: 'wrong' })
    await at.get('/admin/api/rules', { method: 'PUT', body: '{}' })
    await at.get('/admin/api/accounts/main/test', { method: 'POST' })
    await at.get('/admin/api/rules/try', { method: 'POST', body: JSON.stringify({ model: 'm', account: 'main' }) })
    expect((await audit(at)).changes).toEqual([])
  })

  test('says of a command that it was one', async () => {
    const at = await rig()
    await at.get('/admin/api/accounts/main/disable', { method: 'POST', headers: { 'user-agent': commandLineAgent } })
    expect((await audit(at)).changes).toMatchObject([{ by: 'command-line', what: 'disable' }])
  })

  test('is read page by page', async () => {
    const at = await rig()
    for (const name of ['a', 'b', 'c']) await at.get('/admin/api/keys', { method: 'POST', body: JSON.stringify({ name, pools: ['default'] }) })
    const first = await audit(at, '?limit=2')
    expect(first.changes.map(({ target }) => target)).toEqual(['c', 'b'])
    const second = await audit(at, `?limit=2&before=${first.next}`)
    expect(second).toMatchObject({ changes: [{ target: 'a' }], next: null })
    expect(problemOf(await at.get('/admin/api/audit?limit=101'))).toMatchObject({ status: 400, code: 'invalid_query', param: 'limit' })
  })

  test('that does not take an entry does not hold a change up, and the log has it instead', async () => {
    const at = await rig()
    at.audit.broken = new Error('the disk is full')
    expect((await at.get('/admin/api/accounts/main/disable', { method: 'POST' })).status).toBe(200)
    const [line] = at.gateway.seen.lines.filter(({ level }) => level === 'error')
    expect(line?.sentence).toBe('the audit log did not take a change, which holds all the same')
    expect(JSON.parse(String(line?.fields['entry']))).toMatchObject({ what: 'disable', target: 'main', after: { enabled: false } })
    expect(problemOf(await at.get('/admin/api/audit'))).toMatchObject({ status: 503, code: 'store_unavailable' })
  })
})
