import { request } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startSimulator, type Simulator } from '../../src/simulator/server.ts'

interface Said {
  readonly status: number
  readonly json: Readonly<Record<string, unknown>>
}

function send(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Said> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { method: 'POST', headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) as Said['json'] }))
    })
    asking.on('error', reject).end(body)
  })
}

async function simulator(): Promise<Simulator> {
  const one = await startSimulator()
  onTestFinished(() => one.close())
  return one
}
const refresh = (one: Simulator, token: string, more: Readonly<Record<string, string>> = { client_id: 'c' }): Promise<Said> =>
  send(
    one.tokenUrl,
    { 'content-type': 'application/x-www-form-urlencoded' },
    new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, ...more }).toString(),
  )
const ask = (one: Simulator, bearer: string): Promise<Said> =>
  send(`${one.url}/responses`, { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }, '{"model":"gpt-5.5","input":"hi"}')

describe('a simulated sign-in', () => {
  it('stands for its key, until its access token ends', async () => {
    const one = await simulator()
    one.set('key-1', { text: 'it is key-1' })
    const { accessToken } = one.tokens.grant('key-1', {}, 0)
    expect(JSON.stringify((await ask(one, accessToken)).json)).toContain('it is key-1')
    one.tokens.expire('key-1')
    expect(await ask(one, accessToken)).toMatchObject({ status: 401, json: { error: { code: 'token_expired' } } })
  })

  it('exchanges each refresh token once', async () => {
    const one = await simulator()
    const first = one.tokens.grant('key-1', { expiresInS: 60 }, 0)
    const said = await refresh(one, first.refreshToken)
    expect(said).toMatchObject({ status: 200, json: { expires_in: 60, token_type: 'Bearer' } })
    expect((await ask(one, first.accessToken)).status).toBe(401)
    expect((await ask(one, String(said.json['access_token']))).status).toBe(200)
    expect(await refresh(one, first.refreshToken)).toMatchObject({ status: 401, json: { error: 'refresh_token_reused' } })
    expect(one.tokens.asked('key-1')).toBe(2)
  })

  it('refuses what no token endpoint takes', async () => {
    const one = await simulator()
    const { refreshToken } = one.tokens.grant('key-1', {}, 0)
    expect(await refresh(one, 'stranger')).toMatchObject({ status: 400, json: { error: 'invalid_grant' } })
    expect(await refresh(one, refreshToken, {})).toMatchObject({ status: 401, json: { error: 'invalid_client' } })
    expect(await send(one.tokenUrl, {}, 'grant_type=password')).toMatchObject({ status: 400, json: { error: 'unsupported_grant_type' } })
  })

  it('fails on demand, before the exchange or after it', async () => {
    const one = await simulator()
    const { refreshToken } = one.tokens.grant(
      'key-1',
      { deeds: [{ kind: 'status', status: 503 }, { kind: 'refuse', status: 400, code: 'invalid_grant' }, { kind: 'cut' }, { kind: 'cut-after' }] },
      0,
    )
    expect((await refresh(one, refreshToken)).status).toBe(503)
    expect((await refresh(one, refreshToken)).json).toMatchObject({ error: 'invalid_grant' })
    await expect(refresh(one, refreshToken)).rejects.toThrow()
    expect(one.tokens.refreshToken('key-1')).toBe(refreshToken)
    await expect(refresh(one, refreshToken)).rejects.toThrow()
    expect(one.tokens.refreshToken('key-1')).not.toBe(refreshToken)
  })

  it('is forgotten when the simulator begins anew', async () => {
    const one = await simulator()
    const { refreshToken } = one.tokens.grant('key-1', {}, 0)
    one.reset()
    expect(await refresh(one, refreshToken)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } })
  })
})
