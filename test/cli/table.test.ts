import { expect, test } from 'vitest'
import { plain } from '../../src/cli/surroundings.ts'
import { instantText, table } from '../../src/cli/table.ts'

const uncoloured = { paint: (_colour: string, text: string) => text }
const marked = { paint: (colour: string, text: string) => `<${colour}>${text}</>` }

test('columns are as wide as their widest cell, and lines end with their last letter', () => {
  expect(
    table(
      ['A', 'LONG', 'C'],
      [
        ['xyz', '1', ''],
        ['', '22', 'end'],
      ],
      uncoloured,
    ),
  ).toBe('A    LONG  C\nxyz  1\n     22    end\n')
})

test('a colour does not count as width', () => {
  expect(
    table(
      ['A', 'B'],
      [
        [{ text: 'ok', colour: 'green' }, 'x'],
        ['long', 'y'],
      ],
      marked,
    ),
  ).toBe('<dim>A   </>  <dim>B</>\n<green>ok  </>  x\nlong  y\n')
})

test('what a terminal would obey is not printed', () => {
  expect(table(['MODEL'], [['gpt\u001b]0;owned\u0007\n\u202e']], uncoloured)).toBe('MODEL\ngpt?]0;owned???\n')
  expect(plain('a\tb\r\nc\u009b31m')).toBe('a?b??c?31m')
})

test('letters of any language are printed', () => {
  expect(plain('modèle 模型 🚂')).toBe('modèle 模型 🚂')
})

test('an instant is shown to the second', () => {
  expect(instantText('2026-11-21T12:34:56.789Z')).toBe('2026-11-21 12:34:56Z')
  expect(instantText(null)).toBe('-')
})
