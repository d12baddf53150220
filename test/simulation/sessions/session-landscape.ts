import type { Account } from '../../../src/core/account.ts'
import type { AccountId } from '../../../src/core/ids.ts'
import type { Settings } from '../../../src/ports/settings.ts'
import type { BehaviourSpec } from '../../../src/simulator/behaviour.ts'
import type { FaultSpec } from '../../../src/simulator/fault-spec.ts'
import type { Chance } from '../chance.ts'
import { Architect, type Landscape, type Seat } from '../landscape.ts'
import { drawBehaviour } from '../upstreams.ts'

/** Draws landscapes in which sessions have something to meet: accounts of every transport, and bounds that are reached. */
export class SessionArchitect {
  readonly #chance: Chance
  #inner: Architect

  constructor(chance: Chance) {
    this.#chance = chance
    this.#inner = new Architect(chance)
  }

  first(): Landscape {
    // Mostly there is somebody to move to.
    let first = this.#inner.first()
    for (let draws = 0; draws < 3 && first.seats.size < 3; draws++) {
      this.#inner = new Architect(this.#chance)
      first = this.#inner.first()
    }
    return this.#furnished(first, null)
  }

  reload(before: Landscape): Landscape {
    const next = this.#inner.reload(before)
    // A key is seldom taken away, and then perhaps another too.
    const callers = this.#chance.is(0.1) && next.callers.length > 1 ? next.callers.slice(0, -1) : next.callers
    return this.#furnished({ ...next, callers }, before)
  }

  #furnished(drawn: Landscape, before: Landscape | null): Landscape {
    const chance = this.#chance
    const seats = new Map<AccountId, Seat>()
    for (const [id, seat] of drawn.seats) {
      const known = before?.seats.get(id)
      const isKept = known?.account === seat.account || (known !== undefined && chance.is(0.6))
      const websocket: Account['websocket'] = isKept ? seat.account.websocket : chance.pick(['auto', 'auto', 'auto', 'on', 'off'])
      seats.set(id, websocket === seat.account.websocket ? seat : { ...seat, account: { ...seat.account, websocket } })
    }
    return { ...drawn, seats, settings: drawn.settings === before?.settings ? drawn.settings : this.#settings(drawn.settings) }
  }

  #settings(drawn: Settings): Settings {
    const chance = this.#chance
    return {
      ...drawn,
      times: {
        ...drawn.times,
        firstFrameMs: chance.pick([1000, 30_000]),
        sessionIdleMs: chance.pick([20_000, 3_600_000, 3_600_000]),
        drainMs: chance.pick([100, 30_000]),
      },
      bounds: {
        ...drawn.bounds,
        bodiesBytes: chance.pick([4000, 1 << 24, 1 << 24, 1 << 24]),
        transcriptBytes: chance.pick([3000, 20_000, 1 << 20, 1 << 20]),
        transcriptsBytes: chance.pick([12_000, 1 << 24, 1 << 24]),
      },
    }
  }
}

/** How an upstream treats an account whose turns come over WebSocket. */
export function drawSocketBehaviour(chance: Chance, seat: Seat): BehaviourSpec {
  const plain = drawBehaviour(chance, seat)
  // What retires an account ends most sessions of a small pool; here it is seldom for good.
  const faults = (plain.faults ?? []).map((fault) => manner(chance, retiring.has(fault.fault) && chance.is(0.7) ? { ...fault, times: 1 } : fault))
  if (chance.is(0.15)) faults.push(chance.is(0.4) ? quota(chance) : closing(chance))
  return {
    ...plain,
    // A sealed text is told by the last letters of its id, which no two services share.
    faults: chance.is(0.1) ? [...faults, handshake(chance)] : faults,
    websocket: chance.is(0.07) ? 'refuse' : 'serve',
    connectionMs: chance.pick([3_600_000, 3_600_000, 3_600_000, 30_000, 1500]),
    paceMs: chance.is(0.25) ? chance.pick([5, 60, 200, 3000]) : 0,
    steering: chance.pick(['always', 'always', 'never']),
  }
}

const retiring: ReadonlySet<string> = new Set(['credential', 'credential-bare', 'token-invalidated', 'forbidden'])

function manner(chance: Chance, fault: FaultSpec): FaultSpec {
  return {
    ...fault,
    statusAs: chance.pick(['status', 'status', 'status_code', 'none']),
    ...(chance.is(0.2) ? { closeCode: chance.pick([1000, 1005, 1006, 1008, 1011, 1012, 1013]) } : {}),
  }
}

function quota(chance: Chance): FaultSpec {
  return {
    fault: chance.pick(['quota', 'quota-403', 'payment']),
    resetsInSeconds: chance.pick([null, 1, 5, 300]),
    chance: 0.5,
    times: chance.between(1, 3),
    on: 'turns',
  }
}

function closing(chance: Chance): FaultSpec {
  return {
    fault: 'close',
    events: chance.pick([0, 0, 1, 2, 3, 7]),
    closeCode: chance.pick([1000, 1001, 1005, 1006, 1011, 1012]),
    chance: 0.4,
    times: chance.between(1, 4),
  }
}

function handshake(chance: Chance): FaultSpec {
  const spec = { at: 'handshake', chance: chance.pick([1, 0.5]), ...(chance.is(0.7) ? { times: chance.between(1, 4) } : {}) } as const
  const fault = chance.pick(['status', 'quota', 'rate', 'credential-bare', 'overload', 'server', 'html-404', 'hang', 'reset', 'slow', 'edge'])
  if (fault === 'status') return { ...spec, fault, status: chance.pick([400, 401, 402, 403, 404, 405, 426, 429, 500, 503]) }
  return fault === 'slow' ? { ...spec, fault, ms: chance.pick([50, 3000, 20_000]) } : { ...spec, fault }
}
