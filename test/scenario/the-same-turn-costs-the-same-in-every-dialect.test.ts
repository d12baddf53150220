import { describe, expect, test } from 'vitest'
import type { TurnRow } from '../../src/ports/stores.ts'
import { Case, used } from '../support/dialect-case.ts'
import { ways, type Way } from '../support/dialect-clients.ts'
import { gatewayOfThisFile } from '../support/gateway.ts'

const stage = gatewayOfThisFile()

/** The prices are the operator's, so that a model of one name is had from every kind of upstream. Dollars per million tokens. */
const prices = [{ model: 'priced', input: 4, cached: 0.4, written: 5, output: 20 }]
/** 136 uncached, 1000 cached, 64 written, 88 out, in nanodollars. */
const nanoUsd = BigInt(136 * 4_000 + 1000 * 400 + 64 * 5_000 + 88 * 20_000)
const usage = { inputTokens: 1200, cachedTokens: 1000, cacheWriteTokens: 64, longCacheWriteTokens: 0, outputTokens: 88, reasoningTokens: 20 }

const begun = (way: Way, plays: object) => stage({ accounts: { a: { dialects: [way.upstream], plays: { label: 'it', ...plays } } }, prices })

/** What the books say of a turn, but for when it was and who served it. */
function booked({ outcome, code, tier, usage: told, charge, model, attempts }: TurnRow): object {
  return { outcome, code, tier, usage: told, charge, model, attempts: attempts.map(({ usage: each, outcome: how }) => ({ usage: each, outcome: how })) }
}

const seen = new Map<string, object>()

function sameEverywhere(title: string, record: TurnRow | undefined): void {
  expect(record).toBeDefined()
  if (record === undefined) return
  const first = seen.get(title)
  if (first === undefined) seen.set(title, booked(record))
  else expect(booked(record)).toEqual(first)
}

describe.each(ways)('a turn asked in $client of an upstream that speaks $upstream', (way) => {
  test.each([
    ['whole', false],
    ['streamed', true],
  ])('has the usage that its upstream told, and the charge of it: %s', async (title, stream) => {
    const one = new Case(await begun(way, { usage: used }), way)
    await one.say('hello', { model: 'priced', stream })
    const [record] = await one.records(1)
    expect(record).toMatchObject({ outcome: 'completed', usage, charge: { nanoUsd, estimatedNanoUsd: null } })
    sameEverywhere(title, record)
  })

  test('has the same counts where they are counted by its words, with tools, a call and its result', async () => {
    const one = new Case(await begun(way, { count: 'words' }), way)
    // The hint by which Responses and Chat find what is cached; Messages marks it instead, and here nothing.
    const wishes = { model: 'priced', stream: true, tools: ['lookup'], system: 'be brief' }
    await one.say('call:lookup({"q":1})', wishes)
    await one.give(['forty-two'], wishes)
    const [, second] = await one.records(2)
    const counts = (second?.usage ?? null) === null ? null : [second?.usage?.inputTokens, second?.usage?.outputTokens]
    const first = counted.get('dialogue') ?? counts
    counted.set('dialogue', first)
    expect(counts).toEqual(first)
    expect(second?.usage?.inputTokens).toBeGreaterThan(10)
  })

  test('costs nothing known where nobody told the usage, and is estimated', async () => {
    const one = new Case(await begun(way, { faults: [{ fault: 'no-usage' }] }), way)
    await one.any('hello', { model: 'priced', stream: true }, (breach) => breach.startsWith('a response without'))
    const [record] = await one.records(1)
    expect(record).toMatchObject({ outcome: 'completed', usage: null, charge: { nanoUsd: null, estimatedNanoUsd: expect.any(BigInt) as bigint } })
  })

  test('costs nothing known where it broke off before its usage was told', async () => {
    const one = new Case(await begun(way, { usage: used, tier: 'default', faults: [{ fault: 'cut', before: 'end' }] }), way)
    await one.any('hello', { model: 'priced', stream: true })
    const [record] = await one.records(1)
    expect(record).toMatchObject({ outcome: 'failed', charge: { nanoUsd: null } })
  })
})

const counted = new Map<string, unknown>()
