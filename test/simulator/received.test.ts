import { describe, expect, it } from 'vitest'
import type { Dialogue } from '../../src/simulator/dialogue.ts'
import { ReceivedLog, type Outcome } from '../../src/simulator/received.ts'

const note = (path: string) =>
  ({ atMs: 0, kind: 'frame', connection: 1, lane: '', method: 'response.create', path, key: null, headers: {}, body: Buffer.from('{}') }) as const
const dialogue = (bytes: number): Dialogue => ({ before: null, items: [{ bytes }], bytes })
const outcome = (bytes: number): Outcome => ({ status: 200, faults: [], dialogue: dialogue(bytes) })
const logOf = (entriesMax: number, dialoguesKeptMax: number) => new ReceivedLog({ entriesMax, bodyKeptMax: 10, dialoguesKeptMax })
const kept = (log: ReceivedLog) => log.list().map((entry) => [entry.path, entry.dialogue === null ? null : entry.dialogue[0]?.['bytes']])

describe('the log', () => {
  it('keeps dialogues up to its bound together, and gives up the oldest first', () => {
    const log = logOf(10, 100)
    for (const path of ['a', 'b']) log.add(note(path))(outcome(50))
    expect(kept(log)).toEqual([
      ['a', 50],
      ['b', 50],
    ])
    log.add(note('c'))(outcome(1))
    expect(kept(log)).toEqual([
      ['a', null],
      ['b', 50],
      ['c', 1],
    ])
    log.add(note('d'))(outcome(101))
    expect(kept(log).map(([, bytes]) => bytes)).toEqual([null, null, null, null])
    expect(log.list().map((entry) => entry.status)).toEqual([200, 200, 200, 200])
  })

  it('gives back the room of an entry that it drops', () => {
    const log = logOf(2, 100)
    const [first, second] = [log.add(note('a')), log.add(note('b'))]
    second(outcome(50))
    first(outcome(50))
    log.add(note('c'))(outcome(50))
    expect(kept(log)).toEqual([
      ['b', 50],
      ['c', 50],
    ])
  })

  it('takes an outcome that comes later, and none of an entry that it has dropped', () => {
    const log = logOf(1, 100)
    const late = log.add(note('a'))
    expect(log.list()[0]).toMatchObject({ status: null, faults: [], dialogue: null })
    const next = log.add(note('b'))
    next(outcome(100))
    late(outcome(100))
    expect(kept(log)).toEqual([['b', 100]])
    log.clear()
    next(outcome(1))
    log.add(note('c'))(outcome(100))
    expect(kept(log)).toEqual([['c', 100]])
  })

  it('keeps nothing when it may keep nothing', () => {
    const log = logOf(0, 100)
    log.add(note('a'))(outcome(1))
    expect(log.list()).toEqual([])
  })
})
