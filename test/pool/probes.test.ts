import { describe, expect, test } from 'vitest'
import { classify } from '../../src/core/failure-table.ts'
import { Probes, probeEveryMs, type Probed } from '../../src/pool/probes.ts'
import { account, accountId } from '../support/accounts.ts'
import { LivePool } from '../support/live-pool.ts'
import { answer } from '../support/signals.ts'
import { settled } from '../support/virtual-clock.ts'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }
const dead = answer(401, { code: 'invalid_api_key' })

function probing(pool: LivePool, says: () => Promise<Probed>): { readonly probes: Probes; readonly asked: string[] } {
  const asked: string[] = []
  const probes = new Probes({
    clock: pool.clock,
    log: quiet,
    accounts: pool.accounts,
    probe: (of) => {
      asked.push(of.id)
      return says()
    },
  })
  probes.start()
  return { probes, asked }
}

describe('a retired account', () => {
  test('is probed once an hour, and tried again when it answers', async () => {
    const pool = new LivePool([account('a'), account('b')])
    await pool.fail('a', classify(dead, pool.clock.now()))
    let said: Probed = { kind: 'unwell', signal: dead }
    const { probes, asked } = probing(pool, () => Promise.resolve(said))
    await pool.clock.advance(probeEveryMs - 60_000)
    expect(asked).toEqual([])
    await pool.clock.advance(60_000)
    expect(asked).toEqual(['a'])
    expect(pool.standing('a')).toBe('retired')
    said = { kind: 'well' }
    await pool.clock.advance(probeEveryMs)
    expect(asked).toEqual(['a', 'a'])
    expect(pool.standing('a')).toBe('ready')
    probes.stop()
    expect(pool.clock.pending).toBe(0)
  })

  test('whose credential was replaced during the probe is left as it is', async () => {
    const pool = new LivePool()
    await pool.fail('a', classify(answer(403, { message: 'no' }), pool.clock.now()))
    let end: (probed: Probed) => void = () => {}
    const { probes } = probing(pool, () => new Promise((resolve) => (end = resolve)))
    probes.suspect(accountId('a'))
    pool.configure([account('a', { generation: 'g2' })])
    end({ kind: 'unwell', signal: dead })
    await settled()
    expect(pool.standing('a')).toBe('ready')
    probes.stop()
  })
})

describe('a suspected account', () => {
  // B2
  test.each([
    ['is retired when its probe fails too', { kind: 'unwell', signal: answer(403, { message: 'no' }) }, 'retired'],
    ['goes on resting when its probe goes well', { kind: 'well' }, 'cooling'],
  ] as const)('%s', async (_, said, standing) => {
    const pool = new LivePool()
    await pool.fail('a', classify(answer(403, { message: 'no' }), pool.clock.now()))
    const { probes, asked } = probing(pool, () => Promise.resolve(said))
    probes.suspect(accountId('a'))
    probes.suspect(accountId('a'))
    await settled()
    expect(asked).toEqual(['a'])
    expect(pool.standing('a')).toBe(standing)
    probes.stop()
  })
})
