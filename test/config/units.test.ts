import { describe, expect, it } from 'vitest'
import { durationText, parseDuration, parseSize, sizeText } from '../../src/config/units.ts'

describe('a duration', () => {
  const good: readonly (readonly [text: string, ms: number, again: string])[] = [
    ['500ms', 500, '500ms'],
    ['10s', 10_000, '10s'],
    ['1.5s', 1500, '1500ms'],
    ['5m', 300_000, '5m'],
    ['60m', 3_600_000, '1h'],
    ['2h', 7_200_000, '2h'],
    ['7d', 604_800_000, '7d'],
    ['0s', 0, '0ms'],
  ]
  for (const [text, ms, again] of good) {
    it(`"${text}" is ${ms} ms, and is written ${again}`, () => {
      expect(parseDuration(text)).toBe(ms)
      expect(durationText(ms)).toBe(again)
      expect(parseDuration(again)).toBe(ms)
    })
  }
  for (const text of ['', '10', 's', '-1s', '10 s', '10S', '1w', '0.1ms', '1e3s', '999999999999d', '10s\n', ' 10s']) {
    it(`${JSON.stringify(text)} is none`, () => expect(parseDuration(text)).toBeNull())
  }
})

describe('a size', () => {
  const good: readonly (readonly [text: string | number, bytes: number, again: string])[] = [
    ['64MiB', 67_108_864, '64MiB'],
    ['1GiB', 1_073_741_824, '1GiB'],
    ['512KiB', 524_288, '512KiB'],
    ['1024KiB', 1_048_576, '1MiB'],
    ['0.5KiB', 512, '512B'],
    [1000, 1000, '1000B'],
    [0, 0, '0B'],
  ]
  for (const [text, bytes, again] of good) {
    it(`${text} is ${bytes} bytes, and is written ${again}`, () => {
      expect(parseSize(text)).toBe(bytes)
      expect(sizeText(bytes)).toBe(again)
      expect(parseSize(again)).toBe(bytes)
    })
  }
  for (const text of ['', '64', '64MB', '64mib', '-1KiB', '1.0001KiB', -1, 1.5, Number.NaN])
    it(`${JSON.stringify(text)} is none`, () => expect(parseSize(text)).toBeNull())
})
