import type { Violation } from './verdicts.ts'
import type { Tally } from './tally.ts'

/** Turns of one world: each begins anew, with its own accounts, rules and weather, so that a violation can be replayed without all turns before it. */
export const worldTurns = 2000

export interface WorldPart {
  readonly firstTurn: number
  readonly turns: number
}

/** The worlds that hold the turns from `fromTurn` on. A world always begins at its beginning. */
export function worldsOf(fromTurn: number, turns: number): readonly WorldPart[] {
  const worlds: WorldPart[] = []
  const first = fromTurn - (fromTurn % worldTurns)
  for (let at = first; at < fromTurn + turns; at += worldTurns) worlds.push({ firstTurn: at, turns: Math.min(worldTurns, fromTurn + turns - at) })
  return worlds
}

/** Sessions of one world. */
export const worldSessions = 1000

export interface SessionPart {
  readonly firstSession: number
  readonly sessions: number
}

/** The worlds that hold the sessions from `fromSession` on. */
export function sessionWorldsOf(fromSession: number, sessions: number): readonly SessionPart[] {
  const worlds: SessionPart[] = []
  const first = fromSession - (fromSession % worldSessions)
  for (let at = first; at < fromSession + sessions; at += worldSessions)
    worlds.push({ firstSession: at, sessions: Math.min(worldSessions, fromSession + sessions - at) })
  return worlds
}

/** What a run came to, for a terminal. */
export function summary(tally: Tally, checked: ReadonlyMap<string, number>, seconds: number): string {
  const rate = Math.round(tally.turns / Math.max(seconds, 0.001))
  const sessions = tally.counts.get('sessions')
  const begun = sessions?.get('begun') ?? 0
  const lines = [
    ...(sessions === undefined
      ? []
      : [`${begun} sessions, ${sessions.get('moves') ?? 0} moves to another account: ${Math.round(begun / Math.max(seconds, 0.001))} sessions/s`]),
    `${tally.turns} turns, ${tally.attempts} attempts, ${tally.events} events, ${(tally.virtualMs / 3_600_000).toFixed(1)} h of virtual time in ${seconds.toFixed(1)} s: ${rate} turns/s`,
  ]
  for (const what of ['outcome', 'client', 'served over', 'closed with', 'failure', 'code', 'attempts of one turn', 'happened', 'refused before']) {
    const kinds = tally.counts.get(what)
    if (kinds !== undefined) lines.push(`${what}: ${counted(kinds)}`)
  }
  lines.push(`invariants: ${checked.size}, checked ${sumOf(checked.values())} times: ${counted(checked)}`)
  return lines.join('\n')
}

/** Which law was broken, how it came to that, and how to see it again. */
export function complaint(violation: Violation, seed: number, world: WorldPart | SessionPart): string {
  const where = violation.turn === null ? '' : `, in turn ${violation.turn}`
  const part =
    'sessions' in world ? `--from-session ${world.firstSession} --sessions ${world.sessions}` : `--from-turn ${world.firstTurn} --turns ${world.turns}`
  const replay = `npm run simulate -- --seed ${seed} ${part}`
  return `BROKEN: ${violation.invariant}, seed ${seed}${where}\n${violation.detail}\n${violation.trace}\nreplay: ${replay}`
}

function counted(kinds: ReadonlyMap<string, number>): string {
  return [...kinds]
    .sort((a, b) => b[1] - a[1])
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ')
}

function sumOf(numbers: Iterable<number>): number {
  let sum = 0
  for (const number of numbers) sum += number
  return sum
}
