import type { ClientModel } from './ids.ts'

/** Turns of one session at once; more wait in their lanes (protocols.md 2.4). */
export const inFlightMax = 16
/** Lanes with a name that a session may open in its life (protocols.md 2.4). */
export const namedLanesMax = 32
/** Turns that wait in one lane. */
export const waitingMax = 16

/** A frame whose bytes whoever carries out the effects keeps under this number. */
export type Ticket = number

/** The lane of frames without a `stream_id`. */
export const defaultLane = ''

/** What frames call the lane; null: they do not. */
export const streamIdOf = (lane: string): string | null => (lane === defaultLane ? null : lane)

/** One lane of a session: at most one turn of it runs, and the others come in the order in which they came. */
export interface Lane {
  readonly running: boolean
  readonly waiting: readonly Waiting[]
}

export interface Waiting {
  readonly ticket: Ticket
  readonly model: ClientModel | null
  /** Across lanes, who came first. */
  readonly nth: number
}

/** Every lane that was ever used, by its name. */
export type Lanes = ReadonlyMap<string, Lane>

const unused: Lane = { running: false, waiting: [] }

export const laneOf = (lanes: Lanes, name: string): Lane => lanes.get(name) ?? unused

export const withLane = (lanes: Lanes, name: string, lane: Lane): Lanes => new Map(lanes).set(name, lane)

export const runningIn = (lanes: Lanes): number => [...lanes.values()].filter((lane) => lane.running).length

/** Whether this lane is open, or may be opened. */
export function mayOpen(lanes: Lanes, name: string): boolean {
  return name === defaultLane || lanes.has(name) || [...lanes.keys()].filter((other) => other !== defaultLane).length < namedLanesMax
}

/** Whether nothing runs and nothing waits. */
export const areIdle = (lanes: Lanes): boolean => [...lanes.values()].every((lane) => !lane.running && lane.waiting.length === 0)

/** Who may start: of the lanes where nothing runs, the turn that came first. Null: there is none, or as many run as may. */
export function nextTurn(lanes: Lanes): readonly [name: string, lane: Lane, head: Waiting] | null {
  if (runningIn(lanes) >= inFlightMax) return null
  let first: readonly [string, Lane, Waiting] | null = null
  for (const [name, lane] of lanes) {
    const [head] = lane.waiting
    if (head === undefined || lane.running) continue
    if (first === null || head.nth < first[2].nth) first = [name, lane, head]
  }
  return first
}

/** The same lanes, where nothing waits any more. */
export const withoutWaiting = (lanes: Lanes): Lanes => new Map([...lanes].map(([name, lane]) => [name, { ...lane, waiting: [] }]))
