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

/** What a run came to, for a terminal. */
export function summary(tally: Tally, checked: ReadonlyMap<string, number>, seconds: number): string {
  const rate = Math.round(tally.turns / Math.max(seconds, 0.001))
  const lines = [
    `${tally.turns} turns, ${tally.attempts} attempts, ${tally.events} events, ${(tally.virtualMs / 3_600_000).toFixed(1)} h of virtual time in ${seconds.toFixed(1)} s: ${rate} turns/s`,
  ]
  for (const what of ['outcome', 'client', 'failure', 'code', 'attempts of one turn', 'happened', 'refused before']) {
    const kinds = tally.counts.get(what)
    if (kinds !== undefined) lines.push(`${what}: ${counted(kinds)}`)
  }
  lines.push(`invariants: ${checked.size}, checked ${sumOf(checked.values())} times: ${counted(checked)}`)
  return lines.join('\n')
}

/** Which law was broken, how it came to that, and how to see it again. */
export function complaint(violation: Violation, seed: number, world: WorldPart): string {
  const where = violation.turn === null ? '' : `, in turn ${violation.turn}`
  const replay = `npm run simulate -- --seed ${seed} --from-turn ${world.firstTurn} --turns ${world.turns}`
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
