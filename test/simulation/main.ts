import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { workerFile } from '../../src/lib/worker-file.ts'
import { complaint, summary, worldsOf } from './report.ts'
import type { Simulated } from './simulation.ts'
import { Tally } from './tally.ts'

/** How often a long run says that it goes on. */
const progressTurns = 100_000

const usage = 'npm run simulate -- [--seed N] [--turns M] [--from-turn K] [--jobs J]'

function read(): { readonly seed: number; readonly turns: number; readonly fromTurn: number; readonly jobs: number } {
  const number = { type: 'string' } as const
  const { values } = parseArgs({ options: { seed: number, turns: number, 'from-turn': number, jobs: number } })
  const whole = (text: string | undefined, otherwise: number): number => {
    const value = text === undefined ? otherwise : Number(text)
    if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`"${text}" is not a whole number`)
    return value
  }
  return {
    seed: whole(values.seed, 1),
    turns: whole(values.turns, 100_000),
    fromTurn: whole(values['from-turn'], 0),
    jobs: Math.max(1, whole(values.jobs, availableParallelism())),
  }
}

/** Hands the worlds to the workers and adds up what they found, in the order of the worlds, so that the sum is the same however many there are. */
async function main(): Promise<number> {
  const { seed, turns, fromTurn, jobs } = read()
  const worlds = worldsOf(fromTurn, turns)
  const results: (Simulated | undefined)[] = []
  const startMs = performance.now()
  let next = 0
  let isBroken = false
  let done = 0
  let told = 0
  const work = (worker: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      const take = () => {
        const at = next++
        const world = worlds[at]
        if (world === undefined || isBroken) return resolve(void worker.terminate())
        worker.once('message', (simulated: Simulated) => {
          results[at] = simulated
          isBroken ||= simulated.violation !== null
          done += simulated.tally.turns
          if (done >= told + progressTurns) console.error(`${(told = done - (done % progressTurns))} turns ...`)
          take()
        })
        worker.postMessage({ seed, ...world })
      }
      worker.once('error', reject)
      take()
    })
  await Promise.all(Array.from({ length: Math.min(jobs, worlds.length) }, () => work(new Worker(workerFile('./worker', import.meta.url)))))

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
