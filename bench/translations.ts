import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { drive, openStreams } from './driver.ts'
import { inRounds, median, pause, verdict, type Figures, type Rounds } from './figures.ts'
import { startNode, type Program } from './programs.ts'
import { adminToken, clientKey, here, type Place } from './setting.ts'
import { inSlices } from './slices.ts'

// What an event costs that is translated, beside the same event of the same upstream for a client that speaks the upstream's own dialect. One program serves all,
// so that nothing differs but the translation.

const dialects = ['responses', 'chat', 'messages'] as const
type Dialect = (typeof dialects)[number]

interface Pair {
  readonly name: string
  readonly client: Dialect
  readonly upstream: Dialect
}

const pairs: readonly Pair[] = dialects.flatMap((upstream) => dialects.map((client) => ({ name: `${client} of ${upstream}`, client, upstream })))

/** Most that a translated event may cost, in events of the upstream's own dialect. */
const bounds = { burst: 3, paced: 1.2 }
const streams = 200
const inFlight = 16

const paths: Readonly<Record<Dialect, string>> = { responses: '/v1/responses', chat: '/v1/chat/completions', messages: '/v1/messages' }
const words = 'The quick brown fox jumps over the lazy dog. '.repeat(80)

export interface TranslationBench extends Place, Rounds {
  readonly warmUpMs: number
  readonly eventsInBurst: number
  wanted(name: string): boolean
}

export async function printTranslations(bench: TranslationBench): Promise<void> {
  if (bench.wanted('translated event in a burst')) {
    await withTurnout(bench, 'burst', async (program) => printRatios('translated event in a burst', bounds.burst, await bursts(bench, program)))
  }
  if (bench.wanted('translated paced event')) {
    await withTurnout(bench, 'paced', async (program) => printRatios('translated paced event', bounds.paced, await paced(bench, program)))
  }
}

function printRatios(name: string, bound: number, figures: Figures): void {
  console.log(`\n${name}, each client's dialect of each upstream's`)
  for (const pair of pairs) {
    const own = figures.get(`${pair.upstream} of ${pair.upstream}`) ?? []
    const costs = figures.get(pair.name) ?? []
    const ratio = median(costs.map((cost, round) => cost / (own[round] ?? NaN)))
    const said = pair.client === pair.upstream ? 'native' : `${ratio.toFixed(2)} x native${verdict(ratio, bound)}`
    console.log(`  ${pair.name.padEnd(24)} ${median(costs).toFixed(2).padStart(9)} us each event   ${said}`)
  }
}

/** Native pairs and translated ones in turn, in each round. */
async function bursts(bench: TranslationBench, program: Program): Promise<Figures> {
  for (const pair of pairs) await burstCost(bench, program, pair, bench.warmUpMs / 2)
  return inRounds(pairs, bench.rounds, (pair) => burstCost(bench, program, pair, bench.ms))
}

async function burstCost({ eventsInBurst }: TranslationBench, program: Program, pair: Pair, ms: number): Promise<number> {
  const before = program.cpuSeconds()
  const { turns } = await drive(program.port, { request: requestOf(program.port, pair), inFlight, ms })
  await pause(100)
  return ((program.cpuSeconds() - before) * 1e6) / (turns * eventsInBurst)
}

/** By events of the upstream: the clients of two dialects may get different numbers of them. One upstream's dialect after the other, each with all clients'. */
async function paced(bench: TranslationBench, program: Program): Promise<Figures> {
  const figures = new Map<string, readonly number[]>()
  for (const upstream of dialects) {
    const all = pairs
      .filter((pair) => pair.upstream === upstream)
      .map((pair) => ({ name: pair.name, program, open: () => openStreams(program.port, requestOf(program.port, pair), streams) }))
    for (const [name, costs] of await inSlices(bench.upstream, all, bench)) figures.set(name, costs)
  }
  return figures
}

function requestOf(port: number, { client, upstream }: Pair): Buffer {
  const said = client === 'responses' ? { input: words, store: false } : { messages: [{ role: 'user', content: words }], max_tokens: 1000 }
  const body = Buffer.from(JSON.stringify({ model: `of-${upstream}`, stream: true, ...said }))
  const head = [
    `POST ${paths[client]} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    `authorization: Bearer ${clientKey}`,
    'anthropic-version: 2023-06-01',
    'content-type: application/json',
    `content-length: ${body.length}`,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}

async function withTurnout({ folder, upstream }: Place, way: string, use: (program: Program) => Promise<void>): Promise<void> {
  const file = join(folder, `translated-${way}.yaml`)
  const account = (dialect: Dialect) => ({
    name: dialect,
    upstream: 'openai-compatible',
    base_url: `http://127.0.0.1:${upstream.port}/${way}/v1`,
    allow_private: true,
    credential: { api_key: `bench-upstream-${dialect}` },
    dialects: [dialect],
    models: { [`of-${dialect}`]: 'upstream-model' },
    only_mapped: true,
    concurrency: 2000,
  })
  const configuration = {
    server: { host: '127.0.0.1', port: 0 },
    accounts: dialects.map(account),
    pools: [{ name: 'p', accounts: dialects }],
    keys: [{ name: 'bench', key: clientKey, pools: ['p'] }],
    admin: { token: adminToken },
    log: { level: 'info' },
  }
  await writeFile(file, JSON.stringify(configuration))
  const program = await startNode(
    'Turnout',
    [here('../src/main.ts'), 'serve', '--config', file, '--data', join(folder, `data-translated-${way}`)],
    /127\.0\.0\.1:(\d+)/,
  )
  try {
    await use(program)
  } finally {
    await program.stop()
  }
}
