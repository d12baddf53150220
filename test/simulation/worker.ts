import { parentPort } from 'node:worker_threads'
import { simulate, type SimulationOptions } from './simulation.ts'

/** Simulates one world after another, as it is told to. */
parentPort?.on('message', (options: SimulationOptions) => {
  void simulate(options).then((simulated) => parentPort?.postMessage(simulated))
})
