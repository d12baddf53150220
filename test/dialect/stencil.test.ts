import { describe, expect, test } from 'vitest'
import { bounds, Stencil, type Hole } from '../../src/dialect/stencil.ts'

const long = 'x'.repeat(700)
const first = `${long}"one",7,"two"${long}`
const hole = (text: string, is: Hole['is']): Hole => ({ start: first.indexOf(text), end: first.indexOf(text) + text.length, is })
const holes = [hole('one', 'text'), hole('7', 'digits'), hole('two', 'text')]
const stencil = new Stencil({ bytes: Buffer.from(first), start: 0, end: first.length }, holes)

/** What stands in the holes, in the middle of a read; null: it is another event. */
function holesIn(event: string): readonly string[] | null {
  const bytes = Buffer.from(`before${event}behind`)
  if (!stencil.matches(bytes, 6, bytes.length - 6)) return null
  return holes.map((_, nth) => bytes.toString('utf8', bounds[2 * nth], bounds[2 * nth + 1]))
}

describe('a stencil matches', () => {
  test.each<readonly [one: string, number: string, two: string]>([
    ['one', '7', 'two'],
    ['', '0', ''],
    ['\\"', '1234567890', 'ü€😀'],
    [long, '7', long],
  ])('an event with %j, %j and %j in its holes', (one, number, two) => {
    expect(holesIn(`${long}"${one}",${number},"${two}"${long}`)).toEqual([one, number, two])
  })

  test.each([
    ['that is cut', first.slice(0, -1)],
    ['that goes on', `${first}x`],
    ['that differs before its first hole', first.replace('x', 'y')],
    ['that differs between its holes', first.replace(',7', ';7')],
    ['that differs behind its last hole', `${first.slice(0, -1)}y`],
    ['that has no number', first.replace('7', '')],
    ['that has a word for a number', first.replace('7', 'seven')],
    ['whose text does not end', first.replaceAll('"', '\\"')],
    ['that ends in its first piece', long.slice(1)],
    ['that is nothing', ''],
  ])('no event %s', (_title, event) => {
    expect(holesIn(event)).toBeNull()
  })
})
