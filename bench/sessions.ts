import { inRounds, pause, print, printMemory, type Measured, type Rounds } from './figures.ts'
import type { Program } from './programs.ts'
import { OpenSessions, questionsOf } from './session-driver.ts'
import { adminToken, clientKey, question, withPrograms, type Place } from './setting.ts'
import { inSlices } from './slices.ts'

// Sessions: what a turn, an event and an open socket cost. The sessions stand, and have had their first turn, before anything is measured.

interface Workload extends Measured {
  /** How the upstream answers. */
  readonly way: string
  readonly sessions: number
  /** Units in one turn. */
  readonly units: number
}

const burstOfHundred = 'WebSocket burst of 100 events'
/** Sessions that an upstream paces; what an event costs when each comes by itself. */
const paced: Measured & { readonly sessions: number } = {
  name: 'paced WebSocket event, 200 sessions, one each 20 ms',
  unit: 'event',
  bound: 1.15,
  withoutLedger: null,
  sessions: 200,
}
/** Unit of the bound: megabytes for all of them. */
const idle = { name: 'idle WebSocket sessions', sessions: 1000, bound: 40 }

const workloads = (eventsInBurst: number): readonly Workload[] => [
  { name: 'WebSocket turn, 256 in flight, 4 KB', unit: 'turn', way: 'ws-message', sessions: 256, units: 1, bound: 1.5, withoutLedger: null },
  { name: 'WebSocket turn of three events, 256 in flight, 4 KB', unit: 'turn', way: 'ws-short', sessions: 256, units: 1, bound: null, withoutLedger: null },
  { name: 'WebSocket event in a burst', unit: 'event', way: 'ws-burst', sessions: 16, units: eventsInBurst, bound: null, withoutLedger: null },
]

const questions = questionsOf(question(4096, {}).slice(1, -1))

export interface SessionBench extends Place, Rounds {
  readonly warmUpMs: number
  readonly eventsInBurst: number
  wanted(name: string): boolean
}

export async function printSessions(bench: SessionBench): Promise<void> {
  for (const workload of workloads(bench.eventsInBurst)) {
    if (bench.wanted(workload.name)) await withPrograms(bench, workload.way, 'sessions', (programs) => printLoop(bench, workload, programs))
  }
  if (bench.wanted(paced.name)) await withPrograms(bench, 'ws-paced', 'sessions', (programs) => printPaced(bench, programs))
  if (bench.wanted(burstOfHundred)) await withPrograms(bench, 'ws-hundred', 'sessions', printCalls)
  if (bench.wanted(idle.name)) await withPrograms(bench, 'ws-message', 'sessions', printIdle)
}

/** A closed loop, each turn continuing the one before. */
async function printLoop({ rounds, ms, warmUpMs }: Rounds & { readonly warmUpMs: number }, workload: Workload, programs: readonly Program[]): Promise<void> {
  const cpuOf = async (program: Program, forMs: number): Promise<number> => {
    const sessions = await OpenSessions.open(program.port, clientKey, workload.sessions)
    await sessions.askOnce(questions)
    const before = program.cpuSeconds()
    const turns = await sessions.loop(questions, forMs)
    await pause(100)
    const each = ((program.cpuSeconds() - before) * 1e6) / (turns * workload.units)
    sessions.close()
    await pause(200)
    return each
  }
  for (const program of programs) await cpuOf(program, warmUpMs)
  print(workload, await inRounds(programs, rounds, (program) => cpuOf(program, ms)))
}

async function printPaced(bench: SessionBench, programs: readonly Program[]): Promise<void> {
  const open = async ({ port }: Program): Promise<OpenSessions> => {
    const sessions = await OpenSessions.open(port, clientKey, paced.sessions)
    await sessions.begin(questions)
    return sessions
  }
  print(
    paced,
    await inSlices(
      bench.upstream,
      programs.map((program) => ({ name: program.name, program, open: () => open(program) })),
      bench,
    ),
  )
}

/**
 * System calls of one turn whose answer comes as a burst, the question's own among them: for Turnout also the books, which wake a thread twice and
 * write a line of the log. That a read of many events is one write is a test's to prove; this says what it comes to.
 */
async function printCalls(programs: readonly Program[]): Promise<void> {
  const turns = 200
  console.log(`\n${burstOfHundred}, system calls of the serving thread each turn`)
  for (const program of programs) {
    if (program.name === 'nginx') continue
    const sessions = await OpenSessions.open(program.port, clientKey, 1)
    await sessions.askOnce(questions)
    const before = program.calls()
    for (let turn = 0; turn < turns; turn++) await sessions.askOnce(questions)
    const { reads, writes } = program.calls()
    sessions.close()
    console.log(
      `  ${program.name.padEnd(24)} ${((writes - before.writes) / turns).toFixed(1).padStart(9)} writes, ${((reads - before.reads) / turns).toFixed(1)} reads`,
    )
  }
}

/** Memory that sessions keep which have said nothing yet, beyond what the program holds without them; then after a turn each, transcripts apart. */
async function printIdle(programs: readonly Program[]): Promise<void> {
  const took: { readonly program: Program; readonly idle: number; readonly open: number; readonly served: number; readonly transcripts: number | null }[] = []
  for (const program of programs) {
    const before = program.memoryBytes()
    const sessions = await OpenSessions.open(program.port, clientKey, idle.sessions)
    await pause(3000)
    const open = program.memoryBytes()
    await sessions.askOnce(questions)
    await pause(1000)
    took.push({ program, idle: before, open, served: program.memoryBytes(), transcripts: program.name === 'Turnout' ? await transcripts(program) : null })
    sessions.close()
    await pause(500)
  }
  console.log(`\n${idle.sessions} ${idle.name}, connected, no frame yet; a relay has opened its upstream sockets already`)
  for (const { program, idle: before, open } of took) printMemory(program.name, (open - before) / 1e6, before / 1e6, idle.bound)
  console.log(`\nthe same sessions after one turn each, of 4 KB`)
  for (const { program, idle: before, served, transcripts: kept } of took) {
    printMemory(program.name, (served - before) / 1e6, before / 1e6, null)
    if (kept !== null) console.log(`  ${'of which transcripts'.padEnd(24)} ${(kept / 1e6).toFixed(1).padStart(9)} MB, as turnout_buffered_bytes says`)
  }
}

async function transcripts(program: Program): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${program.port}/metrics`, { headers: { authorization: `Bearer ${adminToken}` } })
  const line = /^turnout_buffered_bytes\{owner="transcripts"\} (\S+)$/m.exec(await answer.text())
  return Number(line?.[1] ?? NaN)
}
