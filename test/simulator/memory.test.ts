import { describe, expect, it } from 'vitest'
import { InFlight } from '../../src/simulator/in-flight.ts'
import { remembering } from './support.ts'

const stored = (id: string, bytes: number) => ({
  id,
  key: 'key-a',
  response: () => '',
  input: [],
  dialogue: { before: null, items: [], bytes },
  background: false,
  tokens: 0,
  items: 0,
  openCalls: [],
  bytes,
})

describe('what the simulator remembers', () => {
  it('is at most ten thousand keys, those with a behaviour of their own kept longest', () => {
    const memory = remembering({ keys: { own: { label: 'own' } } })
    for (let at = 0; at < 10_050; at += 1) memory.behaviour(`key-${at}`)
    expect(memory.keys()).toHaveLength(10_000)
    expect(memory.keys().slice(0, 2)).toEqual(['own', 'key-51'])
  })

  it('is at most 64 MiB of stored answers, the oldest dropped first', () => {
    const memory = remembering()
    for (const id of ['a', 'b', 'c']) memory.keep(stored(id, 32 * 1024 * 1024))
    expect(['a', 'b', 'c'].map((id) => memory.stored('key-a', id) !== null)).toEqual([false, true, true])
  })

  it('is at most a thousand warm caches of a key', () => {
    const memory = remembering()
    for (let at = 0; at < 1_001; at += 1) memory.warm('key-a', `thread-${at}`, 100)
    expect([memory.warm('key-a', 'thread-1', 100), memory.warm('key-a', 'thread-0', 100)]).toEqual([100, 0])
  })

  it('is at most four items for each answer that may be stored', () => {
    const memory = remembering({ storedMax: 1 })
    for (const id of ['a', 'b', 'c', 'd', 'e']) memory.give(id, { key: 'key-a', stored: true, needs: null, call: null })
    expect(['a', 'b', 'e'].map((id) => memory.given('key-a', id) !== null)).toEqual([false, true, true])
  })
})

describe('the counts of what is in flight', () => {
  it('are of at most ten thousand keys, and never forget one that is running', () => {
    const counts = new InFlight()
    counts.begin('running')
    for (let at = 0; at < 10_000; at += 1) counts.begin(`key-${at}`)()
    expect([counts.now('running'), counts.max('key-0'), counts.max('key-9999')]).toEqual([1, 0, 1])
  })
})
