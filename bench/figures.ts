/** What is measured of each program, and what Turnout may cost of it. */
export interface Measured {
  readonly name: string
  readonly unit: string
  /** The most that Turnout may cost, beside the bare relay; null: printed, not bounded. */
  readonly bound: number | null
  readonly withoutLedger: number | null
}

/** Microseconds of CPU for one unit, in each round, by program. */
export type Figures = ReadonlyMap<string, readonly number[]>

export interface Rounds {
  readonly rounds: number
  /** How long each program is measured in a round. */
  readonly ms: number
}

/** Programs, or what else is compared, in turn, and in reverse order each other round. */
export async function inRounds<What extends { readonly name: string }>(
  all: readonly What[],
  rounds: number,
  take: (one: What) => Promise<number>,
): Promise<Figures> {
  const figures = new Map<string, number[]>(all.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const one of round % 2 === 0 ? all : all.toReversed()) figures.get(one.name)?.push(await take(one))
  }
  return figures
}

export const pause = (forMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, forMs))

export const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN

/** The median of the ratios that were taken in the same round. */
function ratio(figures: Figures, of: string, to: string): number {
  const to_ = figures.get(to) ?? []
  return median((figures.get(of) ?? []).map((figure, round) => figure / (to_[round] ?? NaN)))
}

export function print(measured: Measured, figures: Figures): void {
  console.log(`\n${measured.name}`)
  for (const [name, numbers] of figures)
    console.log(`  ${name.padEnd(24)} ${median(numbers).toFixed(2).padStart(9)} us each ${measured.unit}   (${numbers.map((n) => n.toFixed(1)).join(' ')})`)
  const line = (name: string, to: string, bound: number | null) => {
    const is = ratio(figures, name, to)
    console.log(`  ${`${name} / ${to}`.padEnd(40)} ${is.toFixed(2)}${bound === null ? '' : verdict(is, bound)}`)
  }
  line('Turnout', 'bare relay', measured.bound)
  if (figures.has('Turnout without ledger')) line('Turnout without ledger', 'bare relay', measured.withoutLedger)
  line('bare relay', 'nginx', null)
  line('Turnout', 'nginx', null)
}

/** One program's memory. @param bound of Turnout alone. Unit: megabytes. */
export function printMemory(name: string, megabytes: number, idle: number, bound: number | null): void {
  const said = name === 'Turnout' && bound !== null ? verdict(megabytes, bound) : ''
  console.log(`  ${name.padEnd(24)} ${megabytes.toFixed(1).padStart(9)} MB, on ${idle.toFixed(0)} MB before${said}`)
}

export const verdict = (is: number, bound: number): string => `   bound ${bound}: ${is <= bound ? 'met' : 'MISSED'}`
