import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { eventually } from '../support/client.ts'
import { adminToken, ownGateway, question, streamed } from '../support/gateway.ts'

// A turn waits 5 s for its record, so this is one scenario and not five.
test('while another program locks the store, no turn is served that would not be on the books; when it lets go, all go on', async () => {
  const on = await ownGateway({ accounts: { a: { plays: { deltas: 2, paceMs: 400 } } } })
  const running = on.open(streamed)
  await running.until('output_text.delta')

  const locking = new Sqlite(join(on.folder, 'data', 'turnout.db'))
  locking.exec('begin immediate')
  on.play('a', {})
  const startedAtMs = Date.now()
  const beginning = await Promise.all([on.open(streamed).whole(), on.ask(question)])
  const tookMs = Date.now() - startedAtMs
  expect(tookMs).toBeGreaterThan(3500)
  expect(tookMs).toBeLessThan(7000)
  for (const answer of beginning)
    expect(answer).toMatchObject({ status: 503, json: { error: { code: 'ledger_unavailable' } }, headers: { 'retry-after': '5' } })

  const broken = await running.whole()
  expect(broken).toMatchObject({ status: 200, end: 'cut' })
  expect(broken.events.at(-1)).toMatchObject({ type: 'response.failed', data: { response: { error: { code: 'ledger_unavailable' } } } })
  expect(broken.text).not.toContain('response.completed')

  const sent = on.sent('a').length
  const atOnce = Date.now()
  expect(await on.ask()).toMatchObject({ status: 503, json: { error: { code: 'ledger_unavailable' } } })
  expect(Date.now() - atOnce).toBeLessThan(1000)
  expect(on.sent('a')).toHaveLength(sent)
  expect(await on.ask(null, { path: '/readyz' })).toMatchObject({ status: 503, json: { reason: 'the store does not commit' } })
  expect((await on.ask(null, { path: '/healthz' })).status).toBe(200)
  expect((await on.ask(null, { path: '/admin/api/status', key: adminToken })).json).toMatchObject({ ready: false })

  locking.exec('rollback')
  locking.close()
  const served = await eventually(
    () => on.ask(),
    ({ status }) => status === 200,
  )
  expect(await on.onTheBooks(served)).toMatchObject({ status: 'settled', outcome: 'completed' })
  expect(await on.ask(null, { path: '/readyz' })).toMatchObject({ status: 200 })
  // What was told "no" is on the books all the same, once.
  for (const answer of [...beginning, broken]) expect((await on.record(answer)).status).toBe('settled')
})
