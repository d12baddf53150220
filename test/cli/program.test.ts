import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../support/tree.ts'
import { turnout } from './support.ts'

const commands = ['serve', 'check', 'simulator', 'doctor', 'accounts', 'turns']

describe('the command line', () => {
  test('lists its commands', async () => {
    const { exit, out } = await turnout(['--help'])
    expect(exit).toBe(0)
    for (const command of commands) expect(out).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
  })

  test('says its version', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(await turnout(['--version'])).toEqual({ exit: 0, out: `${version}\n`, err: '' })
  })

  test.each([
    [[]],
    [['accounts']],
    [['srve']],
    [['serve', '--prot', '1']],
    [['serve', '--port', '65536']],
    [['serve', '--port', 'http']],
    [['accounts', 'test']],
    [['turns', 'show', 'a', 'b']],
    [['turns', 'list', '--limit', '101']],
    [['turns', 'list', '--outcome', 'well']],
  ])('%j is bad usage: exit 2, said on stderr', async (words) => {
    const { exit, out, err } = await turnout(words)
    expect([exit, out]).toEqual([2, ''])
    expect(err).not.toBe('')
  })

  test.each([
    [['serve'], ['--config', '--data']],
    [['check'], ['--config', '--data', '--json']],
    [['doctor'], ['--config', '--data', '--json']],
    [['simulator'], ['--port', '--host', '--json']],
    [
      ['accounts', 'list'],
      ['--config', '--data', '--json'],
    ],
    [
      ['accounts', 'test'],
      ['--config', '--data', '--json'],
    ],
    [
      ['turns', 'list'],
      ['--config', '--data', '--json'],
    ],
    [
      ['turns', 'show'],
      ['--config', '--data', '--json'],
    ],
  ])('%j takes %j', async (words, options) => {
    const { out } = await turnout([...words, '--help'])
    for (const option of options) expect(out).toContain(option)
  })

  test('a wrong filter is named as its option', async () => {
    const { err } = await turnout(['turns', 'list', '--limit', '101'])
    expect(err).toBe('--limit: expected a whole number from 1 to 100.\n')
  })
})
