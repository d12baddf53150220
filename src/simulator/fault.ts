import { deeds, type Deed, type FaultName } from './deed.ts'
import type { FaultSpec } from './fault-spec.ts'

/** Faults that only WebSocket knows; over HTTP the connection breaks. */
export const socketFaultNames: readonly FaultName[] = ['close']

/** Every other fault that can be asked for, by name. `_` may stand for `-` wherever a name is read. */
export const faultNames = (Object.keys(deeds) as readonly FaultName[]).filter((name) => !socketFaultNames.includes(name))

/** A fault, ready to strike. */
export interface Fault {
  readonly name: FaultName
  readonly after: number
  readonly times: number
  readonly forMs: number
  readonly chance: number
  readonly on: 'turns' | 'every-request'
  readonly at: 'turn' | 'handshake'
  readonly models: ReadonlySet<string> | null
  readonly deed: Deed
}

/** What one fault has done to one key. */
export interface Strikes {
  seen: number
  struck: number
  sinceMs: number
}

/** What decides whether a fault strikes. `model` is null where the request names none. */
export interface Target {
  readonly kind: 'turn' | 'other' | 'handshake'
  readonly model: string | null
  readonly nowMs: number
  readonly dice: () => number
}

const credentials: ReadonlySet<FaultName> = new Set(['credential', 'credential-bare', 'token-invalidated', 'forbidden', 'edge'])

/** @throws TypeError naming the faults that there are, when this is none of them. */
export function faultName(name: string): FaultName {
  const spelt = name.trim().toLowerCase().replaceAll('_', '-')
  const names = [...faultNames, ...socketFaultNames]
  const found = names.find((known) => known === spelt)
  if (found === undefined) throw new TypeError(`no fault is called "${name}"; there are: ${names.join(', ')}`)
  return found
}

export function faultOf(spec: FaultSpec): Fault {
  const name = faultName(spec.fault)
  return {
    name,
    after: spec.after ?? 0,
    times: spec.times ?? Infinity,
    forMs: spec.forMs ?? Infinity,
    chance: spec.chance ?? 1,
    on: spec.on ?? (credentials.has(name) ? 'every-request' : 'turns'),
    at: spec.at ?? 'turn',
    models: spec.models === undefined ? null : new Set(spec.models),
    deed: deeds[name](spec),
  }
}

/** Counts the request, and says whether the fault strikes it. */
export function strikes(fault: Fault, count: Strikes, target: Target): boolean {
  if ((fault.at === 'handshake') !== (target.kind === 'handshake')) return false
  if (fault.on === 'turns' && target.kind === 'other') return false
  if (fault.models !== null && (target.model === null || !fault.models.has(target.model))) return false
  count.seen += 1
  if (count.seen <= fault.after || count.struck >= fault.times) return false
  if (count.struck > 0 && target.nowMs - count.sinceMs >= fault.forMs) return false
  if (fault.chance < 1 && target.dice() >= fault.chance) return false
  if (count.struck === 0) count.sinceMs = target.nowMs
  count.struck += 1
  return true
}
