import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import type { GrantSpec } from '../../src/simulator/token.ts'
import { eventually } from '../support/client.ts'
import { adminToken, gatewayOfThisFile, ownGateway, question, streamed, triedBy, type Scene, type Stage } from '../support/gateway.ts'
import { shownOf, signedIn } from '../support/signed-in.ts'
import { Talk } from '../support/talk.ts'

const stage = gatewayOfThisFile()

/** A scene in which the first account has signed in, and others may stand behind it. */
async function renewing(spec: GrantSpec = {}, others: Scene['accounts'] = {}): Promise<Stage> {
  const on = await stage({ accounts: { a: {}, ...others } })
  on.change({ accounts: { a: signedIn(on, 'a', spec), ...others } })
  return on
}

const tokensOf = (on: Stage) => ({ asked: on.simulator.tokens.asked(on.credential('a')) })
const expire = (on: Stage) => on.simulator.tokens.expire(on.credential('a'))

describe('an account whose access token is refused', () => {
  // B7
  test('is renewed, and tried once more by the same turn: the client sees nothing', async () => {
    const on = await renewing({}, { b: {} })
    expect((await on.ask()).status).toBe(200)
    expire(on)
    const answer = await on.ask()
    expect(answer.status).toBe(200)
    expect((await on.record(answer)).attempts).toMatchObject([
      { account: 'a', outcome: 'failed', failure: 'credential', status: 401 },
      { account: 'a', outcome: 'completed' },
    ])
    expect((await shownOf(on, 'a', adminToken)).health).toEqual({ state: 'ready', until: null, why: null })
  })

  // B7
  test('by twenty turns at a time is renewed once, and all of them are answered by it', async () => {
    const on = await renewing()
    expire(on)
    const answers = await Promise.all(Array.from({ length: 20 }, (_, nth) => on.ask(nth % 2 === 0 ? question : streamed)))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(tokensOf(on).asked).toBe(1)
    for (const answer of answers) expect(new Set(triedBy(await on.record(answer)))).toEqual(new Set(['a']))
  })

  test('is tried once more only once: what is refused again is the account’s trouble', async () => {
    const on = await renewing({}, { b: {} })
    on.play('a', { faults: [{ fault: 'credential-bare' }] })
    const answer = await on.ask()
    expect(answer.status).toBe(200)
    expect(triedBy(await on.record(answer))).toEqual(['a', 'a', 'b'])
    expect(tokensOf(on).asked).toBe(1)
    expect((await shownOf(on, 'a', adminToken)).health).toMatchObject({ state: 'cooling', why: 'credential 401 invalid_request_error' })
  })

  // B28
  test('for a token that was renewed meanwhile is not to blame', async () => {
    const on = await renewing({}, { b: {} })
    on.play('a', {
      faults: [
        { fault: 'slow', before: 'head', ms: 300, times: 1 },
        { fault: 'credential-bare', on: 'turns', times: 1 },
      ],
    })
    const early = on.ask()
    await eventually(
      () => on.simulator.inFlight(on.credential('a')),
      (count) => count === 1,
    )
    expire(on)
    expect((await on.ask()).status).toBe(200)
    const late = await on.record(await early)
    expect(late.attempts).toMatchObject([
      { account: 'a', failure: 'credential', status: 401 },
      { account: 'a', outcome: 'completed' },
    ])
    expect(tokensOf(on).asked).toBe(1)
    expect((await shownOf(on, 'a', adminToken)).health.state).toBe('ready')
  })

  test('in a session is reached over a new WebSocket with the new token, and the dialogue goes on', async () => {
    const on = await renewing()
    const talk = await Talk.begin(on)
    await talk.say('one')
    expire(on)
    on.simulator.closeConnections(on.credential('a'), 1012)
    const two = await talk.say('two')
    expect(two.types.at(-1)).toBe('response.completed')
    expect(tokensOf(on).asked).toBe(1)
    const shaken = on.simulator.received().filter(({ kind }) => kind === 'handshake')
    expect(shaken.map(({ status }) => status)).toEqual([101, 401, 101])
  })
})

test('a session leaves the WebSocket that was opened with the old token, once a new one is there', async () => {
  const on = await renewing()
  const talk = await Talk.begin(on)
  await talk.say('one')
  expect(on.simulator.connections(on.credential('a'))).toBe(1)
  expire(on)
  expect((await on.ask()).status).toBe(200)
  const two = await talk.say('two')
  expect(two.types.at(-1)).toBe('response.completed')
  const shaken = on.simulator.received().filter(({ kind }) => kind === 'handshake')
  expect(shaken.map(({ status }) => status)).toEqual([101, 101])
})

describe('a token endpoint that says no', () => {
  test('for good retires the account with a reason that says what to do, and another one answers', async () => {
    const on = await renewing({ deeds: [{ kind: 'refuse', status: 400, code: 'invalid_grant' }] }, { b: {} })
    expire(on)
    const answer = await on.ask()
    expect(answer.status).toBe(200)
    expect(triedBy(await on.record(answer))).toEqual(['a', 'b'])
    expect((await shownOf(on, 'a', adminToken)).health).toEqual({
      state: 'retired',
      until: null,
      why: 'credential 400 invalid_grant: the token endpoint no longer takes the refresh token, which was revoked or replaced; sign in again and write the new tokens into credential.oauth',
    })
    await on.ask()
    expect(tokensOf(on).asked).toBe(1)
  })

  test('for now makes it rest, with the reason and the time of the next try', async () => {
    const on = await renewing({ deeds: [{ kind: 'status', status: 503 }] }, { b: {} })
    expire(on)
    expect((await on.ask()).status).toBe(200)
    const { health } = await shownOf(on, 'a', adminToken)
    expect(health.state).toBe('cooling')
    expect(health.why).toMatch(/^credential 503: its access token could not be renewed: it answered 503; tried again at /)
  })

  test('by leading elsewhere is not followed', async () => {
    const on = await renewing({ deeds: [{ kind: 'status', status: 307, headers: { location: '/oauth/token?elsewhere' } }] }, { b: {} })
    expire(on)
    await on.ask()
    expect(tokensOf(on).asked).toBe(1)
    expect((await shownOf(on, 'a', adminToken)).health.why).toContain('it answered 307, and redirects are not followed')
  })

  test('and echoes the token: it is shown and logged nowhere', async () => {
    const on = await renewing({ deeds: [{ kind: 'status', status: 500, text: '{"error":"simulated-refresh-echo"}' }] }, { b: {} })
    expire(on)
    await on.ask()
    const shown = JSON.stringify(await shownOf(on, 'a', adminToken))
    for (const text of [shown, on.log.join('\n')]) expect(text).not.toContain('simulated-refresh')
  })
})

describe('another sign-in, given by the operator', () => {
  const give = (on: Stage, account: string, body: object) =>
    on.ask(JSON.stringify(body), { path: `/admin/api/accounts/${account}/credential`, method: 'POST', key: adminToken })

  test('ends a retirement at once, without a restart', async () => {
    const on = await renewing({ deeds: [{ kind: 'refuse', status: 400, code: 'invalid_grant' }] })
    expire(on)
    expect((await on.ask()).status).toBe(503)
    const again = on.simulator.tokens.grant(on.credential('a'), {}, Date.now())
    const given = await give(on, 'a', { access_token: again.accessToken, refresh_token: again.refreshToken })
    expect(given.json).toMatchObject({ name: 'a', health: { state: 'ready' } })
    expect((await on.ask()).status).toBe(200)
    const { text } = await on.ask(null, { path: '/admin/api/audit', key: adminToken })
    for (const said of [given.text, text, on.log.join('\n')]) {
      expect(said).not.toContain(again.accessToken)
      expect(said).not.toContain(again.refreshToken)
    }
    expect(text).toContain('importCredential')
  })

  test('is refused where nothing could renew it, and a wrong one is not repeated', async () => {
    const on = await renewing({}, { b: {} })
    expect(await give(on, 'b', { access_token: 'secret-x' })).toMatchObject({ status: 409, json: { error: { code: 'provisioned' } } })
    expect(await give(on, 'stranger', { access_token: 'secret-x' })).toMatchObject({ status: 404, json: { error: { code: 'unknown_account' } } })
    const wrong = await give(on, 'a', { access_token: 'secret\nx' })
    expect(wrong).toMatchObject({ status: 400, json: { error: { code: 'invalid_body', param: 'access_token' } } })
    expect(wrong.text).not.toContain('secret')
  })
})

describe('a renewed token', () => {
  const kept = (on: Stage): string => {
    const store = new Sqlite(join(on.folder, 'data', 'turnout.db'), { readonly: true })
    try {
      return JSON.stringify(store.prepare('select name, json from entities').all())
    } finally {
      store.close()
    }
  }

  async function own(spec: GrantSpec = {}): Promise<Stage> {
    const on = await ownGateway({ accounts: { nobody: {} } })
    on.change({ accounts: { a: signedIn(on, 'a', spec) } })
    return on
  }

  test('is known to the next process, and sealed on disk', async () => {
    const on = await own()
    expire(on)
    expect((await on.ask()).status).toBe(200)
    const refreshToken = on.simulator.tokens.refreshToken(on.credential('a')) ?? 'none'
    expect(kept(on)).toContain('credential:a')
    await on.restart()
    expect((await on.ask()).status).toBe(200)
    expect(tokensOf(on).asked).toBe(1)
    expire(on)
    expect((await on.ask()).status).toBe(200)
    await on.stop()
    for (const file of ['turnout.db', 'turnout.db-wal']) {
      const bytes = readIfThere(join(on.folder, 'data', file))
      expect(bytes.includes('simulated-refresh')).toBe(false)
      expect(bytes.includes(refreshToken)).toBe(false)
    }
  })

  test('survives a reload of the configuration that still names the first one', async () => {
    const on = await own()
    expire(on)
    expect((await on.ask()).status).toBe(200)
    on.change({ log: { level: 'debug' }, failover: { patience: '1s' } })
    expect((await on.ask()).status).toBe(200)
    expect(tokensOf(on).asked).toBe(1)
  })

  test('comes ahead of the end of the old one', async () => {
    const on = await own({ expiresInS: 2 })
    const first = on.simulator.tokens.refreshToken(on.credential('a'))
    await eventually(
      () => on.simulator.tokens.refreshToken(on.credential('a')),
      (now) => now !== first,
    )
    const answer = await on.ask()
    expect((await on.record(answer)).attempts).toHaveLength(1)
  })

  test('that was lost with its process is told as just that', async () => {
    const on = await own({ deeds: [{ kind: 'cut-after' }] })
    expire(on)
    expect((await on.ask()).status).toBe(503)
    await on.restart()
    expect((await on.ask()).status).toBe(503)
    expect((await shownOf(on, 'a', adminToken)).health.why).toMatch(
      /^credential 401 refresh_token_reused: the rotated token was lost in flight: a refresh was sent at \S+, and its answer was never stored; sign in again/,
    )
  })
})

function readIfThere(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch {
    return Buffer.alloc(0)
  }
}
