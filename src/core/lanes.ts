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
  readonly name: string
  readonly running: boolean
  readonly waiting: readonly Waiting[]
}

export interface Waiting {
  readonly ticket: Ticket
  readonly model: ClientModel | null
  /** Across lanes, who came first. */
  readonly nth: number
}

/** Every lane that was ever used: few enough to be looked through. */
export type Lanes = readonly Lane[]

export const laneOf = (lanes: Lanes, name: string): Lane => lanes.find((lane) => lane.name === name) ?? { name, running: false, waiting: [] }

export function withLane(lanes: Lanes, changed: Lane): Lanes {
  const isOpen = lanes.some(({ name }) => name === changed.name)
  return isOpen ? lanes.map((lane) => (lane.name === changed.name ? changed : lane)) : [...lanes, changed]
}

export const runningIn = (lanes: Lanes): number => lanes.reduce((running, lane) => (lane.running ? running + 1 : running), 0)

/** Whether this lane is open, or may be opened. */
export function mayOpen(lanes: Lanes, name: string): boolean {
  return lanes.some((lane) => lane.name === name) || name === defaultLane || lanes.filter((lane) => lane.name !== defaultLane).length < namedLanesMax
}

/** Whether nothing runs and nothing waits. */
export const areIdle = (lanes: Lanes): boolean => lanes.every(({ running, waiting }) => !running && waiting.length === 0)

/** Who may start: of the lanes where nothing runs, the turn that came first. Null: there is none, or as many run as may. */
export function nextTurn(lanes: Lanes): readonly [lane: Lane, head: Waiting] | null {
  if (runningIn(lanes) >= inFlightMax) return null
  let first: readonly [Lane, Waiting] | null = null
  for (const lane of lanes) {
    const [head] = lane.waiting
    if (head === undefined || lane.running) continue
    if (first === null || head.nth < first[1].nth) first = [lane, head]
  }
  return first
}

/** The same lanes, where nothing waits any more. */
export const withoutWaiting = (lanes: Lanes): Lanes => lanes.map((lane) => ({ ...lane, waiting: [] }))
