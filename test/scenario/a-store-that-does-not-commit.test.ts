import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { eventually } from '../support/client.ts'
import { adminToken, ownGateway, question, streamed, type Stage } from '../support/gateway.ts'

/** Another program that locks the store. The answer lets it go. */
function lock({ folder }: Stage): () => void {
  const other = new Sqlite(join(folder, 'data', 'turnout.db'))
  other.exec('begin immediate')
  return () => {
    other.exec('rollback')
    other.close()
  }
}

const ready = (on: Stage) => on.ask(null, { path: '/readyz' })
const inStore = (on: Stage) =>
  eventually(
    () => on.metric('turnout_ledger_lag_records'),
    (lag) => lag === 0,
  )
const unavailable = { status: 503, json: { error: { code: 'ledger_unavailable' } }, headers: { 'retry-after': '5' } }

// G2.
test('while another program locks the store, turns are served on the spool; when it lets go, all are on the books, once', async () => {
  const on = await ownGateway({ accounts: { a: { plays: { deltas: 2, paceMs: 400 } } } })
  const running = on.open(streamed)
  await running.until('output_text.delta')

  const unlock = lock(on)
  on.play('a', {})
  const startedAtMs = Date.now()
  const first = await Promise.all([on.open(streamed).whole(), on.ask(question)])
  expect(Date.now() - startedAtMs).toBeLessThan(6000)
  const atOnce = Date.now()
  const later = [await on.ask(), await on.ask()]
  expect(Date.now() - atOnce).toBeLessThan(3000)
  const answers = [await running.whole(), ...first, ...later]
  for (const answer of answers) expect(answer).toMatchObject({ status: 200, end: 'clean' })
  expect(answers[0]?.events.at(-1)?.type).toBe('response.completed')
  expect(await on.onTheBooks(later[0] ?? { headers: {} })).toBeNull()

  expect(await ready(on)).toMatchObject({ status: 503, json: { reason: 'the store does not commit' } })
  expect((await on.ask(null, { path: '/healthz' })).status).toBe(200)
  expect((await on.ask(null, { path: '/admin/api/status', key: adminToken })).json).toMatchObject({ ready: false })
  expect(await on.metric('turnout_ledger_lag_records')).toBeGreaterThan(4)

  unlock()
  await inStore(on)
  expect(await ready(on)).toMatchObject({ status: 200 })
  for (const answer of answers) expect(await on.onTheBooks(answer)).toMatchObject({ status: 'settled', outcome: 'completed', usage: {} })
  const { json } = await on.ask(null, { path: '/admin/api/usage?by=key', key: adminToken })
  expect(json).toMatchObject({ rows: [{ by: { key: 'laptop' }, turns: answers.length }] })
})

// G2.
test('when the spool is full no new turn is served, and those that run are ended; when the store is back, all go on', async () => {
  const on = await ownGateway({ accounts: { a: { concurrency: 200 }, b: { models: { slow: 'slow' }, only_mapped: true, plays: { deltas: 60, paceMs: 100 } } } })
  const running = on.open({ ...streamed, model: 'slow' })
  await running.until('output_text.delta')
  const unlock = lock(on)
  let served = 0
  const client = async () => {
    for (;;) {
      const answer = await on.ask({ ...question, metadata: { text: 'x' } })
      if (answer.status !== 200) return answer
      served += 1
    }
  }
  for (const answer of await Promise.all(Array.from({ length: 40 }, client))) expect(answer).toMatchObject(unavailable)
  expect(served).toBeGreaterThan(100)
  const sent = on.sent('a').length
  expect(await on.ask()).toMatchObject(unavailable)
  expect(on.sent('a')).toHaveLength(sent)
  // There is still room for its end.
  expect(await running.whole()).toMatchObject({ status: 200, end: 'clean' })

  unlock()
  await inStore(on)
  const after = await on.ask()
  expect(await on.onTheBooks(after)).toMatchObject({ status: 'settled' })
  expect(await on.onTheBooks(await running.head())).toMatchObject({ status: 'settled', outcome: 'completed' })
})

test('where there is no room for a spool, turns are refused while the store does not commit, or served where the operator wants that', async () => {
  const on = await ownGateway({ accounts: { a: {} } })
  await on.stop()
  const spool = join(on.folder, 'data', 'turnout.spool')
  rmSync(spool)
  // A file on which there is no room.
  symlinkSync('/dev/full', spool)
  await on.start()
  const unlock = lock(on)
  const refused = await Promise.all([on.ask(), on.open(streamed).whole()])
  for (const answer of refused) expect(answer).toMatchObject(unavailable)
  expect(await on.ask()).toMatchObject(unavailable)

  on.change({ ledger: { spool: '1MiB', on_failure: 'serve' } })
  const served = [await on.ask(), await on.ask()]
  for (const answer of served) expect(answer.status).toBe(200)
  expect(on.log.filter((line) => line.includes('records of turns are on no disk'))).toHaveLength(1)
  unlock()
  // What was on no disk is in the store all the same, since the process lived.
  for (const answer of [...refused, ...served]) expect((await on.record(answer)).status).toBe('settled')
})
