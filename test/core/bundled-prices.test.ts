import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { pricesFile } from '../../scripts/make-prices.mjs'

test('the price list is what its maker makes of the one that is installed', () => {
  expect(readFileSync(new URL('../../src/core/bundled-prices.ts', import.meta.url), 'utf8')).toBe(pricesFile())
})
