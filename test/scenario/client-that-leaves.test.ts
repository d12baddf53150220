import { describe, expect, test } from 'vitest'
import { eventually, wire } from '../support/client.ts'
import { gatewayOfThisFile, laptopKey, otherKey, streamed, triedBy, type Stage } from '../support/gateway.ts'
import { upstream } from '../support/upstream.ts'

const stage = gatewayOfThisFile()
const floodBytes = 128 * 1024 * 1024

const ended = (on: Stage, outcome: string, count: number) =>
  eventually(
    () => on.metric(`turnout_turns_total{endpoint="responses",outcome="${outcome}"}`),
    (turns) => turns >= count,
  )

// B16
describe('a client that leaves', () => {
  test('before output ends its turn: the upstream is called off, nobody else is asked, and no health is touched', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'hang', times: 1 }] } }, b: {} } })
    const before = await on.metric('turnout_turns_total{endpoint="responses",outcome="cancelled"}')
    const leaving = on.open(streamed)
    leaving.head().catch(() => undefined)
    await eventually(
      () => on.simulator.inFlight(on.credential('a')),
      (inFlight) => inFlight === 1,
    )
    leaving.abort()
    await eventually(
      () => on.simulator.inFlight(on.credential('a')),
      (inFlight) => inFlight === 0,
    )
    await ended(on, 'cancelled', before + 1)
    expect(on.sent('b')).toEqual([])
    expect(triedBy(await on.record(await on.ask(streamed)))).toEqual(['a'])
  })

  test('after output has its upstream read to the end, and its usage booked', async () => {
    const on = await stage({ accounts: { a: { plays: { deltas: 4, paceMs: 30 } } } })
    const leaving = on.open(streamed)
    const head = await leaving.head()
    await leaving.until('output_text.delta')
    leaving.abort()
    const record = await on.record(head)
    expect(record).toMatchObject({ outcome: 'cancelled', attempts: [{ account: 'a', outcome: 'cancelled', failure: null }] })
    expect(record.usage?.outputTokens).toBeGreaterThan(0)
    expect(triedBy(await on.record(await on.ask(streamed)))).toEqual(['a'])
  })

  test('while it waits for an account, gives up its place', async () => {
    const on = await stage({ accounts: { a: { concurrency: 1, plays: { faults: [{ fault: 'slow', ms: 300, before: 'head', times: 1 }] } } } })
    const first = on.open(streamed)
    await eventually(
      () => on.simulator.inFlight(on.credential('a')),
      (inFlight) => inFlight === 1,
    )
    const leaving = on.open(streamed, { key: otherKey })
    leaving.head().catch(() => undefined)
    const third = on.ask(streamed)
    leaving.abort()
    expect((await first.whole()).end).toBe('clean')
    expect((await third).end).toBe('clean')
    expect(on.simulator.inFlightMax(on.credential('a'))).toBe(1)
    expect(on.sent('a').length).toBeLessThanOrEqual(3)
  })

  test('without taking its bytes holds its upstream up, and is gone in the end', async () => {
    let written = 0
    const flood = await upstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const event = `event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"${'z'.repeat(64 * 1024)}"}\n\n`
      const more = (): void => {
        while (written < floodBytes && !response.destroyed) {
          written += event.length
          if (!response.write(event)) return void response.once('drain', more)
        }
        response.end('event: response.completed\ndata: {"type":"response.completed","response":{"id":"resp_1","status":"completed"}}\n\n')
      }
      more()
    })
    const on = await stage({ accounts: { a: { base_url: flood } }, times: { client_write: '500ms' } })
    const cancelled = await on.metric('turnout_turns_total{endpoint="responses",outcome="cancelled"}')
    const body = JSON.stringify(streamed)
    const head = `POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${laptopKey}\r\ncontent-length: ${body.length}\r\n\r\n`
    const deaf = await wire(on.gateway.url, head + body)
    let before = -1
    await eventually(
      () => [before, (before = written)] as const,
      ([last, now]) => now > 0 && now === last,
    )
    expect(written).toBeLessThan(floodBytes / 2)
    await ended(on, 'cancelled', cancelled + 1)
    deaf.destroy()
  })
})
