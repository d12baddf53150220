import type { LookupFunction } from 'node:net'
import { describe, expect, it } from 'vitest'
import { Guard, type Reach } from '../../src/upstream/guard.ts'

/** Names that lead to all of `addresses`. */
const namesTo =
  (...addresses: string[]): LookupFunction =>
  (_name, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )

function lookedUp(reach: Reach, ...addresses: string[]): string {
  const guard = new Guard(reach, namesTo(...addresses))
  let outcome = 'nothing'
  guard.lookup('upstream.test', { all: true }, (error) => (outcome = error === null ? 'passes' : error.message))
  return outcome
}

describe('the guard of private addresses', () => {
  it('lets a name through that leads to public addresses', () => expect(lookedUp('public', '93.184.216.34', '2606:2800:220:1::1')).toBe('passes'))

  for (const address of [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '::1',
    'fd00::1',
    'fe80::1',
    '::ffff:10.0.0.1',
  ]) {
    it(`refuses a name that leads to ${address}`, () => expect(lookedUp('public', address)).toContain(address))
  }

  it('refuses a name if only one of its addresses is private', () => expect(lookedUp('public', '93.184.216.34', '10.0.0.1')).toContain('10.0.0.1'))

  it('lets a simulator be on this machine, and nowhere else in private', () => {
    expect(lookedUp('loopback', '127.0.0.1', '::1')).toBe('passes')
    expect(lookedUp('loopback', '10.0.0.1')).toContain('10.0.0.1')
  })

  it('lets everything through where the account allows private addresses', () => expect(lookedUp('any', '10.0.0.1', '127.0.0.1')).toBe('passes'))

  for (const host of ['127.0.0.1', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]', 'localhost', '10.0.0.1']) {
    it(`refuses the host ${host} as it is written`, () => expect(() => new Guard('public', namesTo()).checkHost(host)).toThrow('private'))
  }

  it('judges the address that was reached in the end, and an unknown one as private', () => {
    const guard = new Guard('public', namesTo())
    expect(() => guard.checkAddress('93.184.216.34', 'upstream.test')).not.toThrow()
    expect(() => guard.checkAddress('127.0.0.1', 'upstream.test')).toThrow('127.0.0.1')
    expect(() => guard.checkAddress(undefined, 'upstream.test')).toThrow('unknown')
  })

  it('passes on that a name does not exist', () => {
    const failing: LookupFunction = (_name, _options, callback) => callback(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }), '')
    let code: string | undefined
    new Guard('public', failing).lookup('nowhere.test', {}, (error) => (code = error?.code))
    expect(code).toBe('ENOTFOUND')
  })
})
