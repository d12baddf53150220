import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { responses } from '../../src/dialect/responses/responses.ts'
import { turnout } from '../cli/support.ts'
import type { Answer, Json } from '../support/client.ts'
import { adminToken, gatewayOfThisFile, laptopKey, otherKey, question, streamed, type Stage } from '../support/gateway.ts'
import { answerOf, socketUpstream } from '../support/socket-upstream.ts'
import { upstream } from '../support/upstream.ts'

const stage = gatewayOfThisFile()

const apiKey = 'sk-proj-MARKED-0a1b2c3d4e5f'
const oauth = { access_token: 'at-MARKED-access-token', refresh_token: 'rt-MARKED-refresh-token', account_id: 'MARKED-account-id', client_id: 'client' }
const secrets = [adminToken, laptopKey, otherKey]
const credential = { api_key: apiKey }

/** What an upstream says that says back what it was sent. */
const echo = (request: IncomingMessage): string => `Incorrect key: ${String(request.headers.authorization)} of ${String(request.headers['chatgpt-account-id'])}`
const failed = (request: IncomingMessage) => ({
  type: 'response.failed',
  response: { id: 'resp_1', status: 'failed', error: { code: 'server_error', message: echo(request) } },
})
const sse = (...events: readonly Json[]): string => events.map((event) => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`).join('')

function streaming(events: (request: IncomingMessage) => readonly Json[]): Promise<string> {
  return upstream((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(sse(...events(request)))
  })
}

const refusing = (status: number, code: string | null) =>
  upstream((request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error: { message: echo(request), type: 'invalid_request_error', param: echo(request), code } }))
  })

const adminPaths = ['status', 'accounts', 'turns', 'rules', 'keys', 'audit', 'usage?by=account', 'usage?by=model'].map((path) => `/admin/api/${path}`)
const commands = [
  ['check', '--json'],
  ['check', '--connect'],
  ['doctor'],
  ['accounts', 'list', '--json'],
  ['turns', 'list', '--json'],
  ['keys', 'list'],
  ['audit', '--json'],
  ['usage', '--json'],
]

/** Every file below a folder, but for those whose content is the secret itself. */
function filesIn(folder: string): readonly string[] {
  const own = new Set(['secret.key', 'admin.token', 'trial.key'])
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.flatMap((entry) => (entry.isFile() && !own.has(entry.name) ? [join(entry.parentPath, entry.name)] : []))
}

/** All that was said and written: to clients, to the operator, in the log and on the disk. */
async function everything(on: Stage, answers: readonly unknown[] = []): Promise<string> {
  const said = answers.map((answer) => (typeof answer === 'string' ? answer : JSON.stringify(answer)))
  for (const path of [...adminPaths, '/metrics', '/readyz', '/openapi.json']) {
    const { text, headers } = await on.ask(null, { path, key: adminToken })
    said.push(text, JSON.stringify(headers))
  }
  const { json } = await on.ask(null, { path: '/admin/api/turns', key: adminToken })
  for (const { id } of json['turns'] as readonly { id: string }[]) said.push((await on.ask(null, { path: `/admin/api/turns/${id}`, key: adminToken })).text)
  const { json: listed } = await on.ask(null, { path: '/admin/api/accounts', key: adminToken })
  for (const { name } of listed['accounts'] as readonly { name: string }[]) {
    said.push((await on.ask(null, { path: `/admin/api/accounts/${name}/test?model=gpt-5.5`, method: 'POST', key: adminToken })).text)
  }
  for (const file of filesIn(join(on.folder, 'data'))) said.push(readFileSync(file, 'latin1'))
  return [...said, ...on.log].join('\n')
}

let backups = 0

/** All that commands print, and a backup. */
async function onTerminal(on: Stage): Promise<string> {
  const { json } = await on.ask(null, { path: '/admin/api/turns?limit=5', key: adminToken })
  const turns = (json['turns'] as readonly { id: string }[]).map(({ id }) => ['turns', 'show', id])
  const backup = join(on.folder, `backup-${++backups}.db`)
  const said: string[] = []
  for (const words of [...commands, ...turns, ['accounts', 'test', 'a', '--model', 'gpt-5.5'], ['backup', backup]]) {
    const { out, err } = await turnout([...words, '--config', on.file])
    said.push(out, err)
  }
  return [...said, readFileSync(backup, 'latin1')].join('\n')
}

function expectNone(said: string, more: readonly string[] = []): void {
  expect(said.length).toBeGreaterThan(10_000)
  for (const secret of [...secrets, ...more]) expect(said.includes(secret), `${secret.slice(0, 6)}…`).toBe(false)
  const at = said.indexOf('MARKED')
  expect(at === -1 ? '' : said.slice(Math.max(0, at - 200), at + 40)).toBe('')
}

const said = ({ text, headers }: Answer): string => text + JSON.stringify(headers)

describe('a credential that its upstream says back is nowhere afterwards', () => {
  test.each([
    ['an answer of 401', () => refusing(401, null)],
    ['an answer of 401 that names a revoked token', () => refusing(401, 'token_revoked')],
    ['an answer of 400, which the client gets as it is', () => refusing(400, null)],
    ['an answer of 500', () => refusing(500, 'server_error')],
    ['a code, where a word belongs', () => refusing(403, apiKey)],
    ['the first event of a stream', () => streaming((request) => [failed(request)])],
    ['an error event of a stream', () => streaming((request) => [{ type: 'error', code: apiKey, message: echo(request), param: null }])],
    ['an event of a stream after output', () => streaming((request) => [answerOf('resp_1').created, ...answerOf('resp_1').output, failed(request)])],
  ])('in %s', async (_where, open) => {
    const account = { base_url: await open(), credential }
    // Two of them: a lone one is tried again after a while.
    const on = await stage({ accounts: { a: account, b: account }, failover: { patience: '0s' } })
    const answers = [await on.ask(), await on.ask(streamed), await on.ask({ ...question, stream: true }, { key: otherKey })]
    expectNone(await everything(on, answers.map(said)))
  })

  test('on a terminal, and in a backup', async () => {
    const on = await stage({ accounts: { a: { base_url: await refusing(403, apiKey), credential } }, failover: { patience: '0s' } })
    await on.record(await on.ask())
    expectNone(await onTerminal(on))
  })

  test('in an answer that refuses a handshake', async () => {
    const url = await new Promise<string>((resolve) => {
      const server = createServer((request: IncomingMessage, response: ServerResponse) => response.writeHead(401).end(echo(request)))
      server.on('upgrade', (request, socket) => {
        const body = JSON.stringify({ error: { message: echo(request), code: 'invalid_api_key', type: null, param: null } })
        socket.end(`HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`)
      })
      server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`))
      onTestFinished(() => {
        server.close()
      })
    })
    const on = await stage({ accounts: { a: { base_url: url, credential, websocket: 'on' } }, failover: { patience: '0s' } })
    const session = await on.session()
    session.create(question)
    const { code, reason } = await session.closed()
    expectNone(await everything(on, [...session.frames, code, reason]))
  })

  test.each([
    ['the first event of a socket', 0],
    ['an event of a socket after output', 3],
  ])('in %s', async (_where, output) => {
    const authorization = { said: '' }
    const granter = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => granter.close())
    granter.on('connection', (ws, request) => {
      authorization.said = echo(request)
      ws.on('message', () => {
        const { created, output: events } = answerOf('resp_1')
        for (const event of [created, ...events.slice(0, output)]) ws.send(JSON.stringify(event))
        ws.send(JSON.stringify({ type: 'error', status: 401, error: { code: 'token_revoked', message: echo(request), type: null, param: echo(request) } }))
        ws.close(1008, echo(request).slice(0, 100))
      })
    })
    await once(granter, 'listening')
    const url = `http://127.0.0.1:${(granter.address() as AddressInfo).port}/v1`
    const on = await stage({ accounts: { a: { base_url: url, credential, websocket: 'on' } }, failover: { patience: '0s' } })
    const session = await on.session()
    session.create(question)
    await session.nextOf('error')
    session.leave()
    expect(authorization.said).toContain(apiKey)
    expectNone(await everything(on, session.frames))
  })

  test('in a frame that is no event at all', async () => {
    const { url } = await socketUpstream((_, { ws }) => {
      ws.send(`${apiKey} is not JSON`)
      ws.close(1011, apiKey)
    })
    const on = await stage({ accounts: { a: { base_url: url, credential, websocket: 'on' } }, failover: { patience: '0s' } })
    const session = await on.session()
    session.create(question)
    await session.closed()
    expectNone(await everything(on, session.frames))
  })
})

describe('what an account renews itself with is nowhere afterwards', () => {
  const tokens = (status: number, body: (asked: string) => unknown) =>
    upstream((_request, response, asked) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body(asked.toString())))
    })

  test.each([
    ['refuses, and says it back', 400, (asked: string) => ({ error: 'invalid_grant', error_description: `no: ${asked}` })],
    ['refuses with it for a code', 401, (asked: string) => ({ error: { code: asked, message: asked } })],
    ['is unwell, and says it back', 500, (asked: string) => ({ error: { message: asked } })],
    ['gives new ones', 200, () => ({ access_token: 'at-MARKED-new', refresh_token: 'rt-MARKED-new', expires_in: 3600 })],
    ['gives what no header can carry', 200, () => ({ access_token: 'at-MARKED bad\n', refresh_token: 'rt-MARKED bad\n' })],
  ])('when the endpoint %s', async (_what, status, body) => {
    const url = await tokens(status, body)
    const on = await stage({
      accounts: { a: { base_url: await refusing(401, null), credential: { oauth: { ...oauth, token_url: `${url}/token` } } } },
      failover: { patience: '0s' },
    })
    const answers = [await on.ask(), await on.ask(streamed)]
    expectNone(await everything(on, answers.map(said)))
  })

  test('on a terminal, and in a backup', async () => {
    const url = await tokens(200, () => ({ access_token: 'at-MARKED-new', refresh_token: 'rt-MARKED-new', expires_in: 3600 }))
    const on = await stage({
      accounts: { a: { base_url: await refusing(401, null), credential: { oauth: { ...oauth, token_url: `${url}/token` } } } },
      failover: { patience: '0s' },
    })
    await on.record(await on.ask())
    expectNone(await onTerminal(on))
  })

  test('when another sign-in is imported', async () => {
    const on = await stage({ accounts: { a: { credential: { oauth: { ...oauth, token_url: 'http://127.0.0.1:9/token' } } } }, failover: { patience: '0s' } })
    const path = '/admin/api/accounts/a/credential'
    const signIn = { access_token: 'at-MARKED-imported', refresh_token: 'rt-MARKED-imported', account_id: 'MARKED-imported' }
    const answers = [
      await on.ask(signIn, { path, key: adminToken }),
      await on.ask({ ...signIn, access_token: 'at-MARKED with a space' }, { path, key: adminToken }),
      await on.ask({ ...signIn, account_id: 7 }, { path, key: adminToken }),
      await on.ask(`{"access_token":"at-MARKED-cut`, { path, key: adminToken }),
      await on.ask(null, { path: '/admin/api/secrets/rotate', method: 'POST', key: adminToken }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 400, 400, 200])
    expectNone(await everything(on, answers.map(said)))
  })
})

describe('a key that was made is in the one answer that shows it', () => {
  test('through the admin API and from the command line', async () => {
    const on = await stage({ accounts: { a: {} } })
    const { json } = await on.ask({ name: 'by-api', pools: [on.pool] }, { path: '/admin/api/keys', key: adminToken })
    const byCommand = (await turnout(['keys', 'create', 'by-command', '--pool', on.pool, '--config', on.file])).out.trim()
    const made = [String(json['key']), byCommand]
    expect(made.every((key) => key.length > 30)).toBe(true)
    for (const key of made) expect((await on.ask(question, { key })).status).toBe(200)
    for (const name of ['by-api', 'by-command']) await on.ask(null, { path: `/admin/api/keys/${name}`, method: 'DELETE', key: adminToken })
    expectNone((await everything(on)) + (await onTerminal(on)), made)
  })
})

describe('a bug that trips over a secret', () => {
  test('says in the log where, and not what', async () => {
    const url = await upstream((request, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id: echo(request) })),
    )
    const on = await stage({ accounts: { a: { base_url: url, credential } }, failover: { patience: '0s' } })
    const tripping = vi.spyOn(responses, 'observeAnswer').mockImplementation((bytes) => {
      throw new Error(`cannot read ${bytes.toString()}`, { cause: new Error(`a client said ${laptopKey}`) })
    })
    onTestFinished(() => tripping.mockRestore())
    const answer = await on.ask()
    expect(answer.status).toBe(500)
    tripping.mockRestore()
    expect(on.log.join('\n')).toMatch(/cannot read .*a bug/)
    expectNone(await everything(on, [said(answer)]))
  })
})

test('secrets of a changed configuration are nowhere afterwards', async () => {
  const on = await stage({ accounts: { a: {} }, metrics: { token: 'mt-MARKED-metrics' } })
  on.change({
    accounts: {
      a: { credential, proxy: 'http://MARKED-user:MARKED-password@127.0.0.1:9' },
      b: { base_url: await refusing(401, null), credential: { oauth: { ...oauth, token_url: 'http://127.0.0.1:9/token' } } },
    },
    metrics: { token: 'mt-MARKED-other' },
    failover: { patience: '0s' },
  })
  const answers = [await on.ask(), await on.ask(streamed)]
  expectNone(await everything(on, answers.map(said)))
})
