import { pause, type Figures, type Rounds } from './figures.ts'
import type { Program } from './programs.ts'

/** Streams of one of those that are compared, and the program that they cost. */
export interface Paced {
  readonly name: string
  readonly program: Program
  open(): Promise<{ close(): void }>
}

/** How long the upstream speaks to one of them at a time. What the machine does besides changes from second to second. */
const sliceMs = 250

/** Until the last event of a slice has gone its way. */
const settleMs = 20

/** Nobody is spoken to. */
const nobody = -1

/** Opens the streams of all and lets the upstream speak to each of them in turn, in short slices. Microseconds of CPU for one event, in each round. */
export async function inSlices(upstream: Program, all: readonly Paced[], { rounds, ms, warmUpMs }: Rounds & { readonly warmUpMs: number }): Promise<Figures> {
  const tell = async (what: string): Promise<number> => Number(await (await fetch(`http://127.0.0.1:${upstream.port}/${what}`)).text())
  const spokenTo = async (group: number, forMs: number): Promise<number> => {
    await tell(`speaking/${group}`)
    await pause(forMs)
    return tell(`speaking/${nobody}`)
  }
  const open: { close(): void }[] = []
  const figures = new Map<string, number[]>(all.map(({ name }) => [name, []]))
  try {
    for (const [group, streams] of all.entries()) {
      await tell(`opening/${group}`)
      // A stream gives nothing before its first word.
      await tell(`speaking/${group}`)
      open.push(await streams.open())
      await spokenTo(group, warmUpMs)
    }
    for (let round = 0; round < rounds; round++) {
      const took = all.map(() => ({ seconds: 0, events: 0 }))
      for (let slice = 0; slice < ms / sliceMs; slice++) {
        const inTurn = [...all.entries()]
        for (const [group, { program }] of slice % 2 === 0 ? inTurn : inTurn.toReversed()) {
          const before = program.cpuSeconds()
          const events = await spokenTo(group, sliceMs)
          await pause(settleMs)
          const sum = took[group]
          if (sum === undefined) continue
          sum.seconds += program.cpuSeconds() - before
          sum.events += events
        }
      }
      for (const [group, { name }] of all.entries()) figures.get(name)?.push(((took[group]?.seconds ?? NaN) * 1e6) / (took[group]?.events ?? NaN))
    }
  } finally {
    for (const streams of open) streams.close()
    await tell('opening/0')
    await tell('speaking/0')
  }
  return figures
}
