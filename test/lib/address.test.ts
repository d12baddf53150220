import { describe, expect, it } from 'vitest'
import { isLoopbackHost, isPrivateAddress, isPrivateHost } from '../../src/lib/address.ts'

describe('an address', () => {
  // H4
  const closed = [
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '100.127.255.255',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.8',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.1.2.3',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b:1::1',
    '2002:7f00:1::1',
    '2002:c0a8:101::',
    '2001:0:1::1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'not an address',
    '',
  ]
  for (const ip of closed) it(`"${ip}" is private`, () => expect(isPrivateAddress(ip)).toBe(true))

  const open = [
    '1.1.1.1',
    '8.8.8.8',
    '11.0.0.1',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.1.1',
    '192.0.1.1',
    '198.20.0.1',
    '223.255.255.255',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '2002:808:808::1',
    '2001:4860:4860::8888',
  ]
  for (const ip of open) it(`"${ip}" is public`, () => expect(isPrivateAddress(ip)).toBe(false))
})

describe("a URL's host", () => {
  // H4
  const closed = [
    'localhost',
    'LOCALHOST',
    'localhost.',
    'api.localhost',
    'localhost.localdomain',
    '127.0.0.1',
    '127.0.0.1.',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0x7f000001',
    '0177.0.0.1',
    '１２７.0.0.1',
    '%31%32%37.0.0.1',
    '[::1]',
    '::1',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::127.0.0.1]',
    '[0:0:0:0:0:0:0:1]',
    '100.64.1.1',
    '0.0.0.0',
    '0',
    '169.254.169.254',
    '[fd00::1]',
    '[fe80::1]',
    'host with a space',
    'user@example.com',
    '',
  ]
  for (const host of closed) it(`"${host}" is private`, () => expect(isPrivateHost(host)).toBe(true))

  const open = [
    'api.openai.com',
    'api.openai.com.',
    '8.8.8.8',
    '134744072',
    '[2606:4700::1111]',
    '2606:4700::1111',
    '[64:ff9b::8.8.8.8]',
    'mylocalhost',
    'localhost.example.com',
  ]
  for (const host of open) it(`"${host}" is not known to be private`, () => expect(isPrivateHost(host)).toBe(false))
})

describe('loopback', () => {
  for (const host of ['localhost', '127.0.0.1', '127.1', '2130706433', '[::1]', '::1', '[::ffff:127.0.0.1]', 'sim.localhost']) {
    it(`"${host}" is this machine`, () => expect(isLoopbackHost(host)).toBe(true))
  }
  for (const host of ['10.0.0.1', '0.0.0.0', 'example.com', '[fe80::1]', '', '8.8.8.8']) {
    it(`"${host}" is not certainly this machine`, () => expect(isLoopbackHost(host)).toBe(false))
  }
})
