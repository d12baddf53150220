import type { Unreachable } from '../../src/core/failure.ts'
import type { BehaviourSpec } from '../../src/simulator/behaviour.ts'
import type { FaultSpec } from '../../src/simulator/fault-spec.ts'
import { faultNames } from '../../src/simulator/fault.ts'
import { Memory } from '../../src/simulator/memory.ts'
import { script, type Asked, type Scripted } from '../../src/simulator/script.ts'
import type { Chance } from './chance.ts'
import type { Seat } from './landscape.ts'

/** What keeps a request from being answered, below HTTP. `handedOver`: it arrived all the same. */
export interface Trouble {
  readonly why: Unreachable | 'lost'
  readonly handedOver: boolean
}

const troubles: readonly Trouble[] = [
  { why: 'refused', handedOver: false },
  { why: 'dns', handedOver: false },
  { why: 'tls', handedOver: false },
  { why: 'proxy', handedOver: false },
  { why: 'private-address', handedOver: false },
  { why: 'connect-timeout', handedOver: false },
  { why: 'reset', handedOver: false },
  { why: 'reset', handedOver: true },
  { why: 'lost', handedOver: true },
]

/** A memory that says which ids it has just given out. `nth`: tells the ids of one service from another's to their last letters, which seals are made of. */
export class TellingMemory extends Memory {
  issued: string[] = []
  readonly #nth: number

  constructor(dice: () => number, nth: number) {
    super({ dice })
    this.#nth = nth
  }

  override id(prefix: string): string {
    const plain = super.id(prefix)
    const id = `${plain.slice(0, -10)}${this.#nth}${plain.slice(-9)}`
    this.issued.push(id)
    return id
  }
}

/** Everything behind the wire: one simulated service for each base URL, and the weather that comes and goes over each account. */
export class Upstreams {
  readonly #chance: Chance
  readonly #services = new Map<string, TellingMemory>()
  readonly #lines = new Map<string, { readonly trouble: Trouble; readonly share: number }>()

  constructor(chance: Chance) {
    this.#chance = chance
  }

  /** From now on this account's upstream behaves in another way: mostly well. */
  turnWeather(seat: Seat, draw: (chance: Chance, seat: Seat) => BehaviourSpec = drawBehaviour): void {
    const chance = this.#chance
    this.#service(seat.account.baseUrl).set(secretOf(seat), draw(chance, seat))
    const line = `${seat.account.baseUrl} ${seat.account.id}`
    if (chance.is(0.08)) this.#lines.set(line, { trouble: chance.pick(troubles), share: chance.pick([0.1, 0.5, 1]) })
    else this.#lines.delete(line)
  }

  /** The service behind an account's base URL. */
  memoryOf(seat: Seat): TellingMemory {
    return this.#service(seat.account.baseUrl)
  }

  /** What befalls this attempt on its way; null: it arrives, and its answer will come. */
  trouble(seat: Seat): Trouble | null {
    const line = this.#lines.get(`${seat.account.baseUrl} ${seat.account.id}`)
    return line !== undefined && this.#chance.is(line.share) ? line.trouble : null
  }

  /** The request has arrived. `ids`: what the answer names. */
  ask(seat: Seat, asked: Omit<Asked, 'headers'>): { readonly scripted: Scripted; readonly ids: readonly string[] } {
    const service = this.#service(seat.account.baseUrl)
    service.issued = []
    const scripted = script({ ...asked, headers: { authorization: `Bearer ${secretOf(seat)}` } }, service)
    return { scripted, ids: service.issued }
  }

  #service(baseUrl: string): TellingMemory {
    const known = this.#services.get(baseUrl)
    if (known !== undefined) return known
    const service = new TellingMemory(this.#chance.dice, this.#services.size)
    this.#services.set(baseUrl, service)
    return service
  }
}

export function secretOf({ credential }: Seat): string {
  return credential.kind === 'api_key' ? credential.apiKey : credential.accessToken
}

export function drawBehaviour(chance: Chance, seat: Seat): BehaviourSpec {
  const label = seat.account.id
  const faults = chance.is(0.3) ? Array.from({ length: chance.is(0.2) ? 2 : 1 }, () => drawFault(chance, seat)) : []
  return {
    label,
    deltas: chance.between(1, 6),
    paceMs: chance.is(0.15) ? chance.pick([5, 200, 3000]) : 0,
    reasoning: chance.is(0.1) ? 'always' : 'asked',
    sealedBytes: 48,
    tier: chance.pick(['echo', 'echo', 'default', 'priority', ' Fast ', 'flex', 'scale']),
    snapshot: chance.is(0.2) ? '-2026-11-01' : '',
    models: chance.is(0.05) ? ['gpt-5.5', 'gpt-6-sol'] : null,
    headers: { 'x-codex-turn-state': `state-of-${label}` },
    faults,
  }
}

const codes = ['server_is_overloaded', 'slow_down', 'rate_limit_exceeded', 'insufficient_quota', 'context_length_exceeded', 'invalid_prompt', 'server_error']
const statuses = [200, 204, 307, 400, 401, 402, 403, 404, 405, 408, 409, 413, 422, 426, 429, 500, 502, 503, 504, 520, 529]
const bodies: readonly unknown[] = [
  '',
  'nope',
  '<html>nope</html>',
  {},
  { error: 'no' },
  { detail: 'Not found' },
  { error: { message: 'no', type: 'invalid_request_error', code: null } },
]

function drawFault(chance: Chance, seat: Seat): FaultSpec {
  const spec: FaultSpec = {
    fault: chance.pick(faultNames),
    chance: chance.pick([1, 0.5, 0.2, 0.1]),
    on: 'turns',
    ...(chance.is(0.3) ? { times: chance.between(1, 5) } : {}),
    ...(chance.is(0.2) ? { after: chance.between(0, 5) } : {}),
  }
  switch (spec.fault) {
    case 'credential':
    case 'credential-bare':
    case 'forbidden':
    case 'server':
      // Some upstreams repeat the credential in what they say against it.
      return chance.is(0.5) ? { ...spec, message: `This is no good: ${secretOf(seat)}.` } : spec
    case 'status':
      return { ...spec, status: chance.pick(statuses), body: chance.pick(bodies), retryAfterSeconds: chance.pick([null, 1, 7, 90]) }
    case 'quota':
      return { ...spec, resetsInSeconds: chance.pick([null, 1, 5, 30, 300, 20_000]) }
    case 'rate':
    case 'overload':
      return { ...spec, retryAfterSeconds: chance.pick([null, 1, 5, 40]) }
    case 'slow':
      return { ...spec, ms: chance.pick([100, 3000, 47_000, 61_000, 300_000]), before: chance.pick(['head', 'events', 'output']) }
    case 'failed':
    case 'error-event':
    case 'json-failed':
      return {
        ...spec,
        events: chance.between(0, 8),
        code: chance.pick(codes),
        shape: chance.pick(['nested', 'flat']),
        ...(chance.is(0.3) ? { status: chance.pick([400, 429, 503]) } : {}),
      }
    case 'silent':
    case 'cut':
    case 'end-early':
    case 'malformed':
      return { ...spec, events: chance.between(0, 9) }
    case 'giant':
      return { ...spec, megabytes: 0.05, events: chance.between(0, 8) }
    case 'unknown-event':
      return { ...spec, events: chance.between(0, 8), types: chance.is(0.1) ? manyHeld : ['codex.rate_limits', 'response.metadata', 'response.new_thing'] }
    case 'drip':
      return { ...spec, chunkBytes: chance.between(50, 400), ms: chance.pick([0, 1, 20]) }
    default:
      return spec
  }
}

/** More events than a gateway holds back. */
const manyHeld = Array.from({ length: 70 }, () => 'codex.rate_limits')
