import type { Gateway } from '../index.ts'
import { systemClock } from '../lib/clock.ts'
import { giveUp, type CommonOptions, type ExitCode, type Surroundings } from './surroundings.ts'

export interface ServeOptions extends CommonOptions {
  readonly host?: string | undefined
  readonly port?: number | undefined
}

/** Someone who wants it to end at once waits no longer than this for files to be put away. Unit: milliseconds. */
const stopMs = 1000
/** One Ctrl-C may come twice, from the terminal and from an npm that passes it on: within this it is the same. Unit: milliseconds. */
const sameMs = 50

/** `turnout serve`: ends when it is told to. */
export async function serve(options: ServeOptions, surroundings: Surroundings): Promise<ExitCode> {
  const { createGateway } = await import('../index.ts')
  const { host, port, data } = options
  const opened = await createGateway({ file: options.config, environment: surroundings.environment, overrides: { host, port, data } })
  if (opened.kind === 'failed') return giveUp(opened, surroundings)
  const { gateway } = opened
  const ended = untilTold(gateway, surroundings)
  surroundings.out(greeting(gateway, options))
  return ended
}

/** The first SIGINT and every SIGTERM let running turns finish; a SIGINT after that does not. */
export function untilTold(gateway: Gateway, { onSignal, err }: Surroundings): Promise<ExitCode> {
  return new Promise((resolve, reject) => {
    let draining = false
    const drain = (): void => {
      if (draining) return
      draining = true
      err(`turnout: ${farewell(gateway.turnsOpen())}\n`)
      gateway.drain().then(() => resolve(0), reject)
    }
    onSignal('SIGTERM', drain)
    let interruptedAtMs = -Infinity
    onSignal('SIGINT', () => {
      const nowMs = systemClock.now()
      const isSame = nowMs - interruptedAtMs < sameMs
      interruptedAtMs = nowMs
      if (isSame) return
      if (!draining) return drain()
      systemClock.after(stopMs, () => resolve(130))
      gateway.stop().then(() => resolve(130), reject)
    })
    onSignal('SIGHUP', () => gateway.reload())
  })
}

function farewell(turns: number): string {
  if (turns === 0) return 'stopping'
  return `finishing ${turns === 1 ? 'the turn that runs' : `the ${turns} turns that run`}; press Ctrl-C to stop now`
}

/** What someone needs who has just started it. */
export function greeting(gateway: Gateway, options: ServeOptions): string {
  const { url, trialKey, madeAdminToken, adminTokenFile, wrote } = gateway
  const lines = [`Turnout listens on ${url}`]
  if (wrote !== null) lines.push('', `It wrote ${wrote}: a trial with two simulated accounts, to be replaced by your own.`)
  if (madeAdminToken !== null) lines.push('', `The admin token is ${madeAdminToken}`, `(kept in ${adminTokenFile}; not printed again).`)
  else if (trialKey !== null && adminTokenFile !== null) lines.push('', `The admin token is in ${adminTokenFile}.`)
  if (trialKey !== null) lines.push('', ...trialLines(url, trialKey, flagsOf(options)))
  return `${lines.join('\n')}\n`
}

function trialLines(url: string, key: string, flags: string): readonly string[] {
  const body = JSON.stringify({ model: 'gpt-5.5', input: 'Say hello', stream: true })
  return [
    `The key of the trial is ${key}. Try it:`,
    '',
    `curl -N ${url}/v1/responses -H "authorization: Bearer ${key}" -H "content-type: application/json" -d '${body}'`,
    '',
    'The first simulated account is out of quota, so the answer comes from the second. To see why, in another terminal:',
    '',
    `  npx turnout turns list${flags}`,
    `  npx turnout turns show ID${flags}`,
  ]
}

/** What other commands must be told too, to find this gateway. */
function flagsOf({ config, data }: ServeOptions): string {
  const flags = [...(config === 'turnout.yaml' ? [] : ['--config', config]), ...(data === undefined ? [] : ['--data', data])]
  return flags.map((word) => ` ${/^[\w./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`}`).join('')
}
