import { writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { AnswerOf } from '../../src/admin/contract.ts'
import { createGateway } from '../../src/index.ts'
import { createLog } from '../../src/observe/log.ts'
import { configured, turnout } from './support.ts'

const text = `server: { port: 0 }
admin: { token: admin-token-0123456789 }
accounts: [{ name: main, upstream: simulator }]
pools: [{ name: default, accounts: [main] }]
keys: []
`

async function serving(file: string): Promise<void> {
  const opened = await createGateway({ file, environment: {}, overrides: {}, log: createLog('error', { write: () => undefined }) })
  if (opened.kind === 'failed') throw new Error(opened.sentences.join('\n'))
  onTestFinished(() => opened.gateway.stop())
}

const audit = async (file: string, ...words: readonly string[]) =>
  JSON.parse((await turnout(['audit', '--json', '--config', file, ...words])).out) as AnswerOf<'audit'>

describe('turnout audit', () => {
  test.each([
    ['while a gateway serves', serving, expect.stringMatching(/127\.0\.0\.1$/)],
    ['while none does', async () => undefined, userInfo().username],
  ] as const)('has what commands change %s', async (_title, begin, from) => {
    const file = configured(text)
    await begin(file)
    await turnout(['keys', 'create', 'laptop', '--pool', 'default', '--config', file])
    await turnout(['keys', 'revoke', 'laptop', '--config', file])
    const { changes, next } = await audit(file)
    expect(changes).toMatchObject([
      { by: 'command-line', from, what: 'revokeKey', target: 'laptop', before: { name: 'laptop' }, after: null },
      { by: 'command-line', from, what: 'createKey', target: 'laptop', before: null, after: { pools: ['default'] } },
    ])
    expect(next).toBeNull()
    const printed = await turnout(['audit', '--config', file])
    expect(printed.out).toMatch(/^\S+ \S+ +command-line +\S+ +revokeKey +laptop +\{"name":"laptop"/m)
  })

  test('goes on from one page to the next, and says so', async () => {
    const file = configured(text)
    for (const name of ['a', 'b']) await turnout(['keys', 'create', name, '--pool', 'default', '--config', file])
    const printed = await turnout(['audit', '--limit', '1', '--config', file])
    const [, before = ''] = /There may be more: --before (\S+)\n$/.exec(printed.out) ?? []
    expect((await audit(file, '--before', before)).changes.map(({ target }) => target)).toEqual(['a'])
  })

  test('says that there is nothing, and what is wrong with a question', async () => {
    const file = configured(text)
    expect(await turnout(['audit', '--config', file])).toEqual({ exit: 0, out: 'Nobody has changed anything.\n', err: '' })
    expect(await turnout(['audit', '--limit', 'all', '--config', file])).toMatchObject({ exit: 2, err: '--limit: expected a whole number from 1 to 100.\n' })
  })

  test('that cannot be written does not undo what was done, and says so', async () => {
    const file = configured(text)
    await turnout(['keys', 'create', 'laptop', '--pool', 'default', '--config', file])
    const { auditAlone } = await import('../../src/cli/closed-audit.ts')
    const { findPlace } = await import('../../src/cli/place.ts')
    const said: string[] = []
    const surroundings = {
      environment: {},
      out: () => undefined,
      err: (line: string) => void said.push(line),
      paint: (_: string, line: string) => line,
      onSignal: () => undefined,
    }
    const place = findPlace({ config: file }, surroundings)
    if (place.kind === 'failed') throw new Error('no place')
    writeFileSync(`${place.places.data}/turnout.pid`, JSON.stringify({ pid: process.ppid, url: '' }))
    await auditAlone(place, surroundings, { what: 'createKey', target: 'laptop', before: null, after: {} })
    expect(said.join('')).toMatch(/^This was done, and the audit log has no entry of it: Process \d+ has just taken the data/)
  })
})
