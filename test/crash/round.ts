import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LeftSpool } from '../../src/storage/spool-recovery.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { audit } from './books.ts'
import { gather, type Crowd, type Seen } from './clients.ts'
import { bring, type Trouble } from './trouble.ts'

const key = 'crash-client-key-0123456789'
const accounts = ['a', 'b', 'c', 'd'] as const
/** Turns of each account take another time, so that they end at all moments. Unit: milliseconds between two of ten deltas. */
const paces = [40, 65, 90, 130] as const

export interface Ground {
  /** Holds the configuration and the data; the same for all rounds. */
  readonly folder: string
  readonly simulator: string
  readonly httpClients: number
  readonly sessions: number
  /** What clients saw in all rounds so far: it must still be there. */
  readonly seen: Seen[]
}

export interface RoundResult {
  /** Turns that ran when the process was killed, and how many of them had output. */
  readonly running: number
  readonly withOutput: number
  /** Answers whose end a client saw. */
  readonly ended: number
  readonly refused: number
  /** Whether records were in the spool when the process was killed. */
  readonly spool: 'empty' | 'used'
  readonly turns: number
  readonly settled: number
  readonly misses: readonly string[]
}

export function prepare({ folder, simulator }: Pick<Ground, 'folder' | 'simulator'>): void {
  const configuration = {
    server: { port: 0 },
    accounts: accounts.map((name) => ({
      name,
      upstream: 'openai-compatible',
      base_url: simulator,
      allow_private: true,
      credential: { api_key: `crash-${name}` },
      concurrency: 10_000,
    })),
    pools: [{ name: 'all', accounts: [...accounts] }],
    keys: [{ name: 'crash', key, pools: ['all'] }],
    admin: { token: 'crash-admin-token-0123456789' },
    ledger: { spool: '16MiB' },
    log: { level: 'warn' },
  }
  writeFileSync(join(folder, 'turnout.yaml'), JSON.stringify(configuration))
}

/** How the simulated upstream treats the accounts of `prepare`, as its control endpoint takes it. */
export const behaviours: readonly object[] = accounts.map((name, at) => ({ key: `crash-${name}`, deltas: 10, pace_ms: paces[at] }))

/**
 * Runs turns, brings trouble to the store, kills the gateway in the middle of it, ends the trouble, starts a gateway on the same data, and
 * looks into its books. @param earlier what clients saw in earlier rounds: it must still be there. @param runMs from the trouble to the kill.
 */
export async function round(ground: Ground, name: string, trouble: Trouble, runMs: number): Promise<RoundResult> {
  const data = join(ground.folder, 'data')
  const first = new GatewayProcess(ground.folder)
  const url = await first.says(/listens on (\S+)/)
  const crowd = gather({ ...ground, url, key, name })
  let end = (): void => undefined
  try {
    await untilRunning(crowd, ground)
    end = bring(trouble, data)
    await pause(runMs)
    // The worst moment: somebody has just seen an end.
    await new Promise<void>((resolve) => crowd.onEnd(() => void first.kill().then(resolve)))
  } finally {
    await first.kill()
  }
  await pause(50)
  const running = crowd.running()
  const withOutput = running.filter(({ hasOutput }) => hasOutput).length
  crowd.leave()
  const spoolFile = join(data, 'turnout.spool')
  const spool = existsSync(spoolFile) && !new LeftSpool(spoolFile).isEmpty() ? 'used' : 'empty'
  end()
  const second = new GatewayProcess(ground.folder)
  try {
    await second.says(/listens on (\S+)/)
    ground.seen.push(...crowd.seen)
    const { turns, settled, misses } = audit(join(data, 'turnout.db'), ground.seen)
    const refused = crowd.seen.filter((turn) => turn.refused !== null).length
    return { running: running.length, withOutput, ended: crowd.ended(), refused, spool, turns, settled, misses }
  } finally {
    await second.terminate()
  }
}

/** Until nearly everyone has output, and some have had an end. */
async function untilRunning(crowd: Crowd, { httpClients, sessions }: Ground): Promise<void> {
  const withOutput = (): number => crowd.running().filter(({ hasOutput }) => hasOutput).length
  for (let waitedMs = 0; withOutput() < 0.8 * (httpClients + sessions) || crowd.ended() === 0; waitedMs += 20) {
    if (waitedMs > 60_000) throw new Error(`only ${withOutput()} of ${httpClients + sessions} turns came to run`)
    await pause(20)
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
