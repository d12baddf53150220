import { describe, expect, test } from 'vitest'
import type { UpstreamModel } from '../../../src/core/ids.ts'
import type { Plan } from '../../../src/core/shape.ts'
import { apply, headers } from '../../../src/dialect/messages/apply.ts'
import type { Headers } from '../../../src/lib/headers.ts'
import { ask, bodyOf, planOf } from './said.ts'

const filter = planOf({ tier: { kind: 'filter', rule: 0 } })
const pass = planOf({ tier: { kind: 'pass', rule: null, canonical: 'priority' } })

/** What goes upstream. */
function sent(plan: Plan, said: string | object): string {
  const body = bodyOf(said)
  return Buffer.concat(body.edited(apply(plan, body)).pieces).toString()
}

describe('what an attempt says differently', () => {
  // A6 C4
  test('is nothing where nothing is to be changed', () => {
    const odd = '{ "model" : "claude-opus-5","messages":[{"role":"user","content":"\\u00e9"}],"n":1e400, "big":12345678901234567890,"speed":"standard" }'
    expect(apply(planOf(), bodyOf(odd))).toEqual([])
    expect(sent(planOf(), odd)).toBe(odd)
    expect(sent(filter, '{"model":"m","messages":[],"n":1e400}')).toBe('{"model":"m","messages":[],"n":1e400}')
  })

  test('is the model’s name, and nothing else', () => {
    const renamed = planOf({ renamed: 'claude-opus-5-20260801' as UpstreamModel })
    expect(sent(renamed, '{"model": "fast" ,"messages":[{"model":"fast"}]}')).toBe('{"model": "claude-opus-5-20260801" ,"messages":[{"model":"fast"}]}')
  })
})

describe('a tier that a rule filters', () => {
  // C1 C2 C3 C8 C12
  test.each<[title: string, said: string, goes: string]>([
    ['goes with its speed', '{"model":"m","speed":"fast","max_tokens":1}', '{"model":"m","max_tokens":1}'],
    ['goes in any spelling', '{"model":"m","speed":" Fast "}', '{"model":"m"}'],
    ['goes with a service_tier that asks for it', '{"service_tier":"priority","model":"m"}', '{"model":"m"}'],
    ['goes with a service_tier that nobody knows', '{"service_tier":"turbo","model":"m"}', '{"model":"m"}'],
    ['goes with both', '{"speed":"fast","service_tier":"ultrafast","model":"m"}', '{"model":"m"}'],
    ['leaves Anthropic’s own service_tier', '{"speed":"fast","service_tier":"standard_only","model":"m"}', '{"service_tier":"standard_only","model":"m"}'],
    ['leaves its auto', '{"speed":"fast","service_tier":"auto","model":"m"}', '{"service_tier":"auto","model":"m"}'],
    ['leaves a service_tier that is no word', '{"speed":"fast","service_tier":7,"model":"m"}', '{"service_tier":7,"model":"m"}'],
    ['takes a speed that says standard along, which the beta would have allowed', '{"speed":"standard","model":"m"}', '{"model":"m"}'],
    ['leaves what stands inside of others', '{"model":"m","metadata":{"speed":"fast"}}', '{"model":"m","metadata":{"speed":"fast"}}'],
  ])('%s', (_title, said, goes) => {
    expect(sent(filter, said)).toBe(goes)
    expect(sent(filter, goes)).toBe(goes)
  })

  // C17
  test('is said by silence where an account asks for the default', () => {
    expect(sent({ ...filter, filterTo: 'default' }, '{"model":"m","speed":"fast"}')).toBe('{"model":"m"}')
  })
})

describe('a tier that passes', () => {
  // C6
  test.each<[title: string, said: string, goes: string]>([
    ['in its canonical word stays byte for byte', '{"model":"m", "speed" : "fast"}', '{"model":"m", "speed" : "fast"}'],
    ['in another spelling is said in it', '{"model":"m","speed":" Fast "}', '{"model":"m","speed":"fast"}'],
    ['in the word of other dialects is said in it', '{"model":"m","speed":"priority"}', '{"model":"m","speed":"fast"}'],
    ['as another word stays', '{"model":"m","speed":"warp"}', '{"model":"m","speed":"warp"}'],
    ['as another tier stays', '{"model":"m","speed":"Flex"}', '{"model":"m","speed":"Flex"}'],
    ['as no word stays', '{"model":"m","speed":null}', '{"model":"m","speed":null}'],
    ['in service_tier stays, since no word would be right there', '{"model":"m","service_tier":" Fast "}', '{"model":"m","service_tier":" Fast "}'],
  ])('%s', (_title, said, goes) => expect(sent(pass, said)).toBe(goes))
})

describe('the client’s headers', () => {
  const said: Headers = { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'a-1,fast-mode-2026-02-01, b-2', 'x-app': 'cli' }

  test('are the same where no rule filters', () => {
    expect(headers(pass, said)).toBe(said)
    expect(headers(planOf(), said)).toBe(said)
  })

  test.each<[title: string, headers: Headers]>([
    ['no beta', { 'x-app': 'cli' }],
    ['another beta', { 'anthropic-beta': 'not-fast-mode-1' }],
    ['an empty beta', { 'anthropic-beta': '' }],
  ])('are the same with %s', (_title, given) => expect(headers(filter, given)).toBe(given))

  // C12
  test('lose the beta of the fast mode, and keep the others in order', () => {
    expect(headers(filter, said)).toEqual({ ...said, 'anthropic-beta': 'a-1,b-2' })
    expect(headers(filter, { 'anthropic-beta': ['a', 'Fast-Mode-9', 'b'] })).toEqual({ 'anthropic-beta': 'a,b' })
  })

  test('lose the header where nothing is left of it', () => {
    expect(headers(filter, { 'anthropic-beta': 'fast-mode-1, fast-mode-2', 'x-app': 'cli' })).toEqual({ 'x-app': 'cli' })
  })

  test('given are not changed', () => {
    headers(filter, said)
    expect(said['anthropic-beta']).toBe('a-1,fast-mode-2026-02-01, b-2')
  })
})

test('a count of tokens is asked for like an answer', () => {
  expect(sent({ ...filter, endpoint: 'count_tokens' }, ask({ speed: 'fast' }))).toBe(JSON.stringify(ask()))
})
