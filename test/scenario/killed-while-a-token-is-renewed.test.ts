import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startSimulator, type Simulator } from '../../src/simulator/server.ts'
import { eventually, Exchange, type Answer } from '../support/client.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import type { Shown } from '../support/signed-in.ts'

const key = 'tk-laptop-5b1e7c'
const admin = 'at-operator-77c0de'

/** A folder with a gateway's configuration, whose one account has signed in at a simulator. */
async function scene(): Promise<{ readonly folder: string; readonly simulator: Simulator }> {
  const simulator = await startSimulator()
  const folder = mkdtempSync(join(tmpdir(), 'turnout-'))
  onTestFinished(async () => {
    await simulator.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const { accessToken, refreshToken } = simulator.tokens.grant('key-a', {}, Date.now())
  const oauth = { access_token: accessToken, refresh_token: refreshToken, token_url: simulator.tokenUrl, client_id: 'client' }
  const account = { name: 'a', upstream: 'codex', base_url: simulator.url, allow_private: true, credential: { oauth } }
  const rest = { pools: [{ name: 'p', accounts: ['a'] }], keys: [{ name: 'laptop', key, pools: ['p'] }], admin: { token: admin } }
  writeFileSync(join(folder, 'turnout.yaml'), JSON.stringify({ accounts: [account], ...rest }))
  return { folder, simulator }
}

async function serving(folder: string): Promise<{ readonly process: GatewayProcess; readonly url: string }> {
  const process = new GatewayProcess(folder)
  onTestFinished(() => process.kill())
  return { process, url: await process.says(/(http:\/\/127\.0\.0\.1:\d+)/) }
}

function ask(url: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return new Exchange(`${url}/v1/responses`, { method: 'POST', headers, body: '{"model":"gpt-5.5","input":"hello"}' }).whole()
}

async function health(url: string): Promise<Shown['health'] | undefined> {
  const { json } = await new Exchange(`${url}/admin/api/accounts`, { headers: { authorization: `Bearer ${admin}` } }).whole()
  return (json as { readonly accounts: readonly Shown[] }).accounts[0]?.health
}

// B7
test.each([
  ['not yet exchanged: the account works', 'hang', 200, { state: 'ready', until: null, why: null }],
  [
    'exchanged already: the account says that it was lost in flight, and what to do',
    'hang-after',
    503,
    {
      state: 'retired',
      until: null,
      why: expect.stringMatching(/the rotated token was lost in flight: a refresh was sent at \S+, .*; sign in again and import it: turnout accounts import/),
    },
  ],
] as const)('a gateway that is killed while its refresh token is on its way, and %s', async (_title, kind, status, shown) => {
  const { folder, simulator } = await scene()
  const first = await serving(folder)
  expect((await ask(first.url)).status).toBe(200)
  simulator.tokens.expire('key-a')
  simulator.tokens.expect('key-a', [{ kind }])
  const cut = ask(first.url).catch(() => null)
  await eventually(
    () => simulator.tokens.asked('key-a'),
    (asked) => asked === 1,
  )
  await first.process.kill()
  await cut
  const second = await serving(folder)
  expect((await ask(second.url)).status).toBe(status)
  expect(await health(second.url)).toEqual(shown)
})
