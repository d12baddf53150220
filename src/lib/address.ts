import { BlockList, isIP } from 'node:net'

/** IPv4 ranges that lead to this machine, its network, or nowhere. */
const ranges4: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]

/** `::/96` holds `::`, `::1` and the IPv4-compatible addresses; `64:ff9b:1::/48` is NAT64 of a local network; `2001::/32` is Teredo. */
const ranges6: readonly (readonly [network: string, prefix: number])[] = [
  ['::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 32],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
]

const closed = new BlockList()
for (const [network, prefix] of ranges6) closed.addSubnet(network, prefix, 'ipv6')
for (const [network, prefix] of ranges4) {
  // BlockList itself takes ::ffff:a.b.c.d for a.b.c.d; NAT64 and 6to4 carry an IPv4 address too, which counts as what it is.
  closed.addSubnet(network, prefix, 'ipv4')
  closed.addSubnet(`64:ff9b::${network}`, 96 + prefix, 'ipv6')
  closed.addSubnet(sixToFour(network), 16 + prefix, 'ipv6')
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

const loopbackNames: ReadonlySet<string> = new Set(['localhost', 'localhost.localdomain', 'ip6-localhost', 'ip6-loopback'])

/**
 * Whether an IP address is loopback, private, link-local, shared, multicast or otherwise not on the public internet. IPv4 inside IPv6
 * (mapped, NAT64, 6to4) counts as the IPv4 address. What is no IP address counts as private: refusing too much is the lesser mistake.
 */
export function isPrivateAddress(ip: string): boolean {
  return contains(closed, ip) ?? true
}

/**
 * Whether a URL's host is certainly private: an address in any spelling (`2130706433`, `0x7f.1`, `[::ffff:127.0.0.1]`) or a name of this machine.
 * Other names are not looked up; the address that they lead to is checked when connecting.
 */
export function isPrivateHost(host: string): boolean {
  const plain = plainHost(host)
  if (plain === null || isLoopbackName(plain)) return true
  return isIP(plain) !== 0 && isPrivateAddress(plain)
}

/** Whether a URL's host is certainly this machine, in any spelling. */
export function isLoopbackHost(host: string): boolean {
  const plain = plainHost(host)
  return plain !== null && (isLoopbackName(plain) || (contains(loopback, plain) ?? false))
}

/** The host as WHATWG URLs spell it, without brackets and without the root's dot; null where it is no host. */
function plainHost(host: string): string | null {
  const url = isIP(host) === 6 ? `http://[${host.replace(/%.*/, '')}]/` : `http://${host}/`
  if (/[/?#@\\]/.test(host) || !URL.canParse(url)) return null
  return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
}

function isLoopbackName(name: string): boolean {
  return loopbackNames.has(name) || name.endsWith('.localhost')
}

/** Null: not an address. */
function contains(list: BlockList, ip: string): boolean | null {
  const address = ip.replace(/%.*/, '')
  const family = isIP(address)
  if (family === 0) return null
  return list.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

function sixToFour(network: string): string {
  const hex = network.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))
  return `2002:${hex.slice(0, 2).join('')}:${hex.slice(2).join('')}::`
}
