import { mkdirSync, statSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../src/lib/clock.ts'
import { usageHandles } from '../src/admin/usage.ts'
import { openStore, type Store } from '../src/storage/store.ts'
import { pause } from './figures.ts'
import { startNode, type Program } from './programs.ts'
import { adminToken, clientKey, here, question } from './setting.ts'
import { countLedger, fillLedger, type Spread } from './usage-ledger.ts'

// What `turnout usage` takes over a ledger of many turns, and whether turns feel it.

const { values: options } = parseArgs({
  options: { turns: { type: 'string', default: '10000000' }, seconds: { type: 'string', default: '5' }, rounds: { type: 'string', default: '4' } },
})
const spread: Spread = { turns: Number(options.turns), days: 90, keys: 50, accounts: 20, models: 10, untilMs: Date.now() - 60_000 }
const ms = Number(options.seconds) * 1000
const rounds = Number(options.rounds)
const queryMsMax = 200
const times = 20

/** Clients, and how long each waits before its next turn: far from what the gateway bears, so that a delay is its own and not a queue's. */
const clients = 32
const thinkMs = 40
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

const at = (share: number, sorted: readonly number[]): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
const rising = (list: readonly number[]): readonly number[] => list.toSorted((a, b) => a - b)

async function queryTimes(store: Store): Promise<void> {
  const { usage } = usageHandles({ usage: store.usage })
  const dayMs = 86_400_000
  const hourMs = 3_600_000
  const ranges: readonly (readonly [name: string, from: number | undefined, to: number | undefined])[] = [
    ['all of it', undefined, undefined],
    ['30 days and a few hours', spread.untilMs - 30 * dayMs - 5 * hourMs, spread.untilMs - 3 * hourMs],
    ['the last day', spread.untilMs - dayMs, undefined],
  ]
  console.log(`\nGET usage, ${times} times each`)
  for (const by of ['key', 'account', 'model', 'day'] as const) {
    for (const [name, from, to] of ranges) {
      const took: number[] = []
      for (let i = 0; i < times; i++) {
        const beganAt = performance.now()
        const answer = await usage({ params: {}, query: { by, from, to }, body: null, ifMatch: null })
        took.push(performance.now() - beganAt)
        if (answer.kind !== 'answer' || answer.body.rows.length === 0) throw new Error(`usage by ${by} over ${name} was answered ${JSON.stringify(answer)}`)
      }
      const sorted = rising(took)
      const [median, nearlyAll, most] = [at(0.5, sorted), at(0.9, sorted), at(1, sorted)]
      const figures = `median ${median.toFixed(1).padStart(6)} ms, 9 of 10 within ${nearlyAll.toFixed(1).padStart(6)} ms, most ${most.toFixed(1).padStart(6)} ms`
      console.log(`  by ${by.padEnd(8)} ${name.padEnd(24)} ${figures}   bound ${queryMsMax}: ${nearlyAll <= queryMsMax ? 'met' : 'MISSED'}`)
    }
  }
}

/** Sends turns at an even pace; the answer is the time of each. Unit: milliseconds. */
async function turns(port: number): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const body = question(4096, {})
  const headers = { authorization: `Bearer ${clientKey}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const took: number[] = []
  const until = performance.now() + ms
  const client = async (): Promise<void> => {
    await pause(Math.random() * thinkMs)
    while (performance.now() < until) {
      const beganAt = performance.now()
      await send({ port, path: '/v1/responses', method: 'POST', headers, agent }, body)
      took.push(performance.now() - beganAt)
      await pause(thinkMs)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  agent.destroy()
  return took
}

function send(to: object, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', ...to }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => (text += part))
      answer.on('end', () => (answer.statusCode === 200 ? resolve(text) : reject(new Error(`${answer.statusCode}: ${text.slice(0, 300)}`))))
    })
    asking.on('error', reject)
    asking.end(body)
  })
}

/** Asks for the usage without a pause, as long as `goesOn`. Returns how often. */
async function asking(port: number, goesOn: () => boolean): Promise<number> {
  const agent = new Agent({ keepAlive: true })
  const headers = { authorization: `Bearer ${adminToken}` }
  let asked = 0
  for (const bys = ['key', 'account', 'model', 'day']; goesOn(); asked++) await send({ port, path: `/admin/api/usage?by=${bys[asked % 4]}`, agent, headers })
  agent.destroy()
  return asked
}

/** Seconds of overhead, by the upper ends of the histogram's buckets. */
async function overhead(port: number): Promise<ReadonlyMap<number, number>> {
  const text = await send({ port, path: '/metrics', headers: { authorization: `Bearer ${adminToken}` } })
  return new Map(
    [...text.matchAll(/^turnout_overhead_seconds_bucket\{le="([^"]+)"[^}]*\} (\d+)$/gm)].map(([, le, count]) => [
      le === '+Inf' ? Infinity : Number(le),
      Number(count),
    ]),
  )
}

/** The bucket in which the 99th of a hundred lies. */
function p99Of(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  const all = (after.get(Infinity) ?? 0) - (before.get(Infinity) ?? 0)
  for (const [le, count] of after) if (count - (before.get(le) ?? 0) >= 0.99 * all) return le
  return Infinity
}

async function turnPath(gateway: Program): Promise<void> {
  const took = { without: [] as number[], with: [] as number[] }
  const buckets = { without: 0, with: 0 }
  let asked = 0
  await turns(gateway.port)
  for (let round = 0; round < rounds * 2; round++) {
    const way = round % 4 === 0 || round % 4 === 3 ? 'without' : 'with'
    const before = await overhead(gateway.port)
    let runs = true
    const [found, queries] = await Promise.all([turns(gateway.port).finally(() => (runs = false)), way === 'with' ? asking(gateway.port, () => runs) : 0])
    asked += queries
    took[way].push(...found)
    buckets[way] = Math.max(buckets[way], p99Of(before, await overhead(gateway.port)))
  }
  console.log(`\nturns while usage is asked for without a pause (${asked} times), ${rounds} rounds of ${ms / 1000} s each way`)
  for (const way of ['without', 'with'] as const) {
    const sorted = rising(took[way])
    console.log(
      `  ${`${way} the query`.padEnd(20)} ${sorted.length} turns, as the client sees it: p50 ${at(0.5, sorted).toFixed(2)} ms, p99 ${at(0.99, sorted).toFixed(2)} ms; overhead p99 at most ${buckets[way] * 1000} ms`,
    )
  }
}

const folder = await mkdtemp(join(tmpdir(), 'turnout-bench-usage-'))
const data = join(folder, 'data')
const file = join(data, 'turnout.db')
mkdirSync(data, { mode: 0o700 })
const programs: Program[] = []
try {
  console.log(`${spread.turns} turns over ${spread.days} days, of ${spread.keys} keys, ${spread.accounts} accounts and ${spread.models} models`)
  console.log(`  written in ${(await fillLedger(file, spread)).toFixed(0)} s, ${(statSync(file).size / 1e9).toFixed(2)} GB`)
  const countSeconds = countLedger(file, spread.untilMs)
  console.log(`  counted into the sums in ${countSeconds.toFixed(0)} s, ${Math.round(spread.turns / countSeconds)} turns a second`)
  const store = await openStore({ file, clock: systemClock, commitMs: 1000, retentionMs: 1e12, log: silent })
  await queryTimes(store)
  await store.close()
  const upstream = await startNode('upstream', [here('upstream.ts')], /:(\d+)\n/)
  programs.push(upstream)
  const account = { name: 'a', upstream: 'openai-compatible', base_url: `http://127.0.0.1:${upstream.port}/json/v1`, allow_private: true, concurrency: 2000 }
  const configuration = {
    server: { port: 0 },
    accounts: [{ ...account, credential: { api_key: 'bench-upstream-a' } }],
    pools: [{ name: 'p', accounts: ['a'] }],
    keys: [{ name: 'bench', key: clientKey, pools: ['p'] }],
    ledger: { retention: '3650d' },
    admin: { token: adminToken },
  }
  await writeFile(join(folder, 'turnout.yaml'), JSON.stringify(configuration))
  const gateway = await startNode('Turnout', [here('../src/main.ts'), 'serve', '--config', join(folder, 'turnout.yaml')], /127\.0\.0\.1:(\d+)/)
  programs.push(gateway)
  await turnPath(gateway)
} finally {
  for (const program of programs) await program.stop()
  await rm(folder, { recursive: true, force: true })
}
