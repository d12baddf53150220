import { faultNames, socketFaultNames } from '../simulator/fault.ts'
import { startSimulator, type Simulator } from '../simulator/server.ts'
import { giveUp, printJson, type ExitCode, type Surroundings } from './surroundings.ts'

export interface SimulatorOptions {
  readonly host: string
  readonly port: number
  readonly json?: boolean | undefined
}

/** `turnout simulator`: the scripted upstream alone, until it is told to end. */
export async function simulator(options: SimulatorOptions, surroundings: Surroundings): Promise<ExitCode> {
  const { host, port } = options
  let running: Simulator
  try {
    running = await startSimulator({ host, port })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const why = code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be listened on (${code})`
    return giveUp({ exit: 1, sentences: [`Port ${port} on ${host} ${why}. Choose another with --port (0 takes any free one).`] }, surroundings)
  }
  const told = new Promise<void>((resolve) => {
    surroundings.onSignal('SIGTERM', resolve)
    surroundings.onSignal('SIGINT', resolve)
  })
  const control = new URL('/_control', running.url).href
  if (options.json === true) printJson({ url: running.url, control }, surroundings)
  else surroundings.out(greeting(running.url, control))
  await told
  await running.close()
  return 0
}

function greeting(url: string, control: string): string {
  return `The simulated upstream listens on ${url}

Any API key is an account of its own. What goes wrong with one, and what it was sent:

curl ${control} -d '{"key":"sk-first","faults":["quota"]}'
curl ${control}

Faults: ${[...faultNames, ...socketFaultNames].join(', ')}.
`
}
