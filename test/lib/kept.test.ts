import { expect, test } from 'vitest'
import { Kept } from '../../src/lib/kept.ts'

test('what is kept is there until it is let go, which is told once', () => {
  let told = 0
  const kept = new Kept('large', () => told++)
  expect(kept.value).toBe('large')
  kept.letGo()
  kept.letGo()
  expect(told).toBe(1)
  expect(() => kept.value).toThrow('let go')
})

test('who lets it go is told how many loans are not over', () => {
  const told: (readonly [string, number])[] = []
  const keep = (name: string) => new Kept(name, (value, lent) => told.push([value, lent]))
  keep('never lent').letGo()
  const back = keep('back')
  const end = back.lend()
  const other = back.lend()
  end()
  other()
  back.letGo()
  const out = keep('out')
  const twice = out.lend()
  out.lend()
  twice()
  twice()
  out.letGo()
  expect(told).toEqual([
    ['never lent', 0],
    ['back', 0],
    ['out', 1],
  ])
})
