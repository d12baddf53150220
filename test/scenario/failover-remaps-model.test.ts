import { describe, expect, test } from 'vitest'
import { gatewayOfThisFile, question, triedBy } from '../support/gateway.ts'

const stage = gatewayOfThisFile()

const alias = { ...question, model: 'alias-model' }
const rate = { faults: [{ fault: 'rate' }] } as const

describe('after a failover the next account receives', () => {
  const cases = [
    // A1
    ['the base model and never the alias, where both map it to the same', { 'alias-model': 'base-model' }, { 'alias-model': 'base-model' }, 'base-model'],
    // A2
    ['the alias as the client wrote it, where it has no mapping', { 'alias-model': 'base-model' }, {}, 'alias-model'],
    // A3
    ['the mapped model, where only it maps', {}, { 'alias-model': 'base-model' }, 'base-model'],
    // A4
    ['its own model, where both map differently', { 'alias-model': 'model-x' }, { 'alias-model': 'model-y' }, 'model-y'],
    // A13
    ['what its longest prefix yields', { 'alias-*': 'x-*' }, { '*': 'z', 'alias-*': 'y-*', 'al*': 'w' }, 'y-model'],
  ] as const
  test.each(cases)('%s', async (_title, ofA, ofB, received) => {
    const on = await stage({ accounts: { a: { models: ofA, plays: rate }, b: { models: ofB } } })
    const answer = await on.ask(alias)
    expect(answer).toMatchObject({ status: 200, json: { model: 'alias-model' } })
    expect(on.sent('a').map(({ fields }) => fields?.['model'])).toEqual([
      Object.hasOwn(ofA, 'alias-model') ? Object.values(ofA)[0] : received === 'y-model' ? 'x-model' : 'alias-model',
    ])
    expect(on.sent('b').map(({ fields }) => fields?.['model'])).toEqual([received])
    expect((await on.record(answer)).attempts.map(({ upstreamModel }) => upstreamModel)).toEqual([on.sent('a')[0]?.fields?.['model'], received])
  })

  test('nothing, where it serves only what it maps', async () => {
    const on = await stage({ accounts: { a: { plays: rate }, b: { models: { other: 'x' }, only_mapped: true }, c: {} } })
    const answer = await on.ask(alias)
    expect(answer.status).toBe(200)
    expect(triedBy(await on.record(answer))).toEqual(['a', 'c'])
    expect(await on.whyNot('b', alias)).toBe('does not serve this model')
  })
})
