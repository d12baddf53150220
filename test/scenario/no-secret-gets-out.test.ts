import { describe, expect, test } from 'vitest'
import { createGateway } from '../../src/index.ts'
import { restOf, wire } from '../support/client.ts'
import { adminToken, gatewayOfThisFile, laptopKey, otherKey, question, streamed, type Stage } from '../support/gateway.ts'
import { upstream } from '../support/upstream.ts'

const stage = gatewayOfThisFile()

const apiKey = 'sk-proj-MARKED-0a1b2c3d4e5f'
const accessToken = 'eyMARKED.oauth.access-token'
const proxyPassword = 'MARKED-proxy-password'
const metricsToken = 'mt-MARKED-metrics-token'
const secrets = [apiKey, accessToken, proxyPassword, metricsToken, adminToken, laptopKey, otherKey]

/** An upstream that says back what it was sent: some do, to be helpful. */
const echoing = (status: number, code: string | null = null) =>
  upstream((request, response, body) => {
    const told = `Incorrect API key provided: ${String(request.headers.authorization)}. You sent ${body.toString()}`
    response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req_up' })
    response.end(JSON.stringify({ error: { message: told, type: 'invalid_request_error', param: null, code } }))
  })

const adminPaths = ['/admin/api/status', '/admin/api/accounts', '/admin/api/turns', '/admin/api/rules', '/metrics', '/readyz', '/healthz', '/openapi.json']

/** All that the gateway says of itself, and has said. */
async function everythingSaid(on: Stage, answers: readonly { readonly text: string; readonly headers: object }[]): Promise<string> {
  const said = [...on.log, ...answers.flatMap(({ text, headers }) => [text, JSON.stringify(headers)])]
  for (const path of adminPaths) {
    const { text, headers } = await on.ask(null, { path, key: adminToken })
    said.push(text, JSON.stringify(headers))
  }
  for (const account of ['a', 'b']) said.push((await on.ask(null, { path: `/admin/api/accounts/${account}/test`, method: 'POST', key: adminToken })).text)
  const { json } = await on.ask(null, { path: '/admin/api/turns', key: adminToken })
  for (const { id } of json['turns'] as readonly { id: string }[]) said.push((await on.ask(null, { path: `/admin/api/turns/${id}`, key: adminToken })).text)
  return said.join('\n')
}

function expectNone(said: string): void {
  expect(said.length).toBeGreaterThan(100)
  expect(secrets.filter((secret) => said.includes(secret))).toEqual([])
  expect(said).not.toMatch(/MARKED/)
}

describe('no secret is in the log, an answer, an error, a metric or the admin API', () => {
  test.each([
    ['401', 401, null],
    ['401 with a code', 401, 'invalid_api_key'],
    ['403', 403, null],
    ['400, which goes to the client as it is', 400, null],
    ['404, which goes to the client as it is', 404, 'model_not_found'],
    ['500, which is said again', 500, null],
  ])('when an upstream echoes the credential in a %s', async (_what, status, code) => {
    const on = await stage({
      accounts: {
        a: { base_url: await echoing(status, code), credential: { api_key: apiKey } },
        b: { base_url: await echoing(status, code), credential: { oauth: { access_token: accessToken } } },
      },
      metrics: { token: metricsToken },
      failover: { patience: '0s' },
    })
    const answers = [await on.ask(), await on.ask(streamed), await on.ask(question, { key: otherKey })]
    for (const answer of answers) expect(answer.status).toBeGreaterThanOrEqual(400)
    expectNone(await everythingSaid(on, answers))
  })

  test('when an upstream echoes the credential inside a stream', async () => {
    const inside = await upstream((request, response) => {
      const error = { code: 'invalid_prompt', message: `no: ${String(request.headers.authorization)}` }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(`event: response.failed\ndata: ${JSON.stringify({ type: 'response.failed', response: { id: 'resp_1', status: 'failed', error } })}\n\n`)
    })
    const on = await stage({ accounts: { a: { base_url: inside, credential: { api_key: apiKey } }, b: {} } })
    // The stream itself is the upstream's, and passes as it came.
    expect((await on.ask(streamed)).events.at(-1)?.type).toBe('response.failed')
    expectNone(await everythingSaid(on, []))
  })

  test('when a proxy with a password cannot be reached, or refuses', async () => {
    const gone = new URL(await upstream((_request, response) => void response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end()))
    const proxy = (port: string) => `http://operator:${proxyPassword}@127.0.0.1:${port}`
    const on = await stage({ accounts: { a: { proxy: proxy('9') }, b: { proxy: proxy(gone.port) } }, failover: { patience: '0s' } })
    const answers = [await on.ask(), await on.ask(streamed)]
    for (const answer of answers) expect(answer.status).toBeGreaterThanOrEqual(500)
    expectNone(await everythingSaid(on, answers))
  })

  test('when clients send keys in wrong places', async () => {
    const on = await stage({ accounts: { a: {} } })
    const answers = [
      await on.ask(question, { path: `/v1/responses?api_key=${laptopKey}` }),
      await on.ask(null, { path: `/v1/models?token=${adminToken}` }),
      await on.ask(null, { path: '/admin/api/accounts', key: laptopKey }),
      await on.ask(`{"model":"${otherKey}"`, {}),
    ]
    const bare = await wire(on.gateway.url, `GET /v1/models?key=${laptopKey} HTTP/9.9\r\nauthorization: Bearer ${laptopKey}\r\n\r\n`)
    const said = [...on.log, ...answers.map(({ text }) => text), await restOf(bare)].join('\n')
    expectNone(said)
  })
})

test.each([
  ['a credential with a space', { accounts: { a: { credential: { api_key: `${apiKey} x` } } } }],
  ['a credential of two kinds', { accounts: { a: { credential: { api_key: apiKey, oauth: { access_token: accessToken } } } } }],
  ['a misspelt field beside it', { accounts: { a: { credential: { api_key: apiKey, apikey: apiKey } } } }],
  ['a proxy of an unknown scheme', { accounts: { a: { proxy: `ftp://operator:${proxyPassword}@127.0.0.1:1` } } }],
  [
    'a proxy that is private',
    { accounts: { a: { base_url: 'https://api.openai.com/v1', allow_private: false, proxy: `http://operator:${proxyPassword}@127.0.0.1:1` } } },
  ],
  ['a token with a line break', { accounts: { a: {} }, admin: { token: `${metricsToken}\nx` }, metrics: { token: `${metricsToken} x` } }],
  ['a base URL with a password', { accounts: { a: { base_url: `https://operator:${proxyPassword}@api.openai.com/v1` } } }],
])('a configuration with %s is refused without a word of it', async (_what, scene) => {
  const on = await stage({ accounts: { a: {} } })
  on.write(scene)
  const opened = await createGateway({ file: on.file, environment: {}, overrides: { host: '127.0.0.1', port: 0, data: `${on.folder}/elsewhere` } })
  expect(opened).toMatchObject({ kind: 'failed', exit: 2 })
  on.gateway.reload()
  const { text } = await on.ask(null, { path: '/admin/api/status', key: adminToken })
  expectNone([...on.log, text, JSON.stringify(opened)].join('\n'))
  expect(text).toContain('accounts')
})
