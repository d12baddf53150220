import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startSimulator } from '../../src/simulator/server.ts'
import { eventually, Exchange } from '../support/client.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { adminToken, gatewayOfThisFile, laptopKey, question, Stage, streamed } from '../support/gateway.ts'

const stage = gatewayOfThisFile()

describe('a client that has the end of its answer finds its turn on the books', () => {
  test('of a stream, whoever else is served at the time', async () => {
    const on = await stage({ accounts: { a: { concurrency: 100, plays: { deltas: 2, paceMs: 2 } } } })
    const found = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const turn = on.open({ ...streamed, input: `question ${index}` })
        await turn.until('event: response.completed')
        return on.onTheBooks(await turn.head())
      }),
    )
    for (const row of found) expect(row).toMatchObject({ status: 'settled', outcome: 'completed', usage: { outputTokens: expect.any(Number) as number } })
  })

  test('of a whole answer, through the admin API', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'quota' }] } }, b: { models: { 'gpt-5.5': 'y' } } } })
    const answer = await on.ask({ ...question, service_tier: 'fast' })
    const { json, status } = await on.ask(null, { path: `/admin/api/turns/${String(answer.headers['x-turnout-turn'])}`, key: adminToken })
    expect(status).toBe(200)
    const usage = (answer.json['usage'] ?? {}) as Record<string, unknown>
    expect(json).toMatchObject({
      key: 'laptop',
      endpoint: 'responses',
      transport: 'http',
      model: 'gpt-5.5',
      status: 'settled',
      outcome: 'completed',
      tier: { requested: 'fast', sent: null, served: 'default', billed: 'default' },
      usage: { input_tokens: usage['input_tokens'], output_tokens: usage['output_tokens'] },
      attempts: [
        { account: 'a', outcome: 'failed', failure: 'quota', status: 429, not_chosen: [{ account: 'b', why: 'priority 2' }] },
        {
          account: 'b',
          upstream_model: 'y',
          outcome: 'completed',
          failure: null,
          because: 'priority 2, the best that is ready',
          not_chosen: [{ account: 'a', why: 'failed in this turn' }],
        },
      ],
    })
  })

  test('of one that failed inside its stream', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'failed', events: 6 }] } } } })
    const turn = on.open(streamed)
    await turn.until('event: response.failed')
    expect(await on.onTheBooks(await turn.head())).toMatchObject({ status: 'settled', outcome: 'failed', attempts: [{ account: 'a', failure: 'overload' }] })
  })
})

test.each([
  ['that is missing', { fault: 'no-usage' }],
  ['that makes no sense', { fault: 'bad-usage' }],
])('usage %s is unknown, never zero, and the answer passes all the same', async (_what, fault) => {
  const on = await stage({ accounts: { a: { plays: { faults: [fault] } } } })
  const answer = await on.ask(streamed)
  expect(answer.events.at(-1)?.type).toBe('response.completed')
  expect(await on.onTheBooks(answer)).toMatchObject({ status: 'settled', usage: null })
})

test('a gateway that is killed leaves each turn that was running as interrupted, and each that was over as it was', async () => {
  const simulator = await startSimulator()
  onTestFinished(() => simulator.close())
  const staged = new Stage(simulator, mkdtempSync(join(tmpdir(), 'turnout-')))
  onTestFinished(() => rmSync(staged.folder, { recursive: true, force: true }))
  staged.write({ accounts: { a: { concurrency: 100 } } })
  const killed = new GatewayProcess(staged.folder)
  const url = await killed.says(/Turnout listens on (\S+)/)
  const open = () => new Exchange(`${url}/v1/responses`, { method: 'POST', headers: { authorization: `Bearer ${laptopKey}` }, body: JSON.stringify(streamed) })
  const over = await Promise.all(Array.from({ length: 10 }, () => open().whole()))
  staged.play('a', { faults: [{ fault: 'silent', events: 5 }] })
  const running = Array.from({ length: 10 }, open)
  const heads = await Promise.all(running.map((turn) => turn.until('output_text.delta').then(() => turn.head())))
  await killed.kill()
  for (const turn of running) expect((await turn.whole()).end).toBe('cut')

  await staged.start()
  onTestFinished(() => staged.stop())
  for (const answer of over)
    expect(await staged.onTheBooks(answer)).toMatchObject({ status: 'settled', outcome: 'completed', usage: { outputTokens: expect.any(Number) as number } })
  for (const head of heads) expect(await staged.onTheBooks(head)).toMatchObject({ status: 'interrupted', outcome: null, usage: null })
  const books = new Sqlite(join(staged.folder, 'data', 'turnout.db'), { readonly: true })
  expect(books.prepare('select count(*) as turns from turns').get()).toEqual({ turns: 20 })
  expect(books.pragma('integrity_check', { simple: true })).toBe('ok')
  books.close()
  staged.play('a', {})
  expect(
    (
      await eventually(
        () => staged.ask(),
        ({ status }) => status === 200,
      )
    ).status,
  ).toBe(200)
})
