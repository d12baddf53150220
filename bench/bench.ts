import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { drive, openStreams, requestOf } from './driver.ts'
import { inRounds, pause, print, printMemory, type Figures, type Measured } from './figures.ts'
import { startNode, type Program } from './programs.ts'
import { printSessions } from './sessions.ts'
import { printTranslations } from './translations.ts'
import { clientKey, here, question, withPrograms } from './setting.ts'
import { inSlices } from './slices.ts'
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

const events = 2000

interface Workload extends Measured {
  readonly inFlight: number
  readonly body: string
  /** Units in one turn. */
  readonly units: number
}

const workloads: readonly Workload[] = [
  { name: '4 KB turn, 256 in flight', unit: 'turn', inFlight: 256, body: question(4096, {}), units: 1, bound: 1.6, withoutLedger: 1.3 },
  { name: '4 KB turn, 16 in flight', unit: 'turn', inFlight: 16, body: question(4096, {}), units: 1, bound: null, withoutLedger: null },
  { name: '200 KB turn, 256 in flight', unit: 'turn', inFlight: 256, body: question(200 * 1024, {}), units: 1, bound: 1.15, withoutLedger: null },
  { name: 'event in a burst', unit: 'event', inFlight: 16, body: question(4096, { stream: true }), units: events, bound: 1.3, withoutLedger: null },
]

/** Streams that an upstream paces; what an event costs when each comes by itself. */
const paced = { name: 'paced event, 200 streams, one each 20 ms', streams: 200, paceMs: 20, bound: 1.15 }
/** Streams held open at once, for what each keeps in memory. Unit of the bound: MB for 1,000. */
const held = { streams: 1000, bound: 60 }

/** Microseconds of CPU for one unit. */
async function measure(programs: readonly Program[], workload: Workload): Promise<Figures> {
  const load = (program: Program) => ({ request: requestOf(program.port, clientKey, workload.body), inFlight: workload.inFlight })
  for (const program of programs) await drive(program.port, { ...load(program), ms: warmUpMs })
  return inRounds(programs, rounds, async (program) => {
    const before = program.cpuSeconds()
    const { turns } = await drive(program.port, { ...load(program), ms })
    await pause(100)
    return ((program.cpuSeconds() - before) * 1e6) / (turns * workload.units)
  })
}

/** CPU of an event when each comes by itself, on many streams at once. */
function measurePaced(programs: readonly Program[]): Promise<Figures> {
  const body = question(4096, { stream: true })
  const all = programs.map((program) => ({
    name: program.name,
    program,
    open: () => openStreams(program.port, requestOf(program.port, clientKey, body), paced.streams),
  }))
  return inSlices(upstream, all, { rounds, ms, warmUpMs })
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
    printMemory(program.name, megabytes, idle / 1e6, held.bound)
    await pause(500)
  }
}

const folder = await mkdtemp(join(tmpdir(), 'turnout-bench-'))
// The workers of an nginx that root starts are nobody's.
await chmod(folder, 0o755)
const beganAt = performance.now()
const loads = (): string =>
  loadavg()
    .map((n) => n.toFixed(1))
    .join(' ')
console.log(`${rounds} rounds of ${ms / 1000} s each, on ${cpus().length} processors, load ${loads()}`)
const wanted = (name: string): boolean => options.only === undefined || name.includes(options.only)
const upstream = await startNode('upstream', [here('upstream.ts'), String(events), String(paced.paceMs)], /:(\d+)\n/)
try {
  const place = { folder, upstream }
  for (const way of ['json', 'burst', 'paced', 'held'] as const) {
    const chosen = workloads.filter((w) => wanted(w.name) && way === (w.units > 1 ? 'burst' : 'json'))
    const isPaced = way === 'paced' && wanted(paced.name)
    const isHeld = way === 'held' && wanted('open streams')
    if (chosen.length === 0 && !isPaced && !isHeld) continue
    await withPrograms(place, way, 'requests', async (programs) => {
      for (const workload of chosen) print(workload, await measure(programs, workload))
      if (isHeld) await measureHeld(programs)
      if (isPaced) print({ ...paced, unit: 'event', withoutLedger: null }, await measurePaced(programs))
    })
  }
  await printTranslations({ ...place, rounds, ms, warmUpMs, eventsInBurst: events, wanted })
  await printSessions({ ...place, rounds, ms, warmUpMs, eventsInBurst: events, wanted })
  if (wanted('start')) await printStart(folder)
} finally {
  await upstream.stop()
  console.log(`\n${((performance.now() - beganAt) / 1000).toFixed(0)} s, load at the end ${loads()}`)
  await rm(folder, { recursive: true, force: true })
}
