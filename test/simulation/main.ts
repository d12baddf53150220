import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Crew } from './crew.ts'
import { complaint, sessionWorldsOf, summary, worldsOf, type SessionPart, type WorldPart } from './report.ts'
import { Tally } from './tally.ts'

/** How often a long run says that it goes on. */
const progressTurns = 100_000

const usage = 'npm run simulate -- [--seed N] [--turns M] [--from-turn K] [--sessions S] [--from-session K] [--jobs J]'

interface Wanted {
  readonly seed: number
  readonly worlds: readonly (WorldPart | SessionPart)[]
  readonly jobs: number
}

/** Turns unless sessions are asked for. */
function read(): Wanted {
  const number = { type: 'string' } as const
  const options = { seed: number, turns: number, 'from-turn': number, sessions: number, 'from-session': number, jobs: number }
  const { values } = parseArgs({ options })
  const whole = (text: string | undefined, otherwise: number): number => {
    const value = text === undefined ? otherwise : Number(text)
    if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`"${text}" is not a whole number`)
    return value
  }
  const sessions = values.sessions === undefined ? [] : sessionWorldsOf(whole(values['from-session'], 0), whole(values.sessions, 0))
  const turns = values.turns === undefined && values.sessions !== undefined ? [] : worldsOf(whole(values['from-turn'], 0), whole(values.turns, 100_000))
  return { seed: whole(values.seed, 1), worlds: [...turns, ...sessions], jobs: Math.max(1, whole(values.jobs, availableParallelism())) }
}

/** Hands the worlds to the workers and adds up what they found, in the order of the worlds, so that the sum is the same however many there are. */
async function main(): Promise<number> {
  const { seed, worlds, jobs } = read()
  const startMs = performance.now()
  let done = 0
  let told = 0
  const crew = new Crew(jobs)
  const results = await crew.simulate(
    worlds.map((world) => ({ seed, ...world })),
    ({ tally }) => {
      done += tally.turns
      if (done >= told + progressTurns) console.error(`${(told = done - (done % progressTurns))} turns ...`)
    },
  )
  await crew.dismiss()

  const tally = new Tally()
  const checked = new Map<string, number>()
  for (const [at, result] of results.entries()) {
    if (result === undefined) continue
    tally.add(result.tally)
    for (const [name, count] of result.checked) checked.set(name, (checked.get(name) ?? 0) + count)
    const world = worlds[at]
    if (result.violation === null || world === undefined) continue
    console.log(complaint(result.violation, seed, world))
    return 1
  }
  console.log(`${summary(tally, checked, (performance.now() - startMs) / 1000)}\nseed ${seed}, digest ${tally.digest.toString(16)}: no invariant was broken`)
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof TypeError)) throw error
  console.error(`simulate: ${error.message}\nusage: ${usage}`)
  process.exitCode = 2
}
