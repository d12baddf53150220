import { describe, expect, test } from 'vitest'
import { eventually } from '../support/client.ts'
import { ownGateway, streamed } from '../support/gateway.ts'

describe('a gateway that is told to stop', () => {
  test('lets running turns finish, and ends when they have', async () => {
    const on = await ownGateway({ accounts: { a: { plays: { deltas: 3, paceMs: 60 } } } })
    const running = on.open(streamed)
    await running.until('output_text.delta')
    const drained = on.gateway.drain()
    const answer = await running.whole()
    expect(answer).toMatchObject({ end: 'clean' })
    expect(answer.events.at(-1)?.type).toBe('response.completed')
    await drained
    expect(await on.onTheBooks(answer)).toMatchObject({ status: 'settled', outcome: 'completed' })
    await expect(on.ask()).rejects.toThrow('ECONNREFUSED')
  })

  test('cuts off what takes longer than the drain, tells it in-band, and holds it against nobody', async () => {
    const on = await ownGateway({ accounts: { a: { plays: { faults: [{ fault: 'silent', events: 5 }] } } }, times: { drain: '100ms' } })
    const streaming = on.open(streamed)
    await streaming.until('output_text.delta')
    on.play('a', { faults: [{ fault: 'hang' }] })
    const waiting = on.open(streamed)
    await eventually(
      () => on.sent('a').length + on.simulator.inFlight(on.credential('a')),
      (seen) => seen >= 3,
    )
    await on.gateway.drain()
    const [cut, refused] = await Promise.all([streaming.whole(), waiting.whole()])
    expect(cut).toMatchObject({ end: 'cut' })
    expect(cut.events.at(-1)).toMatchObject({ type: 'response.failed', data: { response: { error: { code: 'shutting_down' } } } })
    expect(refused).toMatchObject({ status: 503, json: { error: { code: 'shutting_down' } } })
    for (const answer of [cut, refused])
      expect(await on.onTheBooks(answer)).toMatchObject({
        status: 'settled',
        outcome: 'cancelled',
        attempts: [{ account: 'a', outcome: 'cancelled', failure: null }],
      })
  })
})
