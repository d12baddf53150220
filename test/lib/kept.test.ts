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
