import { parentPort } from 'node:worker_threads'
import { simulateSessions, type SessionSimulationOptions } from './sessions/session-simulation.ts'
import { simulate, type SimulationOptions } from './simulation.ts'

/** Simulates one world after another, of turns or of sessions, as it is told to. */
parentPort?.on('message', (options: SimulationOptions | SessionSimulationOptions) => {
  void ('sessions' in options ? simulateSessions(options) : simulate(options)).then((simulated) => parentPort?.postMessage(simulated))
})
