import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { configured, folder, trial, turnout } from './support.ts'

const oneBad = `accounts: [{ name: a, upstream: simulator, simulate: { fault: credential } }, { name: b, upstream: simulator }]
pools: [{ name: p, accounts: [a, b] }]
`

describe('check', () => {
  test('prints a valid configuration with every default, and exits 0', async () => {
    const file = configured()
    const { exit, out, err } = await turnout(['check', '--config', file])
    expect([exit, err]).toEqual([0, ''])
    expect(out).toContain(`# ${file} is valid.`)
    expect(out).toContain('patience: 10s')
  })

  test('shows no secret', async () => {
    const keys = 'keys: [{ name: laptop, key: sk-very-secret-9876, pools: [trial] }]\nadmin: { token: "${TOKEN}" }\n'
    const { out } = await turnout(['check', '--config', configured(trial + keys)], { TOKEN: 'admin-very-secret-5432' })
    expect(out).not.toContain('very-secret')
    expect(out).toContain('****9876')
    expect(out).toContain('****5432')
  })

  test('names what is wrong by file, line and column, and exits 2', async () => {
    const file = configured(`${trial}failover: { patience: 10 }\nkeyz: []\n`)
    const { exit, out, err } = await turnout(['check', '--config', file])
    expect([exit, out]).toEqual([2, ''])
    expect(err.split('\n')).toEqual([
      expect.stringMatching(/turnout\.yaml:6:23: failover\.patience/),
      expect.stringMatching(/turnout\.yaml:7:1: .*did you mean "keys"/),
      '',
    ])
  })

  test('of a file that is not there says how to get one, and exits 2', async () => {
    const { exit, err } = await turnout(['check', '--config', `${folder()}/turnout.yaml`])
    expect(exit).toBe(2)
    expect(err).toContain('turnout.yaml:1:1: there is no such file')
  })

  test('--json says the same to a program', async () => {
    const file = configured()
    const well = JSON.parse((await turnout(['check', '--json', '--config', file])).out) as { valid: boolean; configuration: { failover: object } }
    expect(well).toMatchObject({ valid: true, file, configuration: { failover: { patience: '10s' } } })
    const bad = await turnout(['check', '--json', '--config', configured('accounts: 1\n')])
    expect(bad.exit).toBe(2)
    expect(JSON.parse(bad.out)).toMatchObject({
      valid: false,
      problems: [
        { line: 1, column: 1, path: 'pools' },
        { line: 1, column: 11, path: 'accounts' },
      ],
    })
  })

  test('--schema prints the JSON Schema without any configuration', async () => {
    const { exit, out } = await turnout(['check', '--schema', '--config', 'nowhere.yaml'])
    expect(exit).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ title: 'turnout.yaml', type: 'object' })
  })

  test('--data moves the data folder', async () => {
    const elsewhere = folder()
    const { out } = await turnout(['check', '--json', '--config', configured(), '--data', elsewhere])
    expect(JSON.parse(out)).toMatchObject({ configuration: { data: elsewhere } })
  })

  test('--connect asks each account once, says what came back, and exits 1 where one is not well', async () => {
    const { exit, out } = await turnout(['check', '--connect', '--config', configured(oneBad)])
    expect(exit).toBe(1)
    expect(out).toMatch(/^a +answered 401 invalid_api_key \(credential\): /m)
    expect(out).toMatch(/^b +well$/m)
  })

  test('--connect of accounts that are all well exits 0', async () => {
    const { exit, out } = await turnout(['check', '--connect', '--json', '--config', configured()])
    expect(exit).toBe(0)
    expect((JSON.parse(out) as { accounts: object[] }).accounts).toMatchObject([
      { account: 'first', outcome: 'well' },
      { account: 'second', outcome: 'well' },
    ])
  })

  test('--connect of an upstream that nobody answers for says so', async () => {
    const dead =
      'accounts: [{ name: a, upstream: openai-compatible, base_url: "http://127.0.0.1:1/v1", allow_private: true, credential: { api_key: sk-x } }]\npools: [{ name: p, accounts: [a] }]\n'
    const { exit, out } = await turnout(['check', '--connect', '--config', configured(dead)])
    expect(exit).toBe(1)
    expect(out).toMatch(/^a +no answer \(network\): /m)
  })

  test('writes nothing', async () => {
    const file = configured()
    await turnout(['check', '--connect', '--config', file])
    expect(readdirSync(dirname(file))).toEqual(['turnout.yaml'])
  })
})
