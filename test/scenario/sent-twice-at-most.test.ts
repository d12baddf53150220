import { describe, expect, test } from 'vitest'
import { gatewayOfThisFile, question, streamed, triedBy } from '../support/gateway.ts'

const stage = gatewayOfThisFile()

// B27
describe('a request that may have been served already', () => {
  const silentOnes = [
    ['was reset before its head', { fault: 'reset' }],
    ['ended without anything final', { fault: 'end-early', events: 2 }],
    ['was cut without anything final', { fault: 'cut', events: 1 }],
    ['fell silent', { fault: 'silent', events: 2 }],
    ['was never answered', { fault: 'hang' }],
  ] as const
  const times = { first_event: '80ms', between_events: '80ms' }

  test.each(silentOnes)('that %s is sent to one further account, and to no third', async (_how, fault) => {
    const plays = { faults: [fault] }
    const on = await stage({ accounts: { a: { plays }, b: { plays }, c: {} }, times })
    const answer = await on.ask(streamed)
    expect(triedBy(await on.record(answer))).toEqual(['a', 'b'])
    expect(answer.status).toBeGreaterThanOrEqual(500)
    expect(on.sent('c')).toEqual([])
    expect((await on.record(answer)).usage).toBeNull()
  })

  test('is not sent again where the client wants it stored: it might be stored twice', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'reset' }] } }, b: {} } })
    const answer = await on.ask({ ...streamed, store: true })
    expect(triedBy(await on.record(answer))).toEqual(['a'])
    expect(answer).toMatchObject({ status: 502, json: { error: { code: 'upstream_unreachable' } } })
  })

  test('is not sent again when a whole answer took too long: it may be running still', async () => {
    const on = await stage({ accounts: { a: { plays: { faults: [{ fault: 'hang' }] } }, b: {} }, times: { answer: '80ms' } })
    const answer = await on.ask(question)
    expect(answer).toMatchObject({ status: 504, json: { error: { code: 'upstream_timeout' } } })
    expect(triedBy(await on.record(answer))).toEqual(['a'])
  })

  test.each([
    ['429', { fault: 'rate' }],
    ['500', { fault: 'server' }],
    ['a failure told inside the stream', { fault: 'failed' }],
  ] as const)('is not one that was answered with %s: that moves on freely, stored or not', async (_what, fault) => {
    const plays = { faults: [fault] }
    const on = await stage({ accounts: { a: { plays }, b: { plays }, c: {} } })
    const answer = await on.ask({ ...streamed, store: true })
    expect(triedBy(await on.record(answer))).toEqual(['a', 'b', 'c'])
    expect(answer.status).toBe(200)
  })
})
