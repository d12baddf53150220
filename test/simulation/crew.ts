import { Worker } from 'node:worker_threads'
import { workerFile } from '../../src/lib/worker-file.ts'
import type { SessionSimulationOptions } from './sessions/session-simulation.ts'
import type { Simulated, SimulationOptions } from './simulation.ts'

/** Some workers, each simulating one world after another. */
export class Crew {
  readonly #jobs: number
  readonly #workers: Worker[] = []

  constructor(jobs: number) {
    this.#jobs = jobs
  }

  /** What each world came to, in their order. After one that broke a law no other is begun. */
  async simulate(
    worlds: readonly (SimulationOptions | SessionSimulationOptions)[],
    done: (simulated: Simulated) => void = () => {},
  ): Promise<readonly (Simulated | undefined)[]> {
    const results: (Simulated | undefined)[] = []
    let next = 0
    let isBroken = false
    const work = (worker: Worker): Promise<void> =>
      new Promise((resolve, reject) => {
        const take = () => {
          const at = next++
          const world = worlds[at]
          if (world === undefined || isBroken) {
            worker.off('error', reject)
            return resolve()
          }
          worker.once('message', (simulated: Simulated) => {
            results[at] = simulated
            isBroken ||= simulated.violation !== null
            done(simulated)
            take()
          })
          worker.postMessage(world)
        }
        worker.once('error', reject)
        take()
      })
    while (this.#workers.length < Math.min(this.#jobs, worlds.length)) this.#workers.push(new Worker(workerFile('./worker', import.meta.url)))
    await Promise.all(this.#workers.map(work))
    return results
  }

  async dismiss(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.terminate()))
  }
}
