import { expect, test } from 'vitest'
import { free } from '../../src/lib/free.ts'

test('bytes that are freed are empty from then on, and so is every view of them', () => {
  const bytes = Buffer.alloc(100_000, 'x')
  const part = bytes.subarray(10, 20)
  free(bytes)
  expect([bytes.length, part.length]).toEqual([0, 0])
})

test('few bytes, and bytes that are part of something larger, are left alone', () => {
  const larger = Buffer.alloc(100_000, 'x')
  const part = larger.subarray(0, 50_000)
  free(part)
  expect(larger.equals(Buffer.alloc(100_000, 'x'))).toBe(true)
  const few = Buffer.alloc(10_000, 'y')
  free(few)
  expect(few.length).toBe(10_000)
})
