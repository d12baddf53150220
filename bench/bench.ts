import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { drive, openStreams, requestOf } from './driver.ts'
import { startNginx, startNode, type Program } from './programs.ts'
import { printStart } from './start.ts'

// Every figure is a ratio of CPU times that were taken in one run, the programs in turn and in reverse order each other round: machines are
// noisy, and what is compared must have met the same noise.

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string' },
  },
})
const rounds = Number(options.rounds)
const ms = Number(options.seconds) * 1000

/** Until what runs often has been compiled: a program that does more takes longer to be. Unit: milliseconds. */
const warmUpMs = 4000

const clientKey = 'bench-client-key-0123456789'
const events = 2000

interface Workload {
  readonly name: string
  readonly unit: string
  readonly inFlight: number
  readonly body: string
  /** Units in one turn. */
  readonly units: number
  /** The most that Turnout may cost, beside the bare relay; null: printed, not bounded. */
  readonly bound: number | null
  readonly withoutLedger: number | null
}

type Way = 'json' | 'burst' | 'paced' | 'held'

const padding = (bytes: number): string => 'The quick brown fox jumps over the lazy dog. '.repeat(Math.ceil(bytes / 45)).slice(0, bytes)

function question(bytes: number, more: Readonly<Record<string, unknown>>): string {
  const tools = Array.from({ length: Math.min(12, Math.floor(bytes / 4000)) }, (_, i) => ({
    type: 'function',
    name: `tool_${i}`,
    description: padding(200),
    strict: false,
    parameters: { type: 'object', properties: { path: { type: 'string' }, limit: { type: 'integer' } }, required: ['path'] },
  }))
  const rest = { store: false, service_tier: 'priority', prompt_cache_key: 'thread-1', tools, tool_choice: 'auto', ...more }
  const input = [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: '' }] }]
  const empty = JSON.stringify({ model: 'client-model', input, ...rest })
  input[0]?.content.splice(0, 1, { type: 'input_text', text: padding(Math.max(0, bytes - empty.length)) })
  return JSON.stringify({ model: 'client-model', input, ...rest })
}

const workloads: readonly Workload[] = [
  { name: '4 KB turn, 256 in flight', unit: 'turn', inFlight: 256, body: question(4096, {}), units: 1, bound: 1.6, withoutLedger: 1.3 },
  { name: '4 KB turn, 16 in flight', unit: 'turn', inFlight: 16, body: question(4096, {}), units: 1, bound: null, withoutLedger: null },
  { name: '200 KB turn, 256 in flight', unit: 'turn', inFlight: 256, body: question(200 * 1024, {}), units: 1, bound: 1.15, withoutLedger: null },
  { name: 'event in a burst', unit: 'event', inFlight: 16, body: question(4096, { stream: true }), units: events, bound: 1.3, withoutLedger: null },
]

/** Streams that an upstream paces; what an event costs when each comes by itself. */
const paced = { streams: 200, paceMs: 20, bound: 1.15 }
/** Streams held open at once, for what each keeps in memory. Unit of the bound: MB for 1,000. */
const held = { streams: 1000, bound: 60 }

function configuration(upstream: Program, way: Way): string {
  return JSON.stringify({
    server: { host: '127.0.0.1', port: 0 },
    accounts: [
      {
        name: 'a',
        upstream: 'openai-compatible',
        base_url: `http://127.0.0.1:${upstream.port}/${way}/v1`,
        allow_private: true,
        credential: { api_key: 'bench-upstream-1' },
        models: { 'client-model': 'upstream-model' },
        concurrency: 2000,
      },
      {
        name: 'b',
        upstream: 'openai-compatible',
        base_url: `http://127.0.0.1:${upstream.port}/${way}/v1`,
        allow_private: true,
        credential: { api_key: 'bench-upstream-2' },
        models: { 'client-model': 'upstream-model' },
        concurrency: 2000,
        priority: 20,
      },
    ],
    pools: [{ name: 'p', accounts: ['a', 'b'] }],
    keys: [{ name: 'bench', key: clientKey, pools: ['p'] }],
    admin: { token: 'bench-admin-token-0123456789' },
    log: { level: 'info' },
  })
}

/** One way: the programs that stand in front of one kind of answer. */
async function startPrograms(folder: string, upstream: Program, way: Way): Promise<readonly Program[]> {
  const file = join(folder, `${way}.yaml`)
  await writeFile(file, configuration(upstream, way))
  const url = `http://127.0.0.1:${upstream.port}/${way}/v1`
  const nginx = await startNginx('nginx', join(folder, `nginx-${way}`), (port) => proxyServer(port, upstream.port, way))
  const bare = await startNode('bare relay', [here('bare-relay.ts'), url, 'upstream-model'], /:(\d+)\n/)
  const turnout = await startNode('Turnout', [here('../src/main.ts'), 'serve', '--config', file, '--data', join(folder, `data-${way}`)], /127\.0\.0\.1:(\d+)/)
  const without = await startNode('Turnout without ledger', [here('without-ledger.ts'), file], /:(\d+)\n/)
  return [nginx, bare, turnout, without]
}

const here = (file: string): string => join(import.meta.dirname, file)

function proxyServer(port: number, upstreamPort: number, way: Way): string {
  return `upstream up { server 127.0.0.1:${upstreamPort}; keepalive 2048; keepalive_requests 100000000; }
    server { listen 127.0.0.1:${port} backlog=4096; location / { proxy_pass http://up/${way}/; proxy_http_version 1.1; proxy_set_header connection ""; proxy_buffering off; } }`
}

/** Microseconds of CPU for one unit, in each round, by program. */
async function measure(programs: readonly Program[], workload: Workload): Promise<ReadonlyMap<string, readonly number[]>> {
  const figures = new Map<string, number[]>(programs.map(({ name }) => [name, []]))
  const load = (program: Program) => ({ request: requestOf(program.port, clientKey, workload.body), inFlight: workload.inFlight })
  for (const program of programs) await drive(program.port, { ...load(program), ms: warmUpMs })
  for (let round = 0; round < rounds; round++) {
    for (const program of round % 2 === 0 ? programs : programs.toReversed()) {
      const before = program.cpuSeconds()
      const { turns } = await drive(program.port, { ...load(program), ms })
      await pause(100)
      figures.get(program.name)?.push(((program.cpuSeconds() - before) * 1e6) / (turns * workload.units))
    }
  }
  return figures
}

const pause = (forMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, forMs))

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN

/** The median of the ratios that were taken in the same round. */
function ratio(figures: ReadonlyMap<string, readonly number[]>, of: string, to: string): number {
  const to_ = figures.get(to) ?? []
  return median((figures.get(of) ?? []).map((figure, round) => figure / (to_[round] ?? NaN)))
}

function print(workload: Pick<Workload, 'name' | 'unit' | 'bound' | 'withoutLedger'>, figures: ReadonlyMap<string, readonly number[]>): void {
  console.log(`\n${workload.name}`)
  for (const [name, numbers] of figures)
    console.log(`  ${name.padEnd(24)} ${median(numbers).toFixed(2).padStart(9)} us each ${workload.unit}   (${numbers.map((n) => n.toFixed(1)).join(' ')})`)
  const line = (name: string, to: string, bound: number | null) => {
    const measured = ratio(figures, name, to)
    const said = bound === null ? '' : `   bound ${bound}: ${measured <= bound ? 'met' : 'MISSED'}`
    console.log(`  ${`${name} / ${to}`.padEnd(40)} ${measured.toFixed(2)}${said}`)
  }
  line('Turnout', 'bare relay', workload.bound)
  line('Turnout without ledger', 'bare relay', workload.withoutLedger)
  line('bare relay', 'nginx', null)
  line('Turnout', 'nginx', null)
}

/** CPU of an event when each comes by itself, on many streams at once. */
async function measurePaced(programs: readonly Program[]): Promise<ReadonlyMap<string, readonly number[]>> {
  const figures = new Map<string, number[]>(programs.map(({ name }) => [name, []]))
  const body = question(4096, { stream: true })
  for (let round = 0; round < rounds; round++) {
    for (const program of round % 2 === 0 ? programs : programs.toReversed()) {
      const streams = await openStreams(program.port, requestOf(program.port, clientKey, body), paced.streams)
      await pause(500)
      const before = { cpu: program.cpuSeconds(), events: streams.events() }
      await pause(ms)
      figures.get(program.name)?.push(((program.cpuSeconds() - before.cpu) * 1e6) / (streams.events() - before.events))
      streams.close()
      await pause(200)
    }
  }
  return figures
}

/** Memory that 1,000 open streams keep, beyond what the program holds idle. */
async function measureHeld(programs: readonly Program[]): Promise<void> {
  console.log(`\n${held.streams} open streams`)
  for (const program of programs) {
    const request = requestOf(program.port, clientKey, question(4096, { stream: true }))
    const idle = program.memoryBytes()
    const streams = await openStreams(program.port, request, held.streams)
    await pause(3000)
    const megabytes = (program.memoryBytes() - idle) / 1e6
    streams.close()
    const said = program.name === 'Turnout' ? `   bound ${held.bound}: ${megabytes <= held.bound ? 'met' : 'MISSED'}` : ''
    console.log(`  ${program.name.padEnd(24)} ${megabytes.toFixed(1).padStart(9)} MB, on ${(idle / 1e6).toFixed(0)} MB before${said}`)
    await pause(500)
  }
}

const folder = await mkdtemp(join(tmpdir(), 'turnout-bench-'))
// The workers of an nginx that root starts are nobody's.
await chmod(folder, 0o755)
const running: Program[] = []
const beganAt = performance.now()
console.log(
  `${rounds} rounds of ${ms / 1000} s each, on ${cpus().length} processors, load ${loadavg()
    .map((n) => n.toFixed(1))
    .join(' ')}`,
)
const wanted = (name: string): boolean => options.only === undefined || name.includes(options.only)
try {
  const upstream = await startNode('upstream', [here('upstream.ts'), String(events), String(paced.paceMs)], /:(\d+)\n/)
  running.push(upstream)
  for (const way of ['json', 'burst', 'paced', 'held'] as const) {
    const chosen = workloads.filter((w) => wanted(w.name) && way === (w.units > 1 ? 'burst' : 'json'))
    const isPaced = way === 'paced' && wanted('paced event')
    const isHeld = way === 'held' && wanted('open streams')
    if (chosen.length === 0 && !isPaced && !isHeld) continue
    const programs = await startPrograms(folder, upstream, way)
    running.push(...programs)
    for (const workload of chosen) print(workload, await measure(programs, workload))
    if (isHeld) await measureHeld(programs)
    if (isPaced) {
      const name = `paced event, ${paced.streams} streams, one each ${paced.paceMs} ms`
      print({ name, unit: 'event', bound: paced.bound, withoutLedger: null }, await measurePaced(programs))
    }
    for (const program of programs) await program.stop()
    running.splice(1)
  }
  if (wanted('start')) await printStart(folder)
} finally {
  for (const program of running) await program.stop()
  console.log(
    `\n${((performance.now() - beganAt) / 1000).toFixed(0)} s, load at the end ${loadavg()
      .map((n) => n.toFixed(1))
      .join(' ')}`,
  )
  await rm(folder, { recursive: true, force: true })
}
