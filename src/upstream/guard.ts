import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import type { Unreachable } from '../core/failure.ts'
import { isLoopbackHost, isPrivateAddress, isPrivateHost } from '../lib/address.ts'

/** Which addresses an account may reach: the public internet, that and this machine, or everything. */
export type Reach = 'public' | 'loopback' | 'any'

/** A connection that was not made. `detail` names hosts and addresses, never a credential. */
export class DialFailed extends Error {
  override readonly name = 'DialFailed'
  readonly why: Unreachable

  constructor(why: Unreachable, detail: string) {
    super(detail)
    this.why = why
  }
}

/** Resolves names as the system does. */
export const systemNames: LookupFunction = (hostname, options, callback) => systemLookup(hostname, options, callback)

/**
 * Watches one connection being made. Each name is looked up once, and the address that comes back is the one that is judged and
 * connected to, so a name that changes its address meanwhile gains nothing.
 */
export class Guard {
  readonly #reach: Reach
  readonly #names: LookupFunction
  #refusal: DialFailed | null = null

  constructor(reach: Reach, names: LookupFunction) {
    this.#reach = reach
    this.#names = names
  }

  /** What was refused, where a library in between has turned it into an error of its own. */
  get refusal(): DialFailed | null {
    return this.#refusal
  }

  /** Throws for a host that is private as it is written. Other names are judged when they are looked up. */
  checkHost(host: string): void {
    if (this.#reach === 'any' || !isPrivateHost(host)) return
    if (this.#reach === 'loopback' && isLoopbackHost(host)) return
    throw this.#refuse(`${host} is a private address`)
  }

  /** Throws for an address outside the reach; an unknown one counts as outside. */
  checkAddress(address: string | undefined, host: string): void {
    if (!this.#permits(address ?? '')) throw this.#refuse(`${host} led to the private address ${address ?? '(unknown)'}`)
  }

  /** Looks a name up for `net.connect`, and refuses it if any of its addresses lies outside the reach. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#names(hostname, options, (error, address, family) => {
      if (error !== null) return callback(error, address, family)
      const found = typeof address === 'string' ? [address] : address.map((one) => one.address)
      const outside = found.find((one) => !this.#permits(one))
      if (outside === undefined) return callback(null, address, family)
      return callback(this.#refuse(`${hostname} leads to the private address ${outside}`), address, family)
    })
  }

  #permits(address: string): boolean {
    if (this.#reach === 'any' || !isPrivateAddress(address)) return true
    return this.#reach === 'loopback' && isLoopbackHost(address)
  }

  #refuse(what: string): DialFailed {
    this.#refusal = new DialFailed('private-address', `${what}; the account does not say allow_private`)
    return this.#refusal
  }
}
