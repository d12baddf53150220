import { describe, expect, it } from 'vitest'
import { placeOf } from '../../src/upstream/destination.ts'
import { account } from './rig.ts'

describe('where an account’s upstream lives', () => {
  for (const [baseUrl, host, port, security, authority, hostname, basePath] of [
    ['https://api.openai.com/v1', 'api.openai.com', 443, 'tls', 'api.openai.com', 'api.openai.com', '/v1'],
    ['http://127.0.0.1:8080', '127.0.0.1', 8080, 'plain', '127.0.0.1:8080', '127.0.0.1', ''],
    ['http://host.test/a/b/', 'host.test', 80, 'plain', 'host.test', 'host.test', '/a/b'],
    ['https://[2001:db8::1]:8443/v1', '2001:db8::1', 8443, 'tls', '[2001:db8::1]:8443', '[2001:db8::1]', '/v1'],
  ] as const) {
    it(`is what ${baseUrl} says`, () => {
      expect(placeOf(account(baseUrl))).toEqual({ destination: { host, port, security, reach: 'loopback', proxy: null }, authority, hostname, basePath })
    })
  }

  for (const [baseUrl, basePath] of [
    ['https://api.anthropic.com', '/v1'],
    ['https://api.anthropic.com/v1', '/v1'],
    ['https://api.anthropic.com/v1/', '/v1'],
    ['https://llm.test/anthropic', '/anthropic/v1'],
    ['https://llm.test/anthropic/v1', '/anthropic/v1'],
    ['https://llm.test/v1/claude', '/v1/claude/v1'],
    ['https://llm.test/dev1', '/dev1/v1'],
  ] as const) {
    it(`is for anthropic at ${baseUrl} below ${basePath}`, () => expect(placeOf(account(baseUrl, { upstream: 'anthropic' })).basePath).toBe(basePath))
  }

  it('is reached as far as its kind and its account allow', () => {
    const reachOf = (more: Parameters<typeof account>[1]) => placeOf(account('http://a.test', more)).destination.reach
    expect(reachOf({ upstream: 'openai-compatible' })).toBe('public')
    expect(reachOf({ upstream: 'simulator' })).toBe('loopback')
    expect(reachOf({ upstream: 'openai', allowPrivate: true })).toBe('any')
  })

  it('is reached through the account’s proxy', () => {
    expect(placeOf(account('http://a.test', { proxy: 'socks5://me:secret@127.0.0.1:1080' })).destination.proxy?.port).toBe('1080')
  })
})
